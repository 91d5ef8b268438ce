"""The file of tokens gives nothing away, and says what is wrong with it."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.system import require
from twistedcam import wire
from twistedcam.auth import Grant, TokenFile, hash_of, new_token
from twistedcam.errors import BadArgument, DiskError
from twistedcam.wire import mac_of

VIEW = frozenset({"view"})


def test_a_hash_is_enough_to_check_the_frame_port_s_proof() -> None:
    token, nonce = new_token(), wire.new_nonce()
    key = bytes.fromhex(hash_of(token))
    assert wire.mac_matches(mac_of(token, "view", nonce), key, "view", nonce)
    assert not wire.mac_matches(mac_of(token, "view", nonce), key, "publish", nonce)
    assert not wire.mac_matches(mac_of(new_token(), "view", nonce), key, "view", nonce)


def test_what_is_added_is_read_back_and_the_token_is_not_in_the_file(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "new" / "tokens.toml")
    token = file.add(Grant("phone", VIEW, frozenset({"door", "yard"})))
    file.add(Grant("desk", frozenset({"view", "control"})))  # type: ignore[arg-type]
    text = file.path.read_text()
    assert token not in text
    assert token.removeprefix("tcam1_") not in text
    found = file.read()
    assert list(found) == ["phone", "desk"]
    assert found["phone"].hash == hash_of(token)
    assert found["phone"].grant == Grant("phone", VIEW, frozenset({"door", "yard"}))
    assert found["desk"].grant.cameras is None


def test_a_token_that_digest_needs_is_kept_itself_if_that_is_wanted(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    kept = file.add(Grant("nvr", VIEW), keep=True)
    file.add(Grant("phone", VIEW))
    assert {name: each.text for name, each in file.read().items()} == {"nvr": kept, "phone": None}
    assert kept not in repr(file.read())
    text = file.path.read_text().replace(kept, new_token())
    file.path.write_text(text)
    with pytest.raises(BadArgument, match=r"\[token.nvr\]: token is not the token whose hash"):
        file.read()


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    file.add(Grant("phone", VIEW))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.path.chmod(0o644)
    file.add(Grant("desk", VIEW))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o750, (0o640, 54321)), (0o755, (0o600, 0)), (0o700, (0o600, 0))]
)
def test_root_lets_the_group_of_a_service_s_folder_read_the_file(
    tmp_path: Path, mode: int, expected: tuple[int, int]
) -> None:
    require(os.geteuid() == 0, "only root makes files for services")
    folder = tmp_path / "etc"
    folder.mkdir()
    os.chown(folder, 0, 54321)
    folder.chmod(mode)
    file = TokenFile(folder / "tokens.toml")
    file.add(Grant("phone", VIEW))
    found = file.path.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == expected
    file.add(Grant("desk", VIEW))
    found = file.path.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == expected


def test_an_error_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    with pytest.raises(BadArgument, match="No such file or directory; make one with 'twistedcam"):
        file.read()
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadArgument, match=r"Is a directory$"):
        TokenFile(tmp_path / "folder").read()

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(os, "getegid", lambda: 54321)
    with pytest.raises(BadArgument, match="denied; let this user's group read it: chgrp 54321"):
        file.read()


def test_a_removed_token_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    file.add(Grant("phone", VIEW))
    file.add(Grant("desk", VIEW))
    file.remove("phone")
    assert list(file.read()) == ["desk"]
    with pytest.raises(BadArgument, match="no token 'phone'"):
        file.remove("phone")


def test_a_name_is_taken_once_and_is_a_plain_word(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    file.add(Grant("phone", VIEW))
    for name in ("phone", "", "a b", "a.b", 'a"', "ü", "a" * 65):
        with pytest.raises(BadArgument):
            file.add(Grant(name, VIEW))
    assert list(file.read()) == ["phone"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"tokens\.toml cannot be written"):
        TokenFile(tmp_path / "file" / "tokens.toml").add(Grant("phone", VIEW))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[token", "not valid TOML"),
        ("x = 1", "can only have tables"),
        ("token = 1", "can only have tables"),
        ("[token.a]\nrights = ['view']", "needs sha256"),
        ("[token.a]\nsha256 = 'abc'\nrights = ['view']", "needs sha256"),
        (f"[token.a]\nsha256 = '{'0' * 64}'", "needs rights"),
        (f"[token.a]\nsha256 = '{'0' * 64}'\nrights = ['root']", "unknown right"),
        (f"[token.a]\nsha256 = '{'0' * 64}'\nrights = ['view']\ncameras = 'a'", "list of names"),
        (f"[token.a]\nsha256 = '{'0' * 64}'\nright = ['view']", "unknown key 'right'"),
        ("[token]\na = 1", "must be a table"),
        (f"[token.a]\nsha256 = '{'0' * 64}'\nrights = ['view', 'root']", "unknown right 'root'"),
        (f"[token.a]\nsha256 = '{'0' * 64}'\nrights = [['view']]", "unknown right"),
        (f"[token.a]\nsha256 = '{'0' * 64}'\nrights = 'view'", "needs rights, a list"),
        *(
            (f"[token.a]\nsha256 = '{'0' * 64}'\nrights = ['view']\nexpires = {end}", "expires")
            for end in ("'soon'", "5", "18:00:00", "true", "['2027-01-31']", "''")
        ),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(text)
    with pytest.raises(BadArgument, match=said) as caught:
        TokenFile(path).read()
    assert str(path) in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="twistedcam token add NAME"):
        TokenFile(tmp_path / "none.toml").read()


def test_tokens_that_are_added_and_removed_at_once_are_all_in_the_file(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    file.add(Grant("old", VIEW))
    names = [f"phone{number}" for number in range(12)]
    with ThreadPoolExecutor(len(names) + 1) as pool:
        adding = [pool.submit(TokenFile(file.path).add, Grant(name, VIEW)) for name in names]
        removing = pool.submit(TokenFile(file.path).remove, "old")
        tokens = [each.result() for each in adding]
        removing.result()
    found = file.read()
    assert sorted(found) == sorted(names)
    assert {each.hash for each in found.values()} == {hash_of(token) for token in tokens}
    assert os.listdir(tmp_path) == ["tokens.toml"]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "tokens.toml", tmp_path / "tokens.toml"
    real.parent.mkdir()
    link.symlink_to(real)
    TokenFile(link).add(Grant("phone", VIEW))
    assert link.is_symlink()
    assert list(TokenFile(real).read()) == ["phone"]


def test_the_end_is_read_back_to_the_second(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    file.add(Grant("phone", VIEW, expires=1_800_000_000.7))
    assert "expires = 2027-01-15T08:00:00Z" in file.path.read_text()
    grant = file.read()["phone"].grant
    assert grant.expires == 1_800_000_000
    assert (grant.has_expired(1_799_999_999), grant.has_expired(1_800_000_000)) == (False, True)
