"""FFmpeg gets the options that check certificates; old segments are removed."""

from __future__ import annotations

import re
from pathlib import Path

import av.error
import pytest

from twistedcam.publishing.sender import muxer
from twistedcam.publishing.sender.muxer import Muxer, ca_bundle, remove_old_segments, tee_url


def test_tee_gets_an_address_with_nothing_that_it_would_read_as_its_own() -> None:
    url = tee_url("rtmps://h/a/k|e'y", "flv", {"ca_file": "/a:b]c"})
    assert url == r"[f=flv:ca_file=/a\\:b\\]c]rtmps://h/a/k\|e\'y"


def test_certificates_are_those_of_the_file_or_the_system_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, own = tmp_path / "system.pem", tmp_path / "own.pem"
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setattr(muxer, "_BUNDLES", ("/nowhere", str(system)))
    with pytest.raises(ValueError, match=re.escape("add #ca=FILE")):
        ca_bundle("")
    for file in (system, own):
        file.touch()
    assert ca_bundle("") == str(system)
    assert ca_bundle(str(own)) == str(own)


def test_only_segments_of_the_playlist_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "www"
    remove_old_segments(folder / "live.m3u8")
    names = ["live1.ts", "live1700000000.ts", "live.m3u8", "live.ts", "lively1.ts", "live1.ts.txt"]
    for name in names:
        (folder / name).touch()
    remove_old_segments(folder / "live.m3u8")
    assert sorted(each.name for each in folder.iterdir()) == sorted(names[2:])


def test_a_reason_is_what_ffmpeg_logged_first() -> None:
    made = Muxer({"url": "rtmp://h/a/k", "muxer": "flv", "options": {}, "verify": True, "ca": ""})
    error = av.error.ConnectionRefusedError(111, "Connection refused")
    assert made.reason(error) == "Connection refused"
    made._logged = ["Cannot open connection", "Error opening output"]
    assert made.reason(error) == "Connection refused (Cannot open connection)"
    made._logged = ["The certificate is expired"]
    assert made.reason(error).startswith("its certificate is not trusted (The certificate is")
