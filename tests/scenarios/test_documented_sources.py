"""Every source and every common setting is explained."""

from __future__ import annotations

from pathlib import Path

from twistedcam.sources.registry import SCHEMES
from twistedcam.sources.spec import COMMON

TEXT = (Path(__file__).parent.parent.parent / "docs/cameras.md").read_text()


def test_every_source_is_documented() -> None:
    assert [scheme for scheme in SCHEMES if f"`{scheme}:" not in TEXT] == []


def test_every_common_setting_is_documented() -> None:
    assert [name for name in COMMON if f"| `{name}` |" not in TEXT] == []
