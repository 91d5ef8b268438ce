"""Paths of modules that earlier versions of the documents name."""

from __future__ import annotations

from importlib import import_module

import pytest

from twistedcam.clients.control import blocking, dialogue, twisted


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        ("client", "connect", twisted.connect),
        ("client", "ControlClient", twisted.ControlClient),
        ("blocking", "BlockingClient", blocking.BlockingClient),
        ("dialogue", "Dialogue", dialogue.ControlClientSession),
    ],
)
def test_modules_of_earlier_documents_are_found(module: str, name: str, found: object) -> None:
    assert getattr(import_module("twistedcam.control." + module), name) is found
