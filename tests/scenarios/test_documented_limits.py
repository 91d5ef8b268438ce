"""docs/security.md lists every limit with the number that the program has; names at the edge."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.support.process import ROOT
from twistedcam import wire
from twistedcam.auth import Grant, TokenFile, login_throttle, sessions
from twistedcam.automation import database, detections, event_store, hook_runner, hooks
from twistedcam.camera import retry
from twistedcam.clients.frames import session as states
from twistedcam.commands import events as event_commands
from twistedcam.config.options import MAX_WORKERS
from twistedcam.delivery import sender, subscription
from twistedcam.errors import BadArgument
from twistedcam.media import jpeg
from twistedcam.media import jpeg_repair as repair
from twistedcam.net import graceful_close, listener
from twistedcam.net.connection_limits import (
    MIN_UNJOINED,
    RESERVED_FILES,
    UNJOINED_SHARE,
    ConnectionLimits,
)
from twistedcam.processing import results
from twistedcam.recording import RecordSettings
from twistedcam.recording.library import media_reader as reader
from twistedcam.recording.library import thumbnail
from twistedcam.recording.media_worker import video_file as video
from twistedcam.recording.writer import file_names as names
from twistedcam.runtime.scheduler import TIME_SLICE
from twistedcam.servers.control import line_format as lines
from twistedcam.servers.control import protocol, telnet
from twistedcam.servers.control.session import MAX_UNREAD_EVENTS
from twistedcam.servers.frames import keepalive, server
from twistedcam.servers.frames.publish_session import MAX_CHECKED_AT_ONCE
from twistedcam.servers.http.api import commands as api
from twistedcam.servers.http.connection import channel, pipeline, request, stall
from twistedcam.servers.http.streams import placeholder, websocket
from twistedcam.servers.http.streams import polling_viewers as pullers
from twistedcam.servers.http.streams import sse as events
from twistedcam.servers.mqtt import client
from twistedcam.sources import http as web
from twistedcam.sources import http_client, multipart, relay, spec
from twistedcam.stream import write_queue
from twistedcam.stream.encoder_sharing import MAX_SIZES
from twistedcam.util.camera_name import MAX_BYTES, check_name

TEXT = (ROOT / "docs" / "security.md").read_text().split("## Limits")[1]
KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    "row",
    [
        f"discards for {graceful_close.LINGER:g} s",
        f"This is done for {graceful_close.MAX_HALF_CLOSED} clients at a time",
        f"no more than 1/{graceful_close.SHARE} of the",
        f"all ports | {ConnectionLimits.connections:,}, and never so many that fewer than ",
        f"that fewer than {RESERVED_FILES} ",
        f"one other machine | {ConnectionLimits.per_address} |",
        f"without a JOIN | {ConnectionLimits.unjoined}, each for {keepalive.JOIN_TIMEOUT:g} s |",
        f"files of one camera | {ConnectionLimits.snapshots} |",
        f"PING after {keepalive.PING_AFTER:g} s, closed after {keepalive.SILENCE_LIMIT:g} s |",
        f"JSON, frame | {wire.MAX_JSON // KIB} KiB, {wire.MAX_FRAME // MIB} MiB |",
        f"on its way | {subscription.STALL_LIMIT:g} s |",
        f"the page, lists | {stall.STALL_LIMIT:g} s, found within {math.ceil(stall.PERIOD)} s |",
        f"over MQTT | {lines.MAX_LINE:,} bytes |",
        f"lines that wait | {protocol.MAX_WAITING}; {protocol.MAX_WAITING_BYTES // KIB} KiB; ",
        f"there are tokens | {ConnectionLimits.unjoined}, each for {protocol.JOIN_TIMEOUT:g} s |",
        f"on each port | 1/{UNJOINED_SHARE} of the connections on all ports, ",
        f"on all ports, but at least {MIN_UNJOINED} |",
        f"before a JOIN was accepted | {server.MAX_UNJOINED // KIB} KiB, none |",
        f"a publisher's frame | {keepalive.MESSAGE_LIMIT:g} s, {keepalive.FRAME_LIMIT:g} s, found ",
        f"port or a WebSocket | {sender.HIGH_WATER // KIB} KiB; then nothing is read |",
        f"messages that wait for such a client | {sender.MAX_QUEUED // KIB} KiB |",
        f"turn of the reactor | {TIME_SLICE * 1000:g} ms for all clients together; ",
        f"one turn of the reactor | {listener.MAX_ACCEPTED} |",
        f"does not read | {MAX_UNREAD_EVENTS // KIB} KiB |",
        f"does not read | {events.MAX_WAITING // KIB} KiB |",
        f"subnegotiation | {telnet._MAX_SUBNEGOTIATION // KIB} KiB |",
        f"each request | {channel.MAX_HEADERS}, {channel.MAX_HEADER_BYTES // KIB} KiB, ",
        f"HTTP body | {request.MAX_BODY // KIB} KiB |",
        f"parameter | {api.MAX_TEXT:,} characters |",
        f"byte to last | {channel.REQUEST_TIMEOUT:g} s |",
        f"on one connection | {pipeline.MAX_REQUESTS:,} |",
        f"in pieces of {pipeline.BUFFER // KIB} KiB, ",
        f"or {pipeline.MAX_UNSENT // KIB} KiB of responses on the way",
        f"parameters of a query | {request.MAX_PARAMETERS} |",
        f"between requests | {channel.IDLE_TIMEOUT:g} s |",
        f"browser's message | {websocket.MAX_MESSAGE:,} bytes |",
        f"no acknowledgement | {websocket.ACK_TIMEOUT:g} s, or up to twice as many |",
        f"listed as viewers | {pullers.MAXIMUM:,} |",
        f"MQTT broker | {client._QUEUE} |",
        f"for one frame | {results.MAX_DATA // KIB} KiB of JSON |",
        f"picture from any source | {jpeg.MAX_PIXELS:,} pixels |",
        f"picture that user code returns | {results.MAX_SIDE:,} pixels |",
        f"lines before it | {multipart.MAX_BODY // MIB} MiB, {multipart.MAX_HEAD // KIB} KiB |",
        f"relay passes on | {relay.MAX_CHANGES} a second |",
        f"without its pictures | {relay.MAX_MESSAGES} a second |",
        f"sends its clients | {states.MAX_REASON}, {states.MAX_WORD} characters |",
        f"why there is none) | {placeholder.MAX_PIXELS:,} (3840 × 2160) |",
        f"a snapshot of a camera (`http:`) | {web.SNAPSHOT_TIMEOUT:g} s |",
        f"challenges of a camera for one picture | {http_client._MAX_STEPS} |",
        f"that a camera refuses | 1 in {retry.RETRY_LOGIN:g} s |",
        f"picture size | {spec._MAX_SIDE:,} a side, {jpeg.MAX_PIXELS:,} in all |",
        f"publisher's picture | {MAX_CHECKED_AT_ONCE // KIB} KiB; ",
        f"before its start marker | {repair.MAX_BEFORE:,} bytes |",
        f"disk | {write_queue.MAX_FRAMES}, {write_queue.MAX_BYTES // MIB} MiB |",
        f"their pictures | {event_store.MAX_EVENTS:,}, {event_store.MAX_PICTURES:,} |",
        f"wait for the disk | {database.MAX_WAITING:,} |",
        f"events of one answer | {event_commands.MAX_LIMIT:,} |",
        f"that have not ended | {detections.MAX_OPEN} |",
        f"that wait | {hook_runner.MAX_RUNNING}, {hook_runner.MAX_WAITING:,} |",
        f"a run of a hook | {hooks.TIMEOUT:g} s |",
        f"pre-roll | {RecordSettings().preroll_memory // MIB} MiB |",
        f"encoded at the same time | {MAX_SIZES} |",
        f"delivery processes | {MAX_WORKERS} |",
        f"name of a recording | {names.MAX_BYTES} bytes",
        f"folder | {reader.MAX_PROCESSES}, each with {reader.MEMORY // 1024 // MIB} GiB |",
        f"| {reader.HEAD_LIMIT:g} s, {reader.PICTURE_LIMIT:g} s; {video.MAX_BYTES // MIB} MiB |",
        f"unfinished recording | {reader.PACKET_LIMIT:g} s without a picture |",
        f"at the same time | {thumbnail.AT_ONCE}, one for a name |",
        f"a token that has ended | {2 * sessions.PERIOD:g} s |",
        f"that wait | {login_throttle.MAX_WAITING} an address |",
        f"wrong tokens | {login_throttle.MAX_ADDRESSES:,} |",
    ],
)
def test_the_table_has_the_program_s_number(row: str) -> None:
    assert row in TEXT


def test_the_characters_of_a_camera_s_and_a_token_s_name(tmp_path: Path) -> None:
    longest = "a" * 64
    assert "camera's name, token's name | 64 characters |" in TEXT
    assert check_name(longest) == longest
    with pytest.raises(BadArgument, match="64 at most"):
        check_name(longest + "a")
    assert f"camera's name | {MAX_BYTES} bytes in UTF-8 |" in TEXT
    assert check_name("é" * (MAX_BYTES // 2))
    with pytest.raises(BadArgument):
        check_name("é" * (MAX_BYTES // 2 + 1))
    file = TokenFile(tmp_path / "tokens.toml")
    file.add(Grant(longest, frozenset({"view"})))
    with pytest.raises(BadArgument):
        file.add(Grant(longest + "a", frozenset({"view"})))
    assert list(file.read()) == [longest]
