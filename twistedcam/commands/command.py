"""A command: its parameters, right and help, all taken from one function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NewType, get_args, get_origin

from twistedcam.auth import ANYONE, Grant
from twistedcam.commands.visible_cameras import RecordedCamera, VisibleCameras
from twistedcam.errors import BadArgument

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

#: One item, a list of items, or nothing. Keys are words, values are JSON values.
Answer = dict[str, Any] | list[dict[str, Any]] | None

#: ``view`` changes nothing, ``control`` changes something, ``admin`` stops the server or changes
#: its configuration.
Right = Literal["view", "control", "admin"]

#: The file name of a recording or a snapshot, as the type of a command's parameter.
RecordingName = NewType("RecordingName", str)

#: True if a single word that names no camera is an argument for the parameter after the camera.
SkipsCamera = Callable[[VisibleCameras, str], bool]

#: Returns the name of the camera to use if none is named; None for the only camera.
DefaultCamera = Callable[["Server"], str | None]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a command.

    Arguments:
        name: its lower-case name, as in the function.
        required: True if it may not be omitted.
        is_camera: True for a camera's name.
        is_recorded: True for a camera's name that need not be in the configuration any more.
        kind: ``word``; ``rest``: all the remaining words; ``option``: ``--name VALUE``, anywhere;
            ``switch``: ``--name`` alone.
        is_recording: True for the file name of a recording or a snapshot.
    """

    name: str
    required: bool
    is_camera: bool = False
    kind: Literal["word", "rest", "option", "switch"] = "word"
    is_recorded: bool = False
    is_recording: bool = False

    @classmethod
    def of(cls, found: inspect.Parameter, names: dict[str, Any]) -> Parameter:
        """Make it from a function's parameter (see Registry.command).

        Arguments:
            names: the globals of the function's module, to evaluate an annotation that is text.
        """
        optional = found.default is not inspect.Parameter.empty
        annotation = _evaluate(found.annotation, names)
        if found.kind is inspect.Parameter.KEYWORD_ONLY:
            return cls(found.name, False, kind="switch" if annotation is bool else "option")
        is_list = annotation is list or get_origin(annotation) is list
        kind: Literal["word", "rest"] = "rest" if is_list else "word"
        is_recorded = RecordedCamera in (annotation, *get_args(annotation))
        is_camera, is_recording = found.name == "camera", annotation is RecordingName
        return cls(found.name, not optional, is_camera, kind, is_recorded, is_recording)

    def find_camera(self, cameras: VisibleCameras, name: str | None) -> Camera | RecordedCamera:
        """Return the camera that a client names; raises as ``VisibleCameras.get`` does."""
        return cameras.recorded(name) if self.is_recorded else cameras.get(name)

    @property
    def flag(self) -> str:
        """The option or switch as it is typed."""
        return "--" + self.name.replace("_", "-")

    def __str__(self) -> str:
        word = "RECORDING" if self.is_recording else self.name.upper()
        if self.kind == "option":
            return f"[{self.flag} {word}]"
        if self.kind == "switch":
            return f"[{self.flag}]"
        return f"[{word}]" if self.is_camera or not self.required else word


