"""Single options are changed in the text, and nothing else."""

from __future__ import annotations

import pytest

from twistedcam.config.top_level import set_option, set_recording
from twistedcam.errors import BadArgument

TEXT = '# mine\n[camera.door]\nsource = "pattern:"   # a test\n'


def test_an_option_is_added_before_the_tables_and_removed_again() -> None:
    with_it = set_option(TEXT, "http", ["0.0.0.0:8080"])
    assert with_it.index('http = "0.0.0.0:8080"') < with_it.index("[camera.door]")
    assert "# a test" in with_it
    two = set_option(with_it, "http", ["0.0.0.0:8080", "unix:/x"])
    assert 'http = ["0.0.0.0:8080", "unix:/x"]' in two
    assert "http" not in set_option(two, "http", None)


def test_a_setting_of_recordings_is_added_changed_and_removed() -> None:
    with_it = set_recording(TEXT, "keep", "20GB")
    assert with_it.endswith('[recording]\nkeep = "20GB"\n')
    assert "keep_days = 7\n" in set_recording(with_it, "keep_days", 7.0)
    assert "keep" not in set_recording(with_it, "keep", "off")
    assert set_recording(TEXT, "keep", "off") == set_recording(TEXT, "keep", None) == TEXT


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(BadArgument, match="not valid TOML"):
        set_option("[", "http", "x")
    with pytest.raises(BadArgument, match="has to be a table"):
        set_recording("recording = 1", "keep", "1GB")
