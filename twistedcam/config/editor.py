"""Changes of the configuration file while the server runs."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from twistedcam.camera import check_source
from twistedcam.config import page_rules
from twistedcam.config.camera_edits import add_camera, copy_camera, remove_camera, rename_camera
from twistedcam.config.forms import camera_form, server_form
from twistedcam.config.merge import merge
from twistedcam.config.option_edits import MAX_CHANGES, OptionChange, set_option
from twistedcam.config.options import ServeOptions
from twistedcam.config.toml_edits import read_document
from twistedcam.config.toml_file import ConfigContents, read_config
from twistedcam.errors import (
    BadArgument,
    Conflict,
    DiskError,
    Forbidden,
    NoSuchCamera,
    NotSupported,
    StartupError,
)
from twistedcam.runtime.atomic_file import locked, write_atomically
from twistedcam.sources.spec import SourceSpec

log = Logger()

#: Bytes of a file that can be changed, and earlier texts that are kept for ``undo``.
MAX_BYTES = 48 * 1024
_MAX_UNDO = 20
#: Texts that are kept so that changes of them can be merged.
_MAX_SHOWN = 20
_NO_FILE = "the server was started without a configuration: start it with --config FILE"
_EDITS: dict[str, Callable[..., str]] = {
    "add": add_camera,
    "copy": copy_camera,
    "rename": rename_camera,
    "remove": remove_camera,
}


class ConfigEditor:
    """Shows, checks and changes the configuration file, within the rules for the page.

    Comments and everything else in the text stay as they were written. A change has to name the
    version that it was made of, so that two pages do not overwrite each other's changes.

    Arguments:
        options: those that the server was started with.
        reload: applies the file to the running server.
        has_tokens: returns True if clients need a token. Without, a file that other users of this
            machine cannot read is not shown: it may have passwords of cameras.
    """

    def __init__(
        self,
        options: ServeOptions,
        reload: Callable[[], Awaitable[dict[str, Any]]],
        has_tokens: Callable[[], bool] = lambda: True,
    ) -> None:
        self._has_tokens = has_tokens
        self._options = options
        self._read_options = options.read_again
        self._path = options.file
        self._may_create = options.is_of_folder
        self._reload = reload
        #: Texts that were replaced, each with the version of the text that replaced it. None: there
        #: was no file.
        self._undo: list[tuple[str | None, str]] = []
        #: Texts that were shown, by their versions, the newest last.
        self._shown: dict[str, str] = {}

    def show(self) -> dict[str, Any]:
        """Return the file's ``path``, ``text``, ``version``, and if it can be changed.

        ``read_only`` has the reason why not, or None.
        """
        if self._path is None:
            empty = {"path": None, "text": "", "version": "", "can_undo": False}
            return {**empty, "read_only": _NO_FILE}
        text = self._text()
        version = self._remember(text)
        return {
            "path": str(self._path),
            "text": text,
            "version": version,
            "read_only": self._read_only(text),
            "can_undo": bool(self._undo) and self._undo[-1][1] == version,
        }

    def read(self, text: str | None = None) -> ServeOptions:
        """Return the options that result from the file, or from another text.

        Raises:
            BadArgument: it is not valid.
            NotSupported: there is no file.
        """
        if self._read_options is None:
            raise NotSupported(_NO_FILE)
        return self._read_options(self._text() if text is None else text)

    def check(self, text: str) -> dict[str, Any]:
        """Return the difference of a text to the file, and its ``error`` or None."""
        before = self._text()
        return {"error": self._fault(before, text), "difference": _difference(before, text)}

    def _short(self, message: str) -> str:
        """Return an error without the file and the table, which a form shows already."""
        return re.sub(r"^\[camera\.[^\]]*\]: ", "", message.removeprefix(f"{self._path}: "))

    def _fault(self, before: str, text: str) -> str | None:
        """Return the reason why a text cannot be used, or None."""
        try:
            self._check(before, text)
        except (BadArgument, NotSupported, Forbidden, StartupError) as why:
            return str(why)
        return None

    def edit(self, text: str, action: str, **values: Any) -> str:
        """Return a text in which a camera was added, copied, renamed or removed. Saves nothing.

        Arguments:
            action: ``add`` (with ``name``, ``source`` and ``settings``), ``copy`` and ``rename``
                (with ``name`` and ``new``), ``remove`` (with ``name``).

        Raises:
            BadArgument, NoSuchCamera: that is not possible.
        """
        return _EDITS[action](text, **values)

    def form(self, text: str | None, camera: str | None = None) -> dict[str, Any]:
        """Return the options in a text as fields of a form.

        Arguments:
            text: the text; None for that of the file.
            camera: the camera whose settings are returned; None for the options of the server.

        Raises:
            BadArgument, NoSuchCamera: the text is no TOML, or has no such camera.
        """
        found = self._text() if text is None else text
        if camera is None:
            return server_form(found, self._options)
        return camera_form(found, camera, self._options)

    def set_options(self, text: str, changes: list[Any]) -> dict[str, Any]:
        """Return a text with other values of options, and the errors by their paths.

        Saves nothing. Changes that are not valid are left out.

        Returns: ``text``, ``errors`` with ``path`` and ``message``, and the answer of ``check``.

        Raises:
            BadArgument: there are too many changes.
        """
        if len(changes) > MAX_CHANGES:
            raise BadArgument(f"at most {MAX_CHANGES} changes are possible at once")
        before, errors = self._text(), list[dict[str, Any]]()
        fault = self._fault(before, text)
        for change in map(OptionChange.read, changes):
            try:
                candidate = set_option(text, change)
            except (BadArgument, Forbidden, NoSuchCamera) as error:
                errors.append({"path": list(change.path), "message": str(error)})
                continue
            found = self._fault(before, candidate)
            if found is not None and found != fault:
                errors.append({"path": list(change.path), "message": self._short(found)})
            else:
                text, fault = candidate, found
        return {"text": text, "errors": errors, **self.check(text)}

    def merge(self, text: str, version: str) -> dict[str, Any]:
        """Return a text with the changes of the page and those of others. Saves nothing.

        Arguments:
            text: the changed text.
            version: that of the text which it was made of.

        Returns: ``text``, the ``version`` of the file, the keys of ``conflicts`` in which both
            have changed the same, and the answer of ``check``.

        Raises:
            Conflict: the text of that version is not known any more.
            BadArgument: one of the texts is no TOML.
        """
        theirs = self._text()
        base = self._shown.get(version)
        if base is None:
            raise Conflict("the text of which this was made is not known any more: copy your part")
        merged, conflicts = merge(base, text, theirs)
        return {
            "text": merged,
            "version": _version(theirs),
            "conflicts": conflicts,
            **self.check(merged),
        }

    def check_source(self, spec: SourceSpec) -> None:
        """Check that the page may add a camera with a source.

        Raises:
            BadArgument: a setting of it is not valid.
            Forbidden: only the file itself may have it.
        """
        if self._read_options is None:
            raise NotSupported(_NO_FILE)
        before = self._read_options(self._text())
        page_rules.check_source(spec, before.cameras.values(), before.recordings)
        check_source(spec)

    async def change(self, text: str, version: str) -> dict[str, Any]:
        """Replace the file and apply it.

        Arguments:
            version: that of the file which the text was made of.

        Returns: the answer of ``reload``, and the new ``version``.

        Raises:
            BadArgument: the text is not a valid configuration; the file is unchanged.
            Forbidden: only the file itself may be changed in this way.
            Conflict: the file has changed meanwhile.
            DiskError, NotSupported: the file cannot be written.
        """
        before = self._expect(version)
        self._check(before, text)
        return await self._replace(self._current(), text)

    async def undo(self, version: str) -> dict[str, Any]:
        """Take the last change back and apply that. Returns and raises as ``change``."""
        self._expect(version)
        if not self._undo or self._undo[-1][1] != version:
            raise Conflict("there is no change of the page to take back")
        text, _ = self._undo[-1]
        done = await self._replace(self._current(), text)
        del self._undo[-2:]
        return done

    async def _replace(self, before: str | None, text: str | None) -> dict[str, Any]:
        self._write(text)
        try:
            done = await self._reload()
        except Exception:
            if self._current() == text:
                self._write(before)
            raise
        version = self._remember(text or "")
        self._undo = [*self._undo[1 - _MAX_UNDO :], (before, version)]
        log.info("the configuration was changed in the page: {path}", path=str(self._path))
        return {**done, "version": version}

    def _remember(self, text: str) -> str:
        """Keep a text that was shown; return its version."""
        version = _version(text)
        self._shown.pop(version, None)
        self._shown[version] = text
        for old in list(self._shown)[:-_MAX_SHOWN]:
            del self._shown[old]
        return version

    def _expect(self, version: str) -> str:
        before = self._text()
        if _version(before) != version:
            raise Conflict("the configuration has changed meanwhile: load it again")
        why = self._read_only(before)
        if why is not None:
            raise NotSupported(why)
        return before

    def _check(self, before: str, text: str) -> None:
        """Check a text.

        Raises:
            BadArgument, Forbidden, NotSupported: it cannot be used.
        """
        if self._read_options is None:
            raise NotSupported(_NO_FILE)
        if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
            raise BadArgument(f"the text has more than {MAX_BYTES // 1024} KB")
        effective = self._read_options(before)
        folder = effective.recordings
        page_rules.check_text(read_document(before), read_document(text), folder)
        after, options = self._contents(text), self._read_options(text)
        known = effective.cameras.values()
        page_rules.check_change(self._contents(before), after, folder, known, options)
        for spec in [*options.cameras.values(), *(each.source for each in after.cameras.values())]:
            check_source(spec)

    def _contents(self, text: str) -> ConfigContents:
        assert self._path is not None
        return read_config(self._path, text)

    def _text(self) -> str:
        """Return the text of the file, empty if there is none, if the page may show it."""
        text = self._current() or ""
        assert self._path is not None
        if text and not self._has_tokens() and not self._path.stat().st_mode & 0o004:
            raise Forbidden(
                f"other users cannot read {self._path}, and the server has no tokens: "
                "the page does not show it"
            )
        return text

    def _current(self) -> str | None:
        """Return the text of the file, or None if there is none yet."""
        if self._path is None:
            raise NotSupported(_NO_FILE)
        if self._may_create and not os.path.lexists(self._path):
            return None
        try:
            return self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise DiskError(f"{self._path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise DiskError(f"{self._path} is not UTF-8") from None

    def _read_only(self, text: str) -> str | None:
        """Return the reason why the file cannot be changed, or None."""
        assert self._path is not None
        path = Path(os.path.realpath(self._path))
        if len(text.encode()) > MAX_BYTES:
            return f"{self._path} has more than {MAX_BYTES // 1024} KB: change it in an editor"
        is_new = self._may_create and not path.exists()
        if not (is_new or os.access(path, os.W_OK)) or not os.access(path.parent, os.W_OK):
            return f"{self._path} and its folder cannot be written by this server"
        return None

    def _write(self, text: str | None) -> None:
        """Replace the file, or remove it."""
        path = Path(os.path.realpath(self._path or ""))  # a link stays one
        try:
            with locked(path):
                if text is None:
                    path.unlink()
                    return
                mode, owner = self._mode_and_owner(path, text)
                write_atomically(path, text.encode(), mode, owner=owner)
        except OSError as error:
            raise DiskError(f"{self._path} cannot be written: {error.strerror}") from error

    def _mode_and_owner(self, path: Path, text: str) -> tuple[int, tuple[int, int] | None]:
        """Return mode and owner for a file that is written; an owner of None is this user."""
        if self._may_create and not path.exists():
            # Without tokens, every user of this machine sees it in the page.
            return 0o600 if self.read(text).tokens is not None else 0o644, None
        found = path.stat()
        owner = (found.st_uid, found.st_gid)
        return found.st_mode & 0o777, None if owner == (os.geteuid(), os.getegid()) else owner


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _difference(before: str, after: str) -> str:
    """Return the lines that differ, with three lines around them; empty if none does."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "now", "new", lineterm="")
    return "\n".join(lines)
