"""Users with passwords: their hashes, and their tables in the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from twistedcam.auth import Grant, TokenFile, hash_of
from twistedcam.auth.users import (
    _NOBODY,
    ROLES,
    User,
    check_hash,
    digest_of,
    hash_password,
    is_password,
    role_of,
)
from twistedcam.errors import BadArgument

ANNA = Grant("anna", ROLES["control"], frozenset({"door"}), 2_000_000_000.0)


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    found = TokenFile(tmp_path / "tokens.toml")
    found.add(Grant("phone", frozenset({"view"})))
    found.add_user(ANNA, "correct horse")
    return found


def test_only_the_right_password_is_accepted(file: TokenFile) -> None:
    anna = file.read_all().users["anna"]
    assert is_password(anna, "correct horse")
    for wrong in (
        "",
        "correct hors",
        "correct horse ",
        "Correct horse",
        "\udcff" * 9,
        "x" * 100_000,
    ):
        assert not is_password(anna, wrong)
    assert not is_password(None, "correct horse")
    assert not is_password(User(ANNA, "$argon2id$v=19$m=8,t=1,p=1$x"), "correct horse")


def test_a_hash_is_salted_and_costs_what_that_of_nobody_costs() -> None:
    one, other = hash_password("correct horse"), hash_password("correct horse")
    assert one != other
    cost = re.compile(r"^\$argon2id\$v=19\$m=19456,t=2,p=1\$")
    assert cost.match(one)
    assert cost.match(_NOBODY)
    assert check_hash(one, "") == one


def test_the_file_keeps_users_and_tokens_and_no_password(file: TokenFile) -> None:
    text = file.path.read_text()
    assert "correct horse" not in text
    file.add(Grant("tablet", frozenset({"view"})))
    file.remove("phone")
    found = file.read_all()
    assert list(found.tokens) == ["tablet"]
    grant = found.users["anna"].grant
    assert (grant.rights, grant.cameras, grant.expires) == (ANNA.rights, ANNA.cameras, ANNA.expires)
    assert grant.owner == "the user 'anna'"


def test_a_new_password_replaces_the_old_one_and_its_digest(file: TokenFile) -> None:
    before = file.read_all().users["anna"]
    file.set_password("anna", "battery staple")
    after = file.read_all().users["anna"]
    assert is_password(after, "battery staple")
    assert not is_password(after, "correct horse")
    assert after.grant.digest != before.grant.digest
    file.remove_user("anna")
    assert file.read_all().users == {}


def test_the_digest_of_a_user_is_the_hash_of_no_token(file: TokenFile) -> None:
    anna = file.read_all().users["anna"]
    assert anna.grant.digest == digest_of("anna", anna.password)
    assert anna.grant.digest not in (hash_of(anna.password), hash_of("anna"))


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("anna", "correct horse", "'anna' exists already"),
        ("an na", "correct horse", "not a valid name for a user"),
        ("ben", "short", "a password has 8 to 200 characters"),
        ("ben", "x" * 201, "a password has 8 to 200 characters"),
    ],
)
def test_what_cannot_be_added_changes_nothing(
    file: TokenFile, name: str, password: str, said: str
) -> None:
    before = file.path.read_text()
    with pytest.raises(BadArgument, match=said):
        file.add_user(Grant(name, frozenset()), password)
    for change in (lambda: file.set_password("eve", "correct horse"),
                   lambda: file.remove_user("eve")):  # fmt: skip
        with pytest.raises(BadArgument, match="there is no user 'eve'"):
            change()
    assert file.path.read_text() == before


@pytest.mark.parametrize(
    "line",
    [
        'password = "secret"',
        'password = "$argon2id$v=19$m=9999999,t=2,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$q7CzXP1PFUlRr1TvYdXm"',
        'password = "$argon2id$v=19$m=19456,t=99,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$q7CzXP1PFUlRr1TvYdXm"',
        "password = 1",
        'sha256 = "0"',
    ],
)
def test_a_hash_in_the_file_must_be_one_that_can_be_checked(tmp_path: Path, line: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(f'[user.eve]\nrights = ["view"]\n{line}\n')
    with pytest.raises(BadArgument, match=r"\[user.eve\]"):
        TokenFile(path).read()


def test_a_role_is_known_by_its_rights() -> None:
    assert [role_of(Grant("x", rights)) for rights in ROLES.values()] == list(ROLES)
    assert role_of(Grant("x", frozenset({"control"}))) is None
