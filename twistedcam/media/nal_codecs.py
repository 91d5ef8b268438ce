"""The codecs whose packets consist of NAL units, by FFmpeg's names."""

from __future__ import annotations

from twistedcam.media.h264 import H264
from twistedcam.media.h265 import H265
from twistedcam.media.nal import NalCodec

NAL_CODECS: dict[str, NalCodec] = {codec.name: codec for codec in (H264, H265)}
