"""After a log was renamed, a new file is written, and no line is lost."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from tests.support.process import ROOT, ServerProcess, wait_for
from tests.support.system import require_program
from twistedcam.errors import StartupError
from twistedcam.runtime.log_file import LogFile


def test_what_comes_after_is_in_the_new_file(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    log = LogFile(path)
    log.write("one\n")
    path.rename(old)
    log.write("two\n")
    log.write("three\n")
    log.close()
    assert (old.read_text(), path.read_text()) == ("one\n", "two\nthree\n")


def test_an_existing_log_is_appended_to(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before\n")
    log = LogFile(tmp_path / "log")
    log.write("\udcff after\n")
    log.close()
    assert (tmp_path / "log").read_text() == "before\n\\udcff after\n"


def test_many_threads_and_many_names_lose_nothing(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    lines = [[f"{number} {line}\n" for line in range(200)] for number in range(4)]
    threads = [threading.Thread(target=lambda own: [*map(log.write, own)], args=(own,))
               for own in lines]  # fmt: skip
    for each in threads:
        each.start()
    for number in range(20):
        if (tmp_path / "log").exists():
            (tmp_path / "log").rename(tmp_path / f"log.{number}")
    for each in threads:
        each.join()
    log.close()
    found = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines(True)]
    assert sorted(found) == sorted(line for own in lines for line in own)


def test_where_no_new_file_can_be_had_the_old_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = LogFile(folder / "log")
    folder.rename(tmp_path / "old")
    log.write("still here\n")
    log.close()
    assert (tmp_path / "old" / "log").read_text() == "still here\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a Linux device")
def test_a_line_that_cannot_be_written_is_lost_without_an_error() -> None:
    log = LogFile(Path("/dev/full"))
    log.write("lost\n")
    log.write("lost, too\n")
    log.close()


def test_a_log_that_cannot_be_written_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"the log .* cannot be written: No such file"):
        LogFile(tmp_path / "nowhere" / "log")


def test_a_server_continues_its_log_after_a_rotation(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    options = ["--camera", "pattern:?size=160x120", "--log", str(path)]
    with ServerProcess(tmp_path / "r", *options) as server:
        server.command_lines("record start cam first.mkv")
        wait_for((tmp_path / "r" / ".first.mkv.part").exists, "a picture in the file")
        path.rename(old)
        server.command_lines("record stop cam")
        assert "recording" not in server.log
    assert "cam: recording to " in old.read_text()
    assert "cam: recorded " not in old.read_text()
    assert re.search(r"cam: recorded \S+/first\.mkv \(0:\d\d, [\d.]+ KB\)", path.read_text())
    assert "Main loop terminated" in path.read_text()


def test_the_shipped_snippet_is_what_logrotate_understands(tmp_path: Path) -> None:
    require_program("logrotate", "logrotate")
    text = (ROOT / "packaging" / "logrotate" / "twistedcam").read_text()
    text = text.replace("/var/log/twistedcam", str(tmp_path)).replace(
        "twistedcam twistedcam", "{0}"
    )
    ids = f"{os.getuid()} {os.getgid()}"
    snippet = tmp_path / "snippet"
    snippet.write_text(text.replace("{0}", ids))
    snippet.chmod(0o644)
    log = LogFile(tmp_path / "twistedcam.log")
    log.write("one\n")
    words = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(snippet)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    log.write("two\n")
    log.close()
    assert (tmp_path / "twistedcam.log").read_text() == "two\n"
    assert (tmp_path / "twistedcam.log.1").read_text() == "one\n"


def test_a_new_log_is_for_its_owner_and_group(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        log = LogFile(tmp_path / "log")
        (tmp_path / "log").rename(tmp_path / "log.1")
        log.write("a line\n")
        log.close()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("log", "log.1")]
    assert modes == [0o640, 0o640]
