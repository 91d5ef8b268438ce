"""The fake webcam is one to the programs that know the real ones."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.fakecam import (
    FakeBus,
    FakeCam,
    Format,
    encode_jpeg,
    encode_yuyv,
    jpeg_size,
    moving_picture,
    require_fakecam,
    stamp_of,
    unstamped,
)
from tests.support.ports import free_port
from tests.support.process import PATIENCE, wait_for
from tests.support.system import require_program

JPEGS = [encode_jpeg(picture) for picture in moving_picture(320, 240, 8)]
SMALL = Format("MJPG", 320, 240, (30,), JPEGS)

# Reads frames from argv[1]; says of each its hash and time of capture in ms; then why it ended.
READER = """
import cv2, hashlib, sys
camera = cv2.VideoCapture(sys.argv[1], cv2.CAP_V4L2)
camera.set(cv2.CAP_PROP_CONVERT_RGB, 0)
count = int(sys.argv[2])
while count and camera.isOpened():
    there, frame = camera.read()
    if not there:
        break
    digest = hashlib.sha256(frame.tobytes()).hexdigest()
    print(digest, camera.get(cv2.CAP_PROP_POS_MSEC), flush=True)
    count -= 1
print("end" if not count else "lost", flush=True)
"""

# What the programs below begin with: the driver's calls, as far as Python's own modules make them.
DRIVER = """
import errno, fcntl, glob, json, mmap, os, select, stat, struct, sys
def call(fd, request, data):
    data = bytearray(data)
    try:
        fcntl.ioctl(fd, request, data)
    except OSError as problem:
        return errno.errorcode[problem.errno]
    return data
def querycap(fd): return call(fd, 0x80685600, bytes(104))
def reqbufs(fd, count=4): return call(fd, 0xC0145608, struct.pack("5I", count, 1, 1, 0, 0))
def qbuf(fd, index): return call(fd, 0xC058560F, struct.pack("2I52xI24x", index, 1, 1))
def dqbuf(fd): return call(fd, 0xC0585611, struct.pack("2I52xI24x", 0, 1, 1))
def stream(fd, on=True): return call(fd, 0x40045612 if on else 0x40045613, struct.pack("i", 1))
def start(fd):
    reqbufs(fd)
    for index in range(4):
        qbuf(fd, index)
    stream(fd)
def tell(**what): print(json.dumps(what), flush=True)
def opened(path):
    try:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as problem:
        return errno.errorcode[problem.errno]
"""


@pytest.fixture(autouse=True)
def _buildable() -> None:
    require_fakecam()


@pytest.fixture
def camera() -> Iterator[FakeCam]:
    with FakeCam([SMALL]) as fake:
        yield fake


@contextlib.contextmanager
def running(camera: FakeCam | FakeBus, *command: str) -> Iterator[subprocess.Popen[str]]:
    env = {**camera.env, "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "60"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdout=pipe, stdin=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def reading(camera: FakeCam, count: int = -1) -> contextlib.AbstractContextManager[Any]:
    return running(camera, sys.executable, "-c", READER, camera.by_id, str(count))


def lines(process: subprocess.Popen[str], count: int) -> list[list[str]]:
    assert process.stdout is not None
    return [process.stdout.readline().split() for _ in range(count)]


def told(camera: FakeCam | FakeBus, script: str) -> dict[str, Any]:
    """What a program that is started beside the camera says with tell()."""
    result = subprocess.run(
        [sys.executable, "-c", DRIVER + script],
        env=camera.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_opencv_gets_the_very_bytes_in_order_at_the_camera_s_times(camera: FakeCam) -> None:
    with reading(camera, 20) as program:
        got = lines(program, 21)
    assert got.pop() == ["end"]
    delivered = {d.time // 1000: d for d in camera.delivered()}
    seen = [delivered[round(float(at) * 1000)] for _, at in got]
    assert [digest for digest, _ in got] == [sha256(JPEGS[d.frame]).hexdigest() for d in seen]
    assert [d.frame for d in seen] == [d.sequence % len(JPEGS) for d in seen]
    assert [d.sequence for d in seen] == sorted({d.sequence for d in seen})
    for one, two in itertools.pairwise(seen):
        assert two.time - one.time == pytest.approx(
            (two.sequence - one.sequence) * 1e9 / 30, abs=100
        )


def test_raw_pictures_pass_as_they_are() -> None:
    raw = [encode_yuyv(picture) for picture in moving_picture(320, 240, 4)]
    with FakeCam([Format("YUYV", 320, 240, (30,), raw)]) as camera, reading(camera, 6) as program:
        got = lines(program, 6)
    assert {digest for digest, _ in got} <= {sha256(picture).hexdigest() for picture in raw}
    assert len({digest for digest, _ in got}) > 1


def test_the_pace_changes_while_a_program_watches(camera: FakeCam) -> None:
    with reading(camera) as program:
        lines(program, 5)
        camera.rate(100)
        wait_for(lambda: _pace(camera) == pytest.approx(100, rel=0.001), "the faster pace")
        camera.rate(None)
        wait_for(lambda: _pace(camera) == pytest.approx(30, rel=0.001), "its own pace")


def _pace(camera: FakeCam) -> float:
    *_, one, two = [(0, 0, 0), (0, 0, 0), *camera.delivered()]
    return 1e9 * (two[0] - one[0]) / max(1, two[2] - one[2])


def test_a_program_that_is_late_misses_frames_and_can_count_them(camera: FakeCam) -> None:
    camera.rate(200)
    told(
        camera,
        """
