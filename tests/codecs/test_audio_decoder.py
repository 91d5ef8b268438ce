"""Packets of sound become samples with the times of the packets."""

from __future__ import annotations

import pytest

from tests.support.sound import START_US, encoded_packets, pcm_packets
from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.errors import NotSupported
from twistedcam.media.track import Track


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_the_samples_of_a_packet_have_its_time(channels: int) -> None:
    packets = pcm_packets(16_000, channels, seconds=0.1)
    decoder = AudioDecoder(packets[0].track)
    frames = [frame for each in packets for frame in decoder.decode(each)]
    assert [frame.pts - START_US for frame in frames] == [0, 20_000, 40_000, 60_000, 80_000]
    assert {(frame.samples, frame.layout.nb_channels) for frame in frames} == {(320, channels)}


def test_opus_skips_no_samples_at_the_start() -> None:
    packets = encoded_packets("opus", seconds=1)
    assert packets[0].track.extradata[10:12] != b"\0\0"
    (frame,) = AudioDecoder(packets[0].track).decode(packets[0])
    assert (frame.samples, frame.pts) == (960, packets[0].pts)


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(NotSupported, match="there is no decoder for pcm_nonsense here"):
        AudioDecoder(Track(1, "audio", "pcm_nonsense"))


def test_after_a_broken_packet_decoding_goes_on() -> None:
    packets = encoded_packets("aac", seconds=1)
    decoder = AudioDecoder(packets[0].track)
    packets[3].data = bytes(160)
    good = 0
    for number, each in enumerate(packets):
        if number == 3:
            with pytest.raises(ValueError, match="its aac cannot be decoded"):
                decoder.decode(each)
        else:
            good += len(decoder.decode(each))
    assert good == len(packets) - 1
