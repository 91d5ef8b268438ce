"""The files that describe the server to systemd and launchd."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: The first line of each unit that this program has written.
MARK = "# Written by 'twistedcam service install'; 'twistedcam service uninstall' removes it."
#: A key of launchd's file with the same purpose; launchd ignores it.
MARK_KEY = "TwistedcamService"

_UNIT = """\
{mark}
[Unit]
Description=twistedcam, a camera server
After=network.target

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
WatchdogSec=30
# Time to finish recordings.
TimeoutStopSec=10
UMask=0027
LimitNOFILE=65536
# A core file would contain tokens and pictures.
LimitCORE=0
NoNewPrivileges=yes
{more}
[Install]
WantedBy={target}
"""
_USER = """\
WorkingDirectory={folder}
"""
_SYSTEM = """\
DynamicUser=yes
# The webcams and microphones.
SupplementaryGroups=video audio
WorkingDirectory={folder}
StateDirectory={name}
StateDirectoryMode=0750
MemoryMax=75%
TasksMax=1024
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-alsa rw
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictSUIDSGID=yes
LockPersonality=yes
"""


@dataclass(frozen=True)
class ServicePlace:
    """The place of a service, and the commands that start and stop it.

    Arguments:
        path: the file.
        folder: the service's working folder, in which recordings are.
        start: commands that make the system read the file, and start the service.
        stop: commands that stop it, before the file is removed.
        forget: commands after the file was removed.
        log: the command that shows the log.
    """

    path: Path
    folder: Path
    start: tuple[tuple[str, ...], ...]
    stop: tuple[tuple[str, ...], ...]
    forget: tuple[tuple[str, ...], ...]
    log: str


def service_place(
    platform: str, name: str, is_system: bool, home: Path, user_id: int, environ: Mapping[str, str]
) -> ServicePlace:
    """Return the place of a service.

    Arguments:
        platform: as ``sys.platform``.
        name: the service's name.
        is_system: True for a service of the machine, False for one of the user.
        home: the user's home folder.
        user_id: the user's number.
        environ: the environment.
    """
    if platform == "darwin":
        label = f"org.twistedcam.{name}"
        domain = "system" if is_system else f"gui/{user_id}"
        root = Path("/Library/LaunchDaemons") if is_system else home / "Library" / "LaunchAgents"
        folder = home / "Library" / "Application Support" / name
        path = root / f"{label}.plist"
        return ServicePlace(
            path,
            Path("/var/lib") / name if is_system else folder,
            (("launchctl", "bootstrap", domain, str(path)),),
            (("launchctl", "bootout", f"{domain}/{label}"),),
            (),
            f"less {_mac_log(name, is_system, home)}",
        )
    systemctl = ("systemctl",) if is_system else ("systemctl", "--user")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    unit = f"{name}.service"
    return ServicePlace(
        (Path("/etc/systemd/system") if is_system else config / "systemd" / "user") / unit,
        Path("/var/lib") / name if is_system else state / name,
        (
            (*systemctl, "daemon-reload"),
            (*systemctl, "enable", unit),
            (*systemctl, "restart", unit),
        ),
        ((*systemctl, "disable", "--now", unit),),
        ((*systemctl, "daemon-reload"),),
        f"journalctl {'' if is_system else '--user '}-u {name}",
    )


def service_file(
    platform: str, name: str, is_system: bool, home: Path, folder: Path, command: Sequence[str]
) -> bytes:
    """Return the contents of a service's file.

    Arguments:
        folder: the working folder.
        command: the server's command line; others as in ``service_place``.
    """
    if platform == "darwin":
        log = str(_mac_log(name, is_system, home))
        return plistlib.dumps(
            {
                "Label": f"org.twistedcam.{name}",
                MARK_KEY: True,
                "ProgramArguments": list(command),
                "WorkingDirectory": str(folder),
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                "ProcessType": "Interactive",  # its network is not slowed down
                "SoftResourceLimits": {"NumberOfFiles": 10240},
                "StandardOutPath": log,
                "StandardErrorPath": log,
                "Umask": 0o027,
            }
        )
    more = _SYSTEM if is_system else _USER
    return _UNIT.format(
        mark=MARK,
        command=" ".join(map(_quote, command)),
        more=more.format(folder=_escape(str(folder)), name=name),
        target="multi-user.target" if is_system else "default.target",
    ).encode()


def is_ours(platform: str, content: bytes) -> bool:
    """Return True if ``service_file`` has made this file."""
    if platform != "darwin":
        return content.startswith(MARK.encode())
    try:
        return bool(plistlib.loads(content).get(MARK_KEY))
    except (ValueError, AttributeError, plistlib.InvalidFileException):
        return False


def _mac_log(name: str, is_system: bool, home: Path) -> Path:
    return (Path("/Library/Logs") if is_system else home / "Library" / "Logs") / f"{name}.log"


def _quote(word: str) -> str:
    """Quote a word of a command line for systemd (systemd.service(5), "Command lines")."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_escape(escaped)}"'


def _escape(text: str) -> str:
    """Escape systemd's specifiers."""
    return text.replace("%", "%%")
