"""Modules that are imported when they are used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from twistedcam.runtime.child_process import child_environment
from twistedcam.util.libraries import LazyModule, np


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package that takes a while to import, and does not import its part."""
    package = tmp_path / "large_library"
    package.mkdir()
    (package / "__init__.py").write_text("import time\ntime.sleep(0.05)\nSIZE = 7\n")
    (package / "part.py").write_text("COLOUR = 'red'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "large_library", raising=False)
    monkeypatch.delitem(sys.modules, "large_library.part", raising=False)
    return "large_library"


def test_a_module_is_imported_when_it_is_used_and_then_with_its_parts(large: str) -> None:
    module = LazyModule(large, "part")
    assert repr(module) == "<LazyModule large_library>"
    assert large not in sys.modules
    assert module.part.COLOUR == "red"
    assert module.SIZE == 7
    with pytest.raises(AttributeError, match="NONE"):
        _ = module.NONE


def test_threads_that_use_it_at_once_all_get_the_whole_module(large: str) -> None:
    module, found = LazyModule(large, "part"), []
    threads = [
        threading.Thread(target=lambda: found.append((module.SIZE, module.part.COLOUR)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(7, "red")] * 4


def test_it_is_the_module_itself_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    assert np.ndarray is numpy.ndarray
    monkeypatch.setattr(numpy, "ndarray", int)
    assert np.ndarray is int


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER", None, r"0"),
        ("OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER", "2000", r"2000"),
        ("GNUTLS_SYSTEM_PRIORITY_FILE", None, r"/etc/.*gnutls[./]config"),
        ("GNUTLS_SYSTEM_PRIORITY_FILE", "/home/me/gnutls", r"/home/me/gnutls"),
    ],
)
def test_what_libraries_read_when_they_are_imported_is_set_before(
    name: str, given: str | None, expected: str
) -> None:
    """OpenCV's threads do not look for work in vain; GnuTLS reads nothing that others can write.

    A user's value is kept.
    """
    env = {key: value for key, value in os.environ.items() if key != name}
    code = "import os, sys, twistedcam.processing.motion.watch\n"
    code += f"print(os.environ[{name!r}], 'cv2' in sys.modules, 'av' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env if given is None else {**env, name: given},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    value, *loaded = done.stdout.split()
    assert re.fullmatch(expected, value)
    assert loaded == ["False", "False"]


def test_the_sender_of_streams_gets_it_from_the_server() -> None:
    """It imports PyAV itself."""
    assert child_environment()["GNUTLS_SYSTEM_PRIORITY_FILE"].startswith("/etc/")
