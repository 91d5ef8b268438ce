"""Real servers that give pictures: RTSP by GStreamer, MJPEG by nginx and Apache, with passwords."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.ports import free_port
from tests.support.process import wait_for
from tests.support.publish_peers import LOCAL, Program, is_open
from tests.support.system import require, require_program

USER, PASSWORD = "gatekeeper", "s3cr3t-pa55"
_SYSTEM_PYTHON = "/usr/bin/python3"
_RTSP = Path(__file__).with_name("rtsp_server.py")
_NEEDS_GST = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; "
    "Gst.init(None); "
    "raise SystemExit(not all(map(Gst.ElementFactory.find, ('x264enc', 'rtph264pay', 'jpegenc'))))"
)
APACHE_MODULES = Path("/usr/lib/apache2/modules")

_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{
        listen 127.0.0.1:{port};
        auth_basic "camera";
        auth_basic_user_file {folder}/users;
        location / {{ proxy_pass {origin}; proxy_buffering off; }}
    }}
}}
"""
_APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/log
Listen 127.0.0.1:{port}
{modules}
ProxyPass / {origin}/ flushpackets=on
<Location />
    AuthType Digest
    AuthName "camera"
    AuthUserFile {folder}/users
    Require valid-user
</Location>
"""
_APACHE_LOADS = (
    *("mpm_event", "authn_core", "authz_core", "authn_file", "authz_user"),
    *("auth_digest", "proxy", "proxy_http"),
)


class Peer(Program):
    """A server of pictures on a port of its own, which it has again when it is started again."""

    def __init__(self, port: int, *command: str) -> None:
        super().__init__(*command)
        self.port = port

    def start(self) -> None:
        """Start it; it listens."""
        super().start()
        wait_for(lambda: is_open(self.port), self.command[0])

    def address(self, scheme: str, path: str) -> str:
        """With user and password."""
        return f"{scheme}://{USER}:{PASSWORD}@{LOCAL}:{self.port}{path}"


def rtsp() -> Peer:
    """``/h264`` and ``/jpeg``, by digest authentication."""
    asked = subprocess.run([_SYSTEM_PYTHON, "-c", _NEEDS_GST], capture_output=True, check=False)
    packages = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
    require(
        asked.returncode == 0, f"no RTSP server (Debian: apt-get install python3-gi {packages})"
    )
    port = free_port()
    return Peer(port, _SYSTEM_PYTHON, str(_RTSP), str(port), USER, PASSWORD)


def nginx(folder: Path, origin: str) -> Peer:
    """All that ``origin`` has, by basic authentication."""
    program = require_program("nginx")
    port = free_port()
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    (folder / "conf").write_text(_NGINX.format(folder=folder, port=port, origin=origin))
    return Peer(port, program, "-p", str(folder), "-c", str(folder / "conf"))


@contextlib.contextmanager
def apache(origin: str) -> Iterator[Peer]:
    """All that ``origin`` has, by digest authentication."""
    program = require_program("apache2", "apache2-bin")
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # it may give up being root before it reads
        digest = hashlib.md5(f"{USER}:camera:{PASSWORD}".encode()).hexdigest()
        (folder / "users").write_text(f"{USER}:camera:{digest}\n")
        modules = "\n".join(
            f"LoadModule {each}_module {APACHE_MODULES}/mod_{each}.so" for each in _APACHE_LOADS
        )
        if os.geteuid() == 0:
            modules += "\nUser nobody"
        text = _APACHE.format(folder=folder, port=port, origin=origin, modules=modules)
        (folder / "conf").write_text(text)
        yield Peer(port, program, "-X", "-f", str(folder / "conf"))
