from __future__ import annotations

import logging
import os
import stat
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import keyring
import keyring.backend
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.clock import IST, ist
from dualbroker.errors import ConfigError
from dualbroker.keyring_calls import KeyringCalls
from dualbroker.storage.paths import cache_directory, state_directory
from dualbroker.storage.tokens import SavedSession, SessionTokens, next_expiry_ns

LOGIN = "flattrade-FA0001"
SECOND = 1_000_000_000
HOUR = 3600 * SECOND


def at(hour: int, minute: int = 0, second: int = 0) -> int:
    """UTC ns of a time of some day in India."""
    return int(datetime(2024, 2, 29, hour, minute, second, tzinfo=IST).timestamp()) * SECOND


def session(now_ns: int = at(9)) -> SavedSession:
    return SavedSession.until_next_morning("the-token", "FA0001", "FA0001", now_ns)


@pytest.mark.parametrize(
    ("now", "hours_left"), [(at(9), 18.0), (at(2, 59, 59), 1 / 3600), (at(3), 24.0), (at(23, 30), 3.5)]
)
def test_a_session_ends_at_the_next_three_in_the_morning_in_india(now: int, hours_left: float) -> None:
    assert next_expiry_ns(now) - now == pytest.approx(hours_left * HOUR)


@given(st.integers(min_value=0, max_value=4_000_000_000 * SECOND))
def test_a_session_lasts_no_longer_than_a_day(now_ns: int) -> None:
    expiry = next_expiry_ns(now_ns)
    assert 0 < expiry - now_ns <= timedelta(days=1).total_seconds() * SECOND
    assert ist(expiry).strftime("%H:%M:%S") == "03:00:00"


def test_a_session_is_kept_until_it_expires(tmp_path: Path) -> None:
    tokens = SessionTokens(tmp_path / "state")
    assert tokens.load(LOGIN, at(9)) is None
    tokens.save(LOGIN, session())
    assert SessionTokens(tmp_path / "state").load(LOGIN, at(23)) == session()
    assert tokens.load("shoonya-FA0001", at(9)) is None
    assert tokens.load(LOGIN, session().expires_ns - 1) == session()
    assert tokens.load(LOGIN, session().expires_ns) is None


def test_a_newer_session_replaces_the_older_one(tmp_path: Path) -> None:
    tokens = SessionTokens(tmp_path)
    tokens.save(LOGIN, session(at(9)))
    tokens.save(LOGIN, session(at(10)))
    assert tokens.load(LOGIN, at(11)) == session(at(10))
    assert len(list(tmp_path.iterdir())) == 1


def test_deleting_is_for_good_and_may_be_repeated(tmp_path: Path) -> None:
    tokens = SessionTokens(tmp_path)
    tokens.save(LOGIN, session())
    tokens.delete(LOGIN)
    tokens.delete(LOGIN)
    assert tokens.load(LOGIN, at(9)) is None


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'{"token": 3}', b"\xff\xfe", b'{"token": "", "user_id": "a"}', b"null"),
        b'{"token":"t","x":' + b"[" * 100_000,
        b'{"token":"t","user_id":"a","account_id":"a","obtained_ns":0,"expires_ns":1' + b"0" * 5_000 + b"}",
        b" " * 10_000_000,
    ],
)
def test_a_damaged_file_is_no_session(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = SessionTokens(tmp_path)
    tokens.save(LOGIN, session())
    next(tmp_path.iterdir()).write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="dualbroker"):
        assert tokens.load(LOGIN, at(9)) is None
    assert "dualbroker login" in caplog.text


@pytest.mark.parametrize("token", ["", " ", "a b", "a\nX-Header: 1", "a\r", "\0", "₹", "\x7f", "\u2028"])
def test_a_token_that_no_header_can_carry_is_no_session(
    tmp_path: Path, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = SessionTokens(tmp_path)
    tokens.save(LOGIN, SavedSession.until_next_morning(token, "FA0001", "FA0001", at(9)))
    with caplog.at_level(logging.WARNING, logger="dualbroker"):
        assert tokens.load(LOGIN, at(9)) is None
    assert "dualbroker login" in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a user's folder private by other means")
def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    SessionTokens(tmp_path / "state").save(LOGIN, session())
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_neither_repr_nor_file_name_tells_token_or_account(tmp_path: Path) -> None:
    SessionTokens(tmp_path).save(LOGIN, session())
    shown = f"{session()!r} {session()} {[session()]} {[file.name for file in tmp_path.iterdir()]}"
    assert "the-token" not in shown
    assert "FA0001" not in shown
    assert "FA**01" in shown


class MemoryKeyring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


def test_the_keyring_keeps_it_when_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: store)
    monkeypatch.setenv("DUALBROKER_TOKENS", "keyring")
    tokens = SessionTokens(tmp_path)
    tokens.save(LOGIN, session())
    assert list(tmp_path.iterdir()) == []
    assert tokens.load(LOGIN, at(9)) == session()
    tokens.delete(LOGIN)
    tokens.delete(LOGIN)
    assert store.entries == {}
    assert tokens.load(LOGIN, at(9)) is None