import time
fd = opened("/dev/video0")
start(fd)
time.sleep(0.2)
for _ in range(4):
    buffer = dqbuf(fd)
    qbuf(fd, struct.unpack_from("I", buffer)[0])
select.select([fd], [], [], 60)
tell()
""",
    )
    sequences = [d.sequence for d in camera.delivered()]
    assert sequences[:4] == [0, 1, 2, 3]
    assert sequences[4] > 20


def test_unplugged_it_is_gone_and_comes_back_under_another_number(camera: FakeCam) -> None:
    look = """
tell(names=glob.glob("/dev/video*") + glob.glob("/dev/v4l/by-id/*"), opened=opened("/dev/video0"),
     exists=[os.path.exists(p) for p in ("/dev/video0", "/dev/video2", sys.argv[0])])
"""
    with reading(camera) as program:
        lines(program, 3)
        camera.unplug()
        assert program.stdout is not None
        assert program.stdout.read().split()[-1] == "lost"
    assert told(camera, look) == {"names": [], "opened": "ENOENT", "exists": [False] * 3}
    camera.replug(2)
    after = told(camera, look)
    assert after["names"] == ["/dev/video2", camera.by_id]
    assert after["exists"] == [False, True, False]
    with reading(camera, 3) as program:
        assert lines(program, 4)[-1] == ["end"]


def test_who_polls_is_told_of_the_hang_up_and_old_descriptors_stay_dead(camera: FakeCam) -> None:
    script = """
fd = opened("/dev/video0"); twin = os.dup(fd); start(twin); os.close(twin)
poll, epoll = select.poll(), select.epoll()
poll.register(fd, select.POLLIN); epoll.register(fd, select.EPOLLIN)
assert poll.poll(60000) and epoll.poll(60)
print("flows", flush=True)
sys.stdin.readline()
poll.modify(fd, 0); epoll.modify(fd, 0)  # a hang-up alone, no frames that still wait
tell(poll=poll.poll(60000)[0][1] & select.POLLHUP, epoll=epoll.poll(60)[0][1] & select.EPOLLHUP,
     dqbuf=dqbuf(fd), querycap=querycap(fd))
"""
    with running(camera, sys.executable, "-c", DRIVER + script) as program:
        assert lines(program, 1) == [["flows"]]
        camera.unplug()
        camera.replug()
        out, _ = program.communicate("go\n", timeout=PATIENCE)
    assert json.loads(out) == {"poll": 16, "epoll": 16, "dqbuf": "ENODEV", "querycap": "ENODEV"}


def test_stalled_it_sends_nothing_until_it_is_well_again(camera: FakeCam) -> None:
    script = """
fd = opened("/dev/video0"); start(fd)
def take(): qbuf(fd, struct.unpack_from("I", dqbuf(fd))[0])
while sys.stdin not in select.select([fd, sys.stdin], [], [], 60)[0]:
    take()
    print("frame", flush=True)
while select.select([fd], [], [], 0.5)[0]:  # what came before
    take()
print("stalled", dqbuf(fd), len(querycap(fd)), flush=True)
select.select([fd], [], [], 60)
print(len(dqbuf(fd)), flush=True)
"""
    with running(camera, sys.executable, "-c", DRIVER + script) as program:
        lines(program, 3)
        camera.stall()
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write("it is stalled now\n")
        program.stdin.flush()
        while (line := program.stdout.readline().split()) == ["frame"]:
            pass
        assert line == ["stalled", "EAGAIN", "104"]
        camera.ok()
        assert lines(program, 1) == [["88"]]


def test_the_stream_has_one_owner_who_can_be_found_in_proc(camera: FakeCam) -> None:
    with reading(camera) as program:
        lines(program, 1)
        seen = told(
            camera,
            f"""
