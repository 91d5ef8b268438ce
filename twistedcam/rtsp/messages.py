"""RTSP messages and interleaved frames, and their decoder for bytes in pieces of any size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from twistedcam.errors import WireError

#: The longest line of a message, in bytes.
MAX_LINE = 8192
#: The most header fields of a message.
MAX_HEADERS = 100
#: The longest head of a message, in bytes.
MAX_HEAD = 64 * 1024
#: The longest body of a message, in bytes.
MAX_BODY = 1 << 20
#: The most bytes that are skipped before a message, where a peer sends something else.
MAX_GARBAGE = 1 << 20

#: The first byte of an interleaved frame (RFC 2326, 10.12).
DOLLAR = 0x24
#: The version that is spoken here.
VERSION = "RTSP/1.0"
_REQUEST = re.compile(rb"([A-Z_]{1,40}) (\S+) (RTSP/[12]\.[0-9])")
_RESPONSE = re.compile(rb"RTSP/[12]\.[0-9] +([1-5][0-9]{2})(?: +([^\r\n]*))?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: The beginning of a request or a response whose first line is incomplete.
_FIRST_WORD = re.compile(rb"R(?:\Z|T(?:\Z|S(?:\Z|P(?:\Z|/))))|[A-Z_]{1,40}(?: |\Z)")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
#: Where a message or a frame may begin, after bytes that are neither. A frame has a low channel
#: number there, and begins as RTP or RTCP does.
_BEGINNING = re.compile(
    rb"RTSP/[12]\.|[A-Z_]{3,40} (?:rtsps?://|\*|/)|\$[\x00-\x1f][\x00-\xff]{2}[\x80-\xbf]"
)
_LONGEST_BEGINNING = 49

REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid In This State",
    456: "Header Field Not Valid",
    457: "Invalid Range",
    459: "Aggregate Operation Not Allowed",
    460: "Only Aggregate Operation Allowed",
    461: "Unsupported Transport",
    462: "Destination Unreachable",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option Not Supported",
}


class BadRtsp(WireError):
    """The peer's bytes are not RTSP."""


class RtspTooLarge(BadRtsp):
    """A line, the header or the body of a message is longer than its limit."""

    code = "too-large"