def test_one_variable_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALBROKER_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "cache"
    assert state_directory() == tmp_path / "state"
    monkeypatch.delenv("DUALBROKER_HOME")
    assert "dualbroker" in str(state_directory())
    assert cache_directory() != state_directory()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the system itself names a user's folders")
@pytest.mark.parametrize("directory", [state_directory, cache_directory])
def test_an_empty_home_is_none(
    directory: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DUALBROKER_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "")
    with pytest.raises(ConfigError, match="HOME is empty; set the variable DUALBROKER_HOME"):
        directory()
    if sys.platform.startswith("linux"):
        for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
            monkeypatch.setenv(name, str(tmp_path))
        assert directory() == tmp_path / "dualbroker"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the system itself names a user's folders")
@pytest.mark.parametrize("directory", [state_directory, cache_directory])
def test_without_a_home_folder_the_variable_to_set_is_named(
    directory: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DUALBROKER_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    # A user without HOME and without an entry in the system's list of users.
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(ConfigError, match="set the variable DUALBROKER_HOME"):
        directory()
    # Older versions of platformdirs leave the ~ as it is.
    for name in ("user_state_path", "user_cache_path"):
        monkeypatch.setattr(platformdirs, name, lambda *_, **__: Path("~/.local/dualbroker"))
    with pytest.raises(ConfigError, match="set the variable DUALBROKER_HOME"):
        directory()
    monkeypatch.setenv("DUALBROKER_HOME", "/srv/dualbroker")
    assert directory().parent == Path("/srv/dualbroker")


def test_a_folder_that_keeps_no_session_is_one_clear_error(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("", encoding="utf-8")
    tokens = SessionTokens(in_the_way / "state", in_keyring=False)
    with pytest.raises(ConfigError, match="expected a folder that can be written"):
        tokens.save(LOGIN, session())
    assert tokens.load(LOGIN, at(9)) is None
    tokens.delete(LOGIN)


def test_a_session_with_times_out_of_all_bounds_is_left_aside(tmp_path: Path) -> None:
    tokens = SessionTokens(tmp_path, in_keyring=False)
    tokens.save(LOGIN, session())
    for file in tmp_path.iterdir():
        file.write_text(file.read_text(encoding="utf-8").replace('"expires_ns":', '"expires_ns":99999999'))
    assert tokens.load(LOGIN, at(9)) is None


def test_an_entry_of_the_keyring_that_no_text_can_hold_is_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: store)
    tokens = SessionTokens(tmp_path, in_keyring=True)
    tokens.save(LOGIN, session())
    store.entries = {place: entry + "\ud800" for place, entry in store.entries.items()}
    assert tokens.load(LOGIN, at(9)) is None


def test_a_keyring_that_never_answers_is_one_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unlocked = threading.Event()
    monkeypatch.setattr(keyring, "get_keyring", unlocked.wait)
    tokens = SessionTokens(tmp_path, in_keyring=True, keyring_calls=KeyringCalls(timeout_s=0.05))
    try:
        with pytest.raises(ConfigError, match=r"did not answer within 0\.05 s; unlock it, or .*private file"):
            tokens.load(LOGIN, at(9))
        with pytest.raises(ConfigError, match=r"did not answer within 0\.05 s; unlock it, or .*private file"):
            tokens.save(LOGIN, session())
        tokens.delete(LOGIN)
        assert "can't be deleted: the system's keyring did not answer" in caplog.text
    finally:
        unlocked.set()


def test_a_keyring_that_can_not_be_read_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("words of a backend")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    with pytest.raises(ConfigError, match=r"one that does not \(RuntimeError\)") as caught:
        SessionTokens(tmp_path, in_keyring=True).load(LOGIN, at(9))
    assert "words of a backend" not in str(caught.value)