links = [os.readlink(p) for p in glob.glob("/proc/{program.pid}/fd/*")]
fd = opened("/dev/video0")
tell(holds="/dev/video0" in links, querycap=len(querycap(fd)), reqbufs=reqbufs(fd))
""",
        )
    assert seen == {"holds": True, "querycap": 104, "reqbufs": "EBUSY"}


@pytest.mark.parametrize(
    ("mood", "opening", "requesting"),
    [("ok", 0, 20), ("busy", 0, "EBUSY"), ("taken", "EBUSY", 0), ("deny", "EACCES", 0)],
)
def test_it_refuses_to_be_opened_or_to_give_buffers(
    mood: str, opening: object, requesting: object, camera: FakeCam
) -> None:
    getattr(camera, mood)()
    script = """
fd = opened("/dev/video0")
got = reqbufs(fd) if isinstance(fd, int) else 0
tell(opening=0 if isinstance(fd, int) else fd,
     requesting=len(got) if isinstance(got, bytearray) else got)
"""
    assert told(camera, script) == {"opening": opening, "requesting": requesting}


def test_a_hung_driver_lets_no_signal_in_until_the_camera_goes(camera: FakeCam) -> None:
    script = """
fd = os.open("/dev/video0", os.O_RDWR); start(fd)
for index in range(10**6):
    buffer = dqbuf(fd)
    if isinstance(buffer, str):
        print(buffer, flush=True)
        break
    qbuf(fd, struct.unpack_from("I", buffer)[0])
    print("frame", flush=True)
