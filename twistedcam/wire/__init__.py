"""The frame protocol without input and output: bytes to messages and back.

See docs/frame-protocol.md.
"""

from twistedcam.wire.decoder import Decoder, check_image
from twistedcam.wire.messages import (
    ACK_HEAD,
    ACK_SIZE,
    CODECS,
    HEADER,
    MARK,
    MAX_FRAME,
    MAX_JSON,
    PROTOCOL,
    Ack,
    Bye,
    Error,
    FrameMessage,
    Hello,
    Join,
    Message,
    Ping,
    Pong,
    State,
    clock_of,
    clock_ping,
    frame_header,
    frame_message,
    name_of,
)
from twistedcam.wire.packet_checker import PacketChecker
from twistedcam.wire.token_proof import ROLES, Role, mac_matches, mac_of, new_nonce

__all__ = [
    "ACK_HEAD",
    "ACK_SIZE",
    "CODECS",
    "HEADER",
    "MARK",
    "MAX_FRAME",
    "MAX_JSON",
    "PROTOCOL",
    "ROLES",
    "Ack",
    "Bye",
    "Decoder",
    "Error",
    "FrameMessage",
    "Hello",
    "Join",
    "Message",
    "PacketChecker",
    "Ping",
    "Pong",
    "Role",
    "State",
    "check_image",
    "clock_of",
    "clock_ping",
    "frame_header",
    "frame_message",
    "mac_matches",
    "mac_of",
    "name_of",
    "new_nonce",
]
