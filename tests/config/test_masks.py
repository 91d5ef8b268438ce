"""Secrets in values of the configuration: hidden, and put back."""

from __future__ import annotations

import pytest

from twistedcam.config.masks import mask_address, mask_target, unmask
from twistedcam.errors import BadArgument

SECRET = "rtsp://me:secret@192.0.2.1/x"
TARGET = "whip:https://192.0.2.1/live/secret?key=secret#name=w&token=secret"


def test_logins_and_keys_are_hidden_and_other_texts_stay() -> None:
    assert mask_address(SECRET) == "rtsp://***@192.0.2.1/x"
    assert mask_address("rtsp:me:secret@192.0.2.1") == "rtsp://***@192.0.2.1"
    assert mask_address("webcam:/dev/video0") == "webcam:/dev/video0"
    assert mask_address("tcp:8080:interface=127.0.0.1") == "tcp:8080:interface=127.0.0.1"
    assert "secret" not in mask_target(TARGET)
    assert mask_target(TARGET).endswith("#name=w&token=***")
    assert mask_target("rtmp://192.0.2.1/live/secret#name=x") == "rtmp://192.0.2.1/live/***#name=x"
    assert "secret" not in mask_target("nothing://me:secret@192.0.2.1/#token=secret")


def test_a_hidden_secret_is_put_back_only_into_the_text_that_was_shown() -> None:
    assert unmask(mask_address(SECRET), ["x", SECRET], mask_address) == SECRET
    assert unmask("rtsp://you:new@192.0.2.1/x", [SECRET], mask_address).endswith("new@192.0.2.1/x")
    with pytest.raises(BadArgument, match="in place of"):
        unmask("rtsp://***@192.0.2.66/x", [SECRET], mask_address)
