"""A missing system part is a skip for a user and a failure for the project."""

import pytest

from tests.support.system import require_program


def test_a_missing_program_is_skipped_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install nothing-such"):
        require_program("no-such-program", apt="nothing-such")


def test_under_ci_it_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require_program("no-such-program")


def test_a_program_that_is_there_is_named_by_its_path() -> None:
    assert require_program("sh").endswith("/sh")