"""
    with running(camera, sys.executable, "-c", DRIVER + script) as program:
        lines(program, 2)
        camera.hang()
        wait_for(lambda: _blocked(program.pid), "the program to be in the driver")
        program.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(0.2)
        camera.unplug()
        assert program.wait(PATIENCE) == -signal.SIGTERM


def _blocked(pid: int) -> bool:
    """True while the process's main thread has SIGTERM blocked: it is deep in the driver."""
    found = re.search(r"SigBlk:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(found and int(found[1], 16) >> (signal.SIGTERM - 1) & 1)


FRAME = """
fd = os.open(sys.argv[1] if len(sys.argv) > 1 else "/dev/video0", os.O_RDWR); start(fd)
buffer = dqbuf(fd)
index, _, used = struct.unpack_from("3I", buffer)
length, = struct.unpack_from("I", buffer, 72)
offset, = struct.unpack_from("Q", buffer, 64)
picture = mmap.mmap(fd, length, offset=offset)
tell(picture=picture[:used].hex())
"""


@pytest.mark.parametrize("kind", ["truncated", "noeoi", "nohuffman", "garbage", "wrongsize"])
def test_pictures_are_spoiled_as_asked(kind: Any, camera: FakeCam) -> None:
    camera.corrupt(kind)
    whole, got = JPEGS[0], bytes.fromhex(told(camera, FRAME)["picture"])
    match kind:
        case "truncated":
            assert got == whole[: len(whole) // 2]
        case "noeoi":
            assert got == whole[:-2]
        case "nohuffman":
            assert got[-200:] == whole[-200:]
            assert b"\xff\xc4" in whole
            assert b"\xff\xc4" not in got
        case "garbage":
            assert len(got) == len(whole)
            assert got[:2] != b"\xff\xd8"
        case "wrongsize":
            assert jpeg_size(got) == (160, 120)
            assert len(got) == len(whole)


def test_a_stamped_picture_says_when_it_was_taken() -> None:
    with FakeCam([SMALL], stamp=True) as camera:
        got = bytes.fromhex(told(camera, FRAME)["picture"])
        first = camera.delivered()[0]
    stamp = stamp_of(got)
    assert stamp is not None
    assert (stamp.sequence, stamp.time) == (first.sequence, first.time)
    assert unstamped(got) == JPEGS[0]
    assert stamp_of(JPEGS[0]) is None


def test_discovery_finds_the_fake_cameras_alone_and_they_look_like_devices() -> None:
    with FakeBus() as bus:
        one = bus.plug([SMALL], name="Front Door")
        two = bus.plug([SMALL], number=2)
        seen = told(
            bus,
            f"""
import pathlib
status = os.stat("/dev/video2")
tell(listed=sorted(n for n in os.listdir("/dev") if n.startswith("video")),
     null="null" in os.listdir("/dev"),
     globbed=sorted(glob.glob("/dev/video*")), ids=sorted(os.listdir("/dev/v4l/by-id")),
     real=[os.path.realpath({one.by_id!r}), str(pathlib.Path({two.by_id!r}).resolve())],
     name=open("/sys/class/video4linux/video0/name").read(),
     access=os.access("/dev/video2", os.R_OK | os.W_OK),
     device=[stat.S_ISCHR(status.st_mode), os.major(status.st_rdev), os.minor(status.st_rdev)],
     opened=stat.S_ISCHR(os.fstat(opened({two.by_id!r})).st_mode))
""",
        )
    assert seen == {
        "listed": ["video0", "video2"],
        "null": True,
        "globbed": ["/dev/video0", "/dev/video2"],
        "ids": sorted(os.path.basename(camera.by_id) for camera in (one, two)),
        "real": ["/dev/video0", "/dev/video2"],
        "name": "Front Door\n",
        "access": True,
        "device": [True, 81, 2],
        "opened": True,
    }


def test_three_cameras_in_one_program_are_three() -> None:
    script = """
fds = [opened(f"/dev/video{number}") for number in (0, 2, 4)]
for fd in fds:
    start(fd)
got = dict.fromkeys(fds, 0)
while min(got[fds[0]], got[fds[1]]) < 10:
    for fd in select.select(fds, [], [], 60)[0]:
        got[fd] += 1
        qbuf(fd, struct.unpack_from("I", dqbuf(fd))[0])
tell(stalled=got[fds[2]])
"""
    with FakeBus() as bus:
        cameras = [bus.plug([SMALL], number=number) for number in (0, 2, 4)]
        cameras[2].stall()
        assert told(bus, script) == {"stalled": 0}
        assert min(len(camera.delivered()) for camera in cameras[:2]) >= 10


def test_a_child_process_leaves_its_parent_s_camera_alone(camera: FakeCam) -> None:
    script = """
import subprocess
fd = opened("/dev/video0"); start(fd); os.set_inheritable(fd, True)
subprocess.run(["true"], check=True)
if not (pid := os.fork()):
    os.close(fd)
    os._exit(0)
os.waitpid(pid, 0)
tell(frames=[select.select([fd], [], [], 60)[0] == [fd] and len(dqbuf(fd)) for _ in range(3)])
"""
    assert told(camera, script) == {"frames": [88, 88, 88]}


def test_v4l2_ctl_lists_formats_and_sets_controls_until_the_plug_is_pulled() -> None:
    program = require_program("v4l2-ctl", apt="v4l-utils")
    formats = [Format("MJPG", 320, 240, (30, Fraction(15, 2)), JPEGS), Format("YUYV", 64, 48)]
    with FakeCam(formats) as camera:

        def run(*arguments: str) -> str:
            command = [program, "-d", "/dev/video0", *arguments]
            return subprocess.run(
                command,
                env=camera.env,
                check=True,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            ).stdout

        listed = run("--list-formats-ext")
        for text in ("'MJPG' (Motion-JPEG", "320x240", "(30.000 fps)", "(7.500 fps)", "'YUYV'"):
            assert text in listed
        run("-c", "brightness=12", "-c", "auto_exposure=1,exposure_time_absolute=77")
        assert "exposure_time_absolute: 77" in run("-C", "exposure_time_absolute")
        assert (camera.controls()["brightness"], camera.controls()["auto_exposure"]) == (12, 1)
        camera.unplug()
        camera.replug()
        assert "brightness: 0" in run("-C", "brightness")


def test_ffmpeg_records_from_it(camera: FakeCam, tmp_path: Path) -> None:
    program = require_program("ffmpeg")
    made = tmp_path / "made.mjpeg"
    command = [program, "-v", "error", "-nostdin", "-f", "v4l2", "-i", "/dev/video0"]
    subprocess.run(
        [*command, "-frames:v", "10", "-c", "copy", "-f", "mjpeg", str(made)],
        env=camera.env,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    sequence = [d.frame for d in camera.delivered()][:10]
    assert made.read_bytes() == b"".join(JPEGS[frame] for frame in sequence)


def test_ustreamer_serves_its_pictures() -> None:
    program = require_program("ustreamer")
    port = free_port()
    command = (program, "-d", "/dev/video0", "-m", "MJPEG", "-c", "HW", "-r", "320x240")
    with (
        FakeCam([SMALL], stamp=True) as camera,
        running(camera, *command, "-s", "127.0.0.1", "-p", str(port), "--log-level", "3"),
    ):
        got: list[bytes] = []

        def snapshot() -> bool:
            with contextlib.suppress(OSError, urllib.error.URLError):
                url = f"http://127.0.0.1:{port}/snapshot"
                with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                    got.append(answer.read())
            return bool(got and stamp_of(got[-1]))

        wait_for(snapshot, "a picture")
    stamp = stamp_of(got[-1])
    assert stamp is not None
    assert unstamped(got[-1]) == JPEGS[stamp.sequence % len(JPEGS)]


def test_by_hand_any_command_runs_in_front_of_it() -> None:
    command = [
        "--format",
        "yuyv",
        "--size",
        "64x48",
        "--cameras",
        "2",
        "--",
        "ls",
        "/dev/v4l/by-id",
    ]
    result = subprocess.run(
        [sys.executable, "-m", "tests.fakecam", *command],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert len(result.stdout.split()) == 2
    assert "/dev/video2: its mood is in" in result.stderr
