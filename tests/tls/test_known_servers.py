"""The file of known servers is kept, and never replaced if it is invalid."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twistedcam.errors import BadArgument
from twistedcam.tls.known_servers import KnownServers, users_known_servers


def test_an_invalid_file_of_servers_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    for text in ("{", "[]", '{"a": 1}'):
        path.write_text(text)
        with pytest.raises(BadArgument, match=str(path)):
            KnownServers(path).get("a:1")


def test_a_user_s_file_is_where_the_system_has_such_files() -> None:
    found = [users_known_servers({"XDG_DATA_HOME": "/data"}), users_known_servers({})]
    assert [each and each.path for each in found] == [
        Path("/data/twistedcam/servers.json"),
        Path.home() / ".local/share/twistedcam/servers.json",
    ]


def test_a_user_without_a_home_folder_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert users_known_servers({}) is None