class RtspHeaders:
    """The header fields of a message, in their order; names are compared without case.

    Arguments:
        fields: pairs of name and value.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = tuple(fields)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), default)

    def get_all(self, name: str) -> list[str]:
        """All values of a field."""
        wanted = name.lower()
        return [value for key, value in self.fields if key.lower() == wanted]

    def __contains__(self, name: str) -> bool:
        return any(key.lower() == name.lower() for key, _ in self.fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RtspHeaders) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"RtspHeaders({self.fields!r})"


@dataclass(frozen=True)
class RtspRequest:
    """A request.

    Arguments:
        method: such as ``DESCRIBE``.
        uri: the absolute address, or ``*``.
        headers: without Content-Length, which is made from the body.
        body: bytes of the type that Content-Type names.
        version: the version of RTSP that the peer speaks.
    """

    method: str
    uri: str
    headers: RtspHeaders = field(default_factory=RtspHeaders)
    body: bytes = b""
    version: str = VERSION

    @property
    def cseq(self) -> int | None:
        """The sequence number of the request; None without a valid one."""
        return _cseq(self.headers)

    def encode(self) -> bytes:
        """Return the bytes of the request."""
        return _encoded(f"{self.method} {self.uri} {self.version}", self.headers, self.body)


@dataclass(frozen=True)
class RtspResponse:
    """A response.

    Arguments:
        status: 100 to 599.
        headers: without Content-Length, which is made from the body.
        body: bytes of the type that Content-Type names.
        reason: the text of the status; the usual one if it is empty.
    """

    status: int
    headers: RtspHeaders = field(default_factory=RtspHeaders)
    body: bytes = b""
    reason: str = ""

    @property
    def cseq(self) -> int | None:
        """The sequence number of the request that is answered; None without a valid one."""
        return _cseq(self.headers)

    def encode(self) -> bytes:
        """Return the bytes of the response."""
        reason = self.reason or REASONS.get(self.status, "Unknown")
        return _encoded(f"{VERSION} {self.status} {reason}", self.headers, self.body)


@dataclass(frozen=True)
class InterleavedFrame:
    """One RTP or RTCP packet on the connection of the session.

    Arguments:
        channel: 0 to 255.
        data: the packet, at most 65,535 bytes.
    """

    channel: int
    data: bytes

    def encode(self) -> bytes:
        """Return the bytes of the frame."""
        return interleaved_head(self.channel, len(self.data)) + self.data


RtspMessage = RtspRequest | RtspResponse | InterleavedFrame

#: Begin and end of packets in a buffer.
Bounds = Sequence[tuple[int, int]]


def interleaved_head(channel: int, length: int) -> bytes:
    """Return the four bytes before an RTP or RTCP packet of that length."""
    return b"$%c%c%c" % (channel, length >> 8, length & 0xFF)


class RtspDecoder:
    """Decodes bytes into requests, responses and interleaved frames.

    Bytes between messages that are neither are skipped up to the next message, and counted, as
    some cameras send them after a lost frame. After an error the decoder cannot be used any more:
    close the connection.

    Arguments:
        on_frames: called with interleaved frames of one channel that follow each other, in place of
            returning them: ``on_frames(channel, data, bounds)``, with the buffer and the bounds of
            their packets in it.
        max_body: the longest body of a message, in bytes.
    """

    def __init__(
        self,
        on_frames: Callable[[int, bytes, Bounds], object] | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self._on_frames = on_frames
        self._max_body = max_body
        #: What has arrived and is not decoded, and how many bytes it is.
        self._chunks: list[bytes] = []
        self._size = 0
        #: The number of bytes that must be there before decoding can go on.
        self._needed = 1
        #: The head of the message whose body is incomplete.
        self._head: _Head | None = None
        self._skipped_in_a_row = 0
        #: The number of bytes that were skipped.
        self.skipped = 0

    def feed(self, data: bytes) -> Iterator[RtspMessage]:
        """Yield the messages that ``data`` completes; read the iterator to its end.

        Raises:
            BadRtsp, RtspTooLarge: the bytes are not RTSP, or longer than a limit.
        """
        self._chunks.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return
        if len(self._chunks) > 1:
            data = b"".join(self._chunks)
        at, size = 0, len(data)
        while at < size:
            if self._head is not None:
                end = at + self._head.length
                if end > size:
                    self._needed = end - at
                    break
                message, self._head = self._head.message(data[at:end]), None
                yield message
            elif data[at] == DOLLAR:
                bounds = self._read_frames(data, at)
                if not bounds:
                    break
                self._skipped_in_a_row = 0
                end = bounds[-1][1]
                if self._on_frames is not None:
                    self._on_frames(data[at + 1], data, bounds)
                else:
                    for start, stop in bounds:
                        yield InterleavedFrame(data[at + 1], data[start:stop])
            else:
                end = self._read_head(data, at)
                if end == at:
                    break
                if self._head is not None and not self._head.length:
                    message, self._head = self._head.message(b""), None
                    yield message
            at, self._needed = end, 1
        self._chunks = [data[at:]] if at < size else []
        self._size = size - at

    def _read_frames(self, data: bytes, at: int) -> list[tuple[int, int]]:
        """Return the bounds of the packets of a channel that follow each other from ``at`` on.

        Returns none if more bytes are needed.
        """
        found: list[tuple[int, int]] = []
        size, beginning, end = len(data), data[at : at + 2], at + 4
        while at + 4 <= size and data.startswith(beginning, at):
            end = at + 4 + (data[at + 2] << 8 | data[at + 3])
            if end > size:
                break
            found.append((at + 4, end))
            at = end
        if not found:
            self._needed = end - at
        return found

    def _read_head(self, data: bytes, at: int) -> int:
        """Read the head of a message; return where it ends, or where what is no head ends.

        Returns ``at`` if more bytes are needed.
        """
        if data[at] in b"\r\n":  # empty lines between messages are allowed
            return at + 1
        rest = len(data) - at
        line_end = data.find(b"\n", at, at + MAX_LINE)
        if line_end < 0:
            if rest >= MAX_LINE or not _FIRST_WORD.match(data, at, at + 50):
                return self._skip(data, at)
            self._needed = rest + 1
            return at
        line = data[at:line_end].rstrip(b"\r")
        response = _RESPONSE.fullmatch(line)
        request = None if response else _REQUEST.fullmatch(line)
        if response is None and request is None:
            return self._skip(data, at)
        blank = _BLANK_LINE.search(data, line_end, at + MAX_HEAD)
        if blank is None:
            if rest >= MAX_HEAD:
                raise RtspTooLarge(f"the head of a message is longer than {MAX_HEAD} bytes")
            self._needed = rest + 1
            return at
        headers = _headers(data[line_end + 1 : blank.start() + 1])
        length = _length(headers)
        if length > self._max_body:
            raise RtspTooLarge(f"a body of {length} bytes; the limit is {self._max_body}")
        self._head = _Head(request, response, headers, length)
        self._skipped_in_a_row = 0
        return blank.end()

    def _skip(self, data: bytes, at: int) -> int:
        """Return where a message may begin after bytes that are none."""
        found = _BEGINNING.search(data, at + 1)
        # A beginning may lie across the end of what is there.
        to = found.start() if found else max(at + 1, len(data) - _LONGEST_BEGINNING)
        self.skipped += to - at
        self._skipped_in_a_row += to - at
        if self._skipped_in_a_row > MAX_GARBAGE:
            raise BadRtsp("the peer does not speak RTSP")
        return to


class _Head(NamedTuple):
    """The first line and the header of a message, and the length of its body."""

    request: re.Match[bytes] | None
    response: re.Match[bytes] | None
    headers: RtspHeaders
    length: int

    def message(self, body: bytes) -> RtspRequest | RtspResponse:
        """Return the message with its body."""
        if self.response is not None:
            reason = (self.response[2] or b"").decode(errors="replace").strip()
            return RtspResponse(int(self.response[1]), self.headers, body, reason)
        assert self.request is not None
        method, uri, version = (each.decode(errors="replace") for each in self.request.groups())
        return RtspRequest(method, uri, self.headers, body, version)


def _headers(block: bytes) -> RtspHeaders:
    fields: list[tuple[str, str]] = []
    for raw in block.splitlines():
        if len(raw) > MAX_LINE:
            raise RtspTooLarge(f"a line of the header is longer than {MAX_LINE} bytes")
        if raw:
            _add_field(fields, raw.decode(errors="replace"))
        if len(fields) > MAX_HEADERS:
            raise RtspTooLarge(f"a message has more than {MAX_HEADERS} header fields")
    return RtspHeaders(fields)


def _add_field(fields: list[tuple[str, str]], line: str) -> None:
    if line[0] in " \t" and fields:  # the continuation of the field before
        name, value = fields[-1]
        fields[-1] = (name, f"{value} {line.strip()}")
        return
    name, colon, value = line.partition(":")
    name = name.strip()
    if colon and _NAME.fullmatch(name):  # any other line is ignored, as other clients do
        fields.append((name, value.strip()))


def _length(headers: RtspHeaders) -> int:
    value = headers.get("Content-Length", "0")
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadRtsp(f"Content-Length is {value[:40]!r}")
    return int(value)


def _cseq(headers: RtspHeaders) -> int | None:
    value = headers.get("CSeq").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 11 else None


def _encoded(first: str, headers: RtspHeaders, body: bytes) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers.fields)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line of the header contains a line end")
    return "\r\n".join([*lines, "", ""]).encode() + body
