"""Numbers in the documents are those of the program; for limits see test_documented_limits.py."""

from __future__ import annotations

import re

import pytest

from tests.support.process import ROOT
from tray import link
from twistedcam import wire
from twistedcam.auth import login_throttle
from twistedcam.camera import camera, capture_base, on_demand, retry
from twistedcam.clients.frames import blocking
from twistedcam.clients.frames import session as states
from twistedcam.codecs import h264_encoder as coder
from twistedcam.commands import standard as vocabulary
from twistedcam.delivery import sender, subscription
from twistedcam.delivery import writable as wait
from twistedcam.media import jpeg
from twistedcam.media import jpeg_repair as repair
from twistedcam.media import jpeg_truncation as truncation
from twistedcam.net import graceful_close
from twistedcam.processing import executors as work
from twistedcam.processing import processor, results
from twistedcam.publishing import output
from twistedcam.publishing.sender import http_client
from twistedcam.recording import continuous, first_frame
from twistedcam.recording.library import media_reader, retention_service
from twistedcam.recording.media_worker import video_file as video
from twistedcam.recording.writer import disk_space as disk
from twistedcam.recording.writer import file_names as names
from twistedcam.recording.writer import segment, session
from twistedcam.servers.console import keys
from twistedcam.servers.control import line_format as lines
from twistedcam.servers.control import protocol as control
from twistedcam.servers.control import telnet
from twistedcam.servers.control.session import MAX_UNREAD_EVENTS
from twistedcam.servers.frames import keepalive
from twistedcam.servers.frames import publish_session as publish
from twistedcam.servers.frames import server as frames
from twistedcam.servers.http.connection import channel, request, stall
from twistedcam.servers.http.streams import snapshot
from twistedcam.servers.http.streams import sse as events
from twistedcam.servers.mqtt.address import Broker
from twistedcam.sources import http as web
from twistedcam.sources import relay
from twistedcam.sources.webcam import source as webcam
from twistedcam.stream import write_queue
from twistedcam.util import camera_name
from twistedcam.wire import messages

KIB, MIB = 1024, 2**20
_WORDS = {"two": 2, "five": 5, "six": 6, "ten": 10}

