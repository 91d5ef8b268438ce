"""The file of known servers is kept, and never replaced if it is invalid."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.errors import BadArgument
from twistedcam.tls.known_servers import KnownServers, default_path


def test_an_invalid_file_of_servers_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    for text in ("{", "[]", '{"a": 1}'):
        path.write_text(text)
        with pytest.raises(BadArgument, match=str(path)):
            KnownServers(path).get("a:1")


def test_a_user_s_file_is_where_the_system_has_such_files() -> None:
    assert default_path({"XDG_DATA_HOME": "/data"}) == Path("/data/twistedcam/servers.json")
    assert default_path({}).name == "servers.json"
