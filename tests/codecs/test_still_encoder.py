"""Key frames of one picture, which every decoder shows."""

from __future__ import annotations

from typing import Any

import av
import pytest

from tests.support.rtsp_peer import picture
from twistedcam.codecs.still_encoder import encode_still
from twistedcam.errors import NotSupported
from twistedcam.media.nal_codecs import NAL_CODECS


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_each_is_a_key_frame_with_its_parameter_sets_and_unlike_the_other(codec: str) -> None:
    one, two = encode_still(picture(160, 120), codec)
    assert one != two
    nal = NAL_CODECS[codec]
    assert nal.is_keyframe(one) and nal.is_keyframe(two)
    assert nal.has_parameter_sets(one) and nal.parameter_sets(one) == nal.parameter_sets(two)
    decoder: Any = av.CodecContext.create(codec, "r")
    shown = [each for data in (one, two, one) for each in decoder.decode(av.Packet(data))]
    shown += decoder.decode(None)
    assert [(each.width, each.height) for each in shown] == [(160, 120)] * 3


def test_what_cannot_be_encoded_is_an_error() -> None:
    with pytest.raises(NotSupported, match="vp9"):
        encode_still(picture(), "vp9")
    with pytest.raises(ValueError, match="JPEG"):
        encode_still(b"no picture", "h264")
