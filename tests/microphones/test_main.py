"""The process that reads a microphone says why it cannot, and ends with its input."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.process import PATIENCE
from twistedcam.microphones.messages import MicrophoneDecoder, MicrophoneFailed
from twistedcam.runtime.child_process import child_environment, module_command


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    command = module_command("twistedcam.microphones")
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=child_environment()
    ) as started:
        yield started
        started.kill()


def test_it_says_why_and_ends(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"alsa:no-such-microphone\n")
    process.stdin.flush()
    (message,) = MicrophoneDecoder().feed(process.stdout.read())
    assert message == MicrophoneFailed("No such file or directory")
    assert process.wait(PATIENCE) == 1


def test_it_ends_with_its_input_while_a_microphone_gives_nothing(
    process: subprocess.Popen[bytes],
) -> None:
    assert process.stdin is not None
    process.stdin.write(b"alsa:null\n")
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