#: A document, a sentence with a group for each number, and the numbers that the program has.
NUMBERS = (
    ("http", r"that reads nothing for\s(\w+) seconds is disconnected", [subscription.STALL_LIMIT]),
    ("http", r"A comment is sent every (\w+) seconds", [events.HEARTBEAT]),
    ("http", r"reads nothing of a response for (\w+) s,", [stall.STALL_LIMIT]),
    (
        "cameras",
        r"silent \((\w+) of its periods, (\w+) seconds at least\)",
        [
            capture_base.STALL_PERIODS,
            capture_base.STALL_SECONDS,
        ],
    ),
    (
        "cameras",
        r"tried again after ([\d.]+) s, then after longer waits up to (\w+) s",
        [
            retry.RETRY_FIRST,
            retry.RETRY_MOST,
        ],
    ),
    ("cameras", r"closes it (\w+) s after the last", [on_demand.SUSPEND_AFTER]),
    ("cameras", r"so (\w+) of them are left out", [webcam.SETTLE_FRAMES]),
    (
        "architecture",
        r"no recording for (\w+) seconds, closes the device",
        [on_demand.SUSPEND_AFTER],
    ),
    ("frame-protocol", r"The server pings after (\w+) seconds", [keepalive.PING_AFTER]),
    (
        "frame-protocol",
        r"there may be (\w+) s, for a publisher's frame (\w+) s",
        [
            keepalive.MESSAGE_LIMIT,
            keepalive.FRAME_LIMIT,
        ],
    ),
    ("control-protocol", r"who sends nothing, it waits (\w+) s", [camera.PICTURE_WAIT]),
    ("control-protocol", r"gives no picture for (\w+) s, is recorded", [first_frame.PATIENCE]),
    ("control-protocol", r"the client has (\w+) s to read it", [graceful_close.LINGER]),
    ("control-protocol", r"`q` twice within (\w+) s shuts down", [keys.CONFIRM_WITHIN]),
    (
        "recording",
        r"begins again by itself, (\w+) seconds after there is room",
        [continuous.PERIOD],
    ),
    ("recording", r"checked after each file and every (\w+) seconds", [retention_service.PERIOD]),
    (
        "viewer",
        r"after ([\d.]+) s at first,\sthen longer, up to (\w+) s",
        [
            blocking._FIRST_WAIT,
            blocking._LONGEST_WAIT,
        ],
    ),
    (
        "processing",
        r"again after ([\d.]+) s, then 1 s, up to (\w+) s",
        [
            processor.RETRY_FIRST,
            processor.RETRY_MOST,
        ],
    ),
    ("processing", r"nothing for (\w+) s is ended and counts as crashed", [work.HANG]),
    ("scale", r"`every=(\w+)` seconds between two pictures", [Broker.every]),
    (
        "cameras",
        r"A name has at most (\w+) characters and (\w+) bytes",
        [camera_name.MAX_LENGTH, camera_name.MAX_BYTES],
    ),
    ("cameras", r"printable text, at most (\w+) characters", [camera_name.MAX_TITLE]),
    ("cameras", r"more than ([\d,]+) pixels, or fewer bytes", [jpeg.MAX_PIXELS]),
    ("control-protocol", r"it has at most ([\d,]+) bytes", [lines.MAX_LINE]),
    ("control-protocol", r"\| a line \| ([\d,]+) bytes", [lines.MAX_LINE]),
    (
        "control-protocol",
        r"a telnet subnegotiation \| ([\d,]+) bytes",
        [telnet._MAX_SUBNEGOTIATION],
    ),
    ("control-protocol", r"one has to be shown within (\w+) s", [control.JOIN_TIMEOUT]),
    ("control-protocol", r"until TLS has begun \| (\w+) s", [control.JOIN_TIMEOUT]),
    ("control-protocol", r"takes more than (\w+) s to close", [vocabulary.KICK_TIMEOUT]),
    (
        "control-protocol",
        r"the one being executed \| (\w+), then[^;]*; (\w+) KiB of them",
        [control.MAX_WAITING, control.MAX_WAITING_BYTES / KIB],
    ),
    ("control-protocol", r"events that are not read \| (\w+) KiB", [MAX_UNREAD_EVENTS / KIB]),
    ("control-protocol", r"within (\w+) ms of each other are a pasted", [keys.LINE_GAP * 1000]),
    ("frame-protocol", r"A message is (\w+) bytes of header", [wire.HEADER.size]),
    ("frame-protocol", r"frame header \((\w+) bytes\)", [messages.FRAME_HEADER.size]),
    (
        "frame-protocol",
        r"at most (\w+) KiB, before JOIN and in it (\w+) KiB; a FRAME body has at most (\w+) MiB",
        [wire.MAX_JSON / KIB, frames.MAX_UNJOINED / KIB, wire.MAX_FRAME / MIB],
    ),
    ("frame-protocol", r"When (\w+) KiB of messages wait", [sender.MAX_QUEUED / KIB]),
    (
        "frame-protocol",
        r"more than (\w+) KiB is searched by the camera",
        [publish.MAX_CHECKED_AT_ONCE / KIB],
    ),
    ("http", r"\(503 if none comes within (\w+) s\)", [snapshot.WAIT]),
    ("http", r"is disconnected when (\w+) KB", [events.MAX_WAITING / KIB]),
    (
        "http",
        r"Bodies over (\w+) KB, heads over (\w+) KB or (\w+) headers, queries of more than (\w+)",
        [
            request.MAX_BODY / KIB,
            channel.MAX_HEADER_BYTES / KIB,
            channel.MAX_HEADERS,
            request.MAX_PARAMETERS,
        ],
    ),
    ("http", r"requests that take longer than (\w+) s", [channel.REQUEST_TIMEOUT]),
    ("processing", r"at most (\w+) KiB at once\. It is sent as", [results.MAX_DATA / KIB]),
    ("processing", r"gives nothing for (\w+) s\. A\sthread", [work.GENERATOR_HANG]),
    ("recording", r"plain file name of (\w+) bytes at most", [names.MAX_BYTES]),
    ("recording", r"room for its index \((\w+) MiB\)", [disk.ROOM / MIB]),
    ("recording", r"is played at (\w+) a second", [session.TIMELAPSE_FPS]),
    ("recording", r"For a video of up to (\w+) MiB", [segment.MAX_SMALL_FILE / MIB]),
    (
        "recording",
        r"which are started when needed and end after (\w+) s\n  without work",
        [media_reader.IDLE],
    ),
    ("recording", r"Each has (\w+) GiB of memory", [media_reader.MEMORY / 2**30]),
    ("recording", r"reads (\w+) MiB at most for each", [video.MAX_BYTES / MIB]),
    (
        "cameras",
        r"up to ([\d,]+) bytes before the start marker",
        [repair.MAX_BEFORE],
    ),
    ("cameras", r"the one before came ([\d.]+) s ago or earlier", [truncation._SLOW]),
    ("cameras", r"one of the last (\w+) pictures was truncated", [truncation.ALERT]),
    (
        "cameras",
        r"A reason is cut after (\w+) characters[^\n]* (\w+) times a second",
        [states.MAX_REASON, relay.MAX_CHANGES],
    ),
    ("cameras", r"`fps` for snapshots \((\w+)\)", [web.SNAPSHOT_FPS]),
    ("delivery", r"receives no byte for (\w+) s", [subscription.STALL_LIMIT]),
    ("delivery", r"takes nothing is asked (\w+) times a second", [1 / wait.PAUSE]),
    (
        "scale",
        r"does not answer for (\w+) s, or accepts nothing for (\w+) s",
        [output.CONNECT_TIMEOUT, output.STALL_TIMEOUT],
    ),
    ("scale", r"use up to (\w+) connections", [http_client.MAX_CONNECTIONS]),
    (
        "recording",
        r"above (\w+) × (\w+) pixels",
        [coder._SD_WIDTH, coder._SD_HEIGHT],
    ),
    (
        "recording",
        r"fewer than\s+(\w+) pixels or more than\s([\d,]+)",
        [coder.MIN_SIDE, coder.MAX_SIDE],
    ),
    ("recording", r"Up to (\w+) frames wait without loss", [write_queue.MAX_FRAMES / 2]),
    (
        "security",
        r"wait ([\d.]+) s, the one after it 0.5 s, up to (\w+) s; at most (\w+) attempts wait",
        [login_throttle.FIRST_WAIT, login_throttle.LONGEST_WAIT, login_throttle.MAX_WAITING],
    ),
    ("security", r"discards for (\w+) s", [graceful_close.LINGER]),
    (
        "tray",
        r"tried again after ([\d.]+) s, then twice as long each time, at most (\w+) s",
        [link.RETRY_FIRST, link.RETRY_MOST],
    ),
)


@pytest.mark.parametrize(
    ("document", "sentence", "numbers"), NUMBERS, ids=[f"{each[0]}: {each[1]}" for each in NUMBERS]
)
def test_a_number_is_that_of_the_program(
    document: str, sentence: str, numbers: list[float]
) -> None:
    found = re.search(sentence, (ROOT / "docs" / f"{document}.md").read_text())
    assert found, f"docs/{document}.md no longer says this"
    assert [float(_WORDS.get(each) or each.replace(",", "")) for each in found.groups()] == numbers
