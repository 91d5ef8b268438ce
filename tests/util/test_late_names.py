"""Names that are imported when they are first asked for."""

from __future__ import annotations

from typing import Any

import pytest

from twistedcam.util.late_names import import_late


def test_a_name_is_imported_once_and_an_unknown_one_is_an_error() -> None:
    package: dict[str, Any] = {"__name__": "shop"}
    later = {"find": "bisect:bisect_left"}
    assert import_late(package, later, "find")([1, 2], 2) == 1
    assert package["find"] is import_late(package, later, "find")
    with pytest.raises(AttributeError, match="module 'shop' has no attribute 'bisect'"):
        import_late(package, later, "bisect")
