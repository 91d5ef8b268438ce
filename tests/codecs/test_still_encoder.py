"""A group of pictures of one picture, which every decoder shows."""

from __future__ import annotations

from typing import Any

import av
import pytest

from tests.support.rtsp_peer import picture
from twistedcam.codecs.still_encoder import PICTURES, encode_still
from twistedcam.errors import NotSupported
from twistedcam.media.nal_codecs import NAL_CODECS


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_group_begins_with_the_only_key_frame_and_can_be_sent_again(codec: str) -> None:
    group = encode_still(picture(160, 120), codec)
    assert len(group) == PICTURES
    nal = NAL_CODECS[codec]
    assert [nal.is_keyframe(unit) for unit in group] == [True] + [False] * (PICTURES - 1)
    assert nal.has_parameter_sets(group[0])
    assert max(len(unit) for unit in group[1:]) < len(group[0])
    decoder: Any = av.CodecContext.create(codec, "r")
    decoder.thread_count = 1
    shown = [each for data in (*group, *group) for each in decoder.decode(av.Packet(data))]
    assert len(shown) > PICTURES  # none waits for one that is shown before it
    shown += decoder.decode(None)
    assert [(each.width, each.height) for each in shown] == [(160, 120)] * 2 * PICTURES
    assert not any(each.is_corrupt for each in shown)


def test_what_cannot_be_encoded_is_an_error() -> None:
    with pytest.raises(NotSupported, match="vp9"):
        encode_still(picture(), "vp9")
    with pytest.raises(ValueError, match="JPEG"):
        encode_still(b"no picture", "h264")