@dataclass(frozen=True)
class Command:
    """A command.

    Arguments:
        name: one or two words, such as ``record start``.
        call: the function; its first argument is the server, or the session.
        parameters: the parameters.
        right: the right that a client needs.
        before_auth: True if a client may use it before it has sent a token.
        items: for an answer that is a list: the plural name of its items.
        of_session: True if it concerns the client's own connection (session.ControllerSession).
        skips_camera: see SkipsCamera.
        as_lines: formats the answer as text, if not as ``key: value`` lines.
        shared_keys: the keys of an answer about the whole server that a client with a token for
            some cameras may also see.
        new_file: the parameter that names a file to be created.
        default_camera: see DefaultCamera.
        takes_covers: True if the function has a parameter ``covers``: a function that is True for
            the cameras that the client may know of. Its answer then has no others.
    """

    name: str
    call: Callable[..., Answer | Awaitable[Answer]]
    parameters: tuple[Parameter, ...]
    right: Right
    items: str | None
    of_session: bool = False
    before_auth: bool = False
    skips_camera: SkipsCamera = lambda cameras, word: False
    as_lines: Callable[[Answer], list[str]] | None = None
    shared_keys: tuple[str, ...] = ()
    new_file: str | None = None
    default_camera: DefaultCamera = lambda server: None
    takes_covers: bool = False

    @property
    def usage(self) -> str:
        """The name and parameters: ``record start [CAMERA] [NAME]``."""
        return " ".join([self.name, *map(str, self.parameters)])

    @property
    def summary(self) -> str:
        """The first line of its help."""
        return self.help.partition("\n")[0]

    @property
    def help(self) -> str:
        """The function's docstring."""
        return inspect.getdoc(self.call) or ""

    def bind(self, server: Server, words: list[str], grant: Grant = ANYONE) -> dict[str, Any]:
        """Convert the words after the command's name to the function's arguments.

        Arguments:
            grant: the client's rights.

        Raises:
            BadArgument, NoSuchCamera, CameraNeeded: the words are invalid.
            Forbidden: they name a camera that the token is not valid for, or that does not exist.
        """
        cameras = VisibleCameras(server, grant)
        arguments, rest = self._take_options(words)
        places = [each for each in self.parameters if each.kind in ("word", "rest")]
        for index, parameter in enumerate(places):
            if parameter.is_camera:
                word = self._camera_word(cameras, rest, places[index + 1 :])
                if word is not None:
                    rest.pop(0)
                elif parameter.required:
                    word = self.default_camera(server)
                    if word is not None and not cameras.has(word, parameter.is_recorded):
                        word = None
                if word is not None or parameter.required:
                    arguments[parameter.name] = parameter.find_camera(cameras, word)
            elif parameter.kind == "rest":
                arguments[parameter.name], rest = rest, []
            elif rest:
                arguments[parameter.name] = rest.pop(0)
            elif parameter.required:
                raise BadArgument(f"{parameter} is missing: {self.usage}")
        if rest:
            raise BadArgument(f"{rest[0]!r} is one argument too many: {self.usage}")
        return arguments

    def _take_options(self, words: list[str]) -> tuple[dict[str, Any], list[str]]:
        """Separate options and switches from the other words; all words after ``--`` are such."""
        known = {each.flag: each for each in self.parameters if each.kind in ("option", "switch")}
        taken: dict[str, Any] = {}
        rest: list[str] = []
        left = list(words)
        while left:
            word = left.pop(0)
            if word == "--":
                return taken, rest + left
            if not word.startswith("--"):
                rest.append(word)
                continue
            flag, equals, value = word.partition("=")
            parameter = known.get(flag)
            if parameter is None:
                raise BadArgument(f"there is no option {flag!r}: {self.usage}")
            if parameter.kind == "switch":
                if equals:
                    raise BadArgument(f"{flag} takes no value: {self.usage}")
                taken[parameter.name] = True
            elif equals or left:
                taken[parameter.name] = value if equals else left.pop(0)
            else:
                raise BadArgument(f"{flag} needs a value: {self.usage}")
        return taken, rest

    def _camera_word(
        self, cameras: VisibleCameras, words: list[str], others: list[Parameter]
    ) -> str | None:
        """Return the first word if it names a camera or is meant to."""
        if not words:
            return None
        if words[0] in cameras or len(words) > len(others):
            return words[0]
        required = sum(other.required for other in others)
        if len(words) <= required or self.skips_camera(cameras, words[0]):
            return None
        return words[0]

    async def run(self, subject: Any, **arguments: Any) -> Answer:
        """Execute it on the server, or on the session if it concerns that.

        Raises:
            CommandError: it failed, and changed nothing.
        """
        try:
            answer = self.call(subject, **arguments)
            if answer is None or isinstance(answer, (dict, list)):
                return answer
            return await answer
        except SystemExit as end:  # in a command of the program: the client needs an answer
            what = f"the command {self.name!r} raised SystemExit({end.code!r})"
            raise RuntimeError(f"{what}: only 'shutdown' may stop the server") from end


def parameters_of(call: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return a function's parameters after the first, as those of a command; not ``covers``."""
    names = getattr(inspect.unwrap(call), "__globals__", {})
    found = list(inspect.signature(call).parameters.values())[1:]
    return tuple(Parameter.of(each, names) for each in found if each.name != "covers")


def _evaluate(annotation: Any, names: dict[str, Any]) -> Any:
    """Return the type of an annotation, or its text if that cannot be evaluated."""
    try:
        return eval(annotation, names) if isinstance(annotation, str) else annotation
    except Exception:  # often a name that is imported for type checkers only
        return annotation
