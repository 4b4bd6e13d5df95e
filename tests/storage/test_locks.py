"""One holder per login: across real processes, in one process, and after a crash."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dualbroker.errors import ConfigError, LoginHeldError
from dualbroker.storage.locks import LoginLock, announce_address

LOGIN = "flattrade-FA0001"

HOLDER = """
import sys
from pathlib import Path
from dualbroker.storage.locks import LoginLock, announce_address

LoginLock(sys.argv[1], Path(sys.argv[2])).acquire()
if len(sys.argv) > 3:
    announce_address(sys.argv[3])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(directory: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the login until its standard input closes."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, LOGIN, str(directory), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def lock(directory: Path) -> LoginLock:
    return LoginLock(LOGIN, directory)


def test_another_process_is_refused_and_told_where_to_attach(tmp_path: Path) -> None:
    with another_process(tmp_path, "http://127.0.0.1:8000") as holder:
        with pytest.raises(LoginHeldError) as caught:
            lock(tmp_path).acquire()
        message = str(caught.value)
        assert message.startswith(f"login FA**01 is held by process {holder.pid} since ")
        assert message.endswith(
            '. Share it: dualbroker.connect("http://127.0.0.1:8000"); or end that process'
        )
        with LoginLock("flattrade-FA0002", tmp_path) as other_login:
            assert other_login.is_held


def test_a_holder_that_does_not_serve_is_named(tmp_path: Path) -> None:
    with (
        another_process(tmp_path) as holder,
        pytest.raises(
            LoginHeldError, match=rf"held by process {holder.pid} since .* IST\. End that process;"
        ),
    ):
        lock(tmp_path).acquire()


def test_the_login_is_free_again_after_an_exit_and_after_a_crash(tmp_path: Path) -> None:
    with another_process(tmp_path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait(10)
        with lock(tmp_path) as mine:
            assert mine.is_held
    with another_process(tmp_path) as holder:
        holder.kill()
        holder.wait(10)
        with lock(tmp_path) as mine:
            assert mine.is_held


def test_a_second_feed_of_this_process_is_refused(tmp_path: Path) -> None:
    first, second = lock(tmp_path), lock(tmp_path)
    first.acquire()
    first.acquire()
    with pytest.raises(LoginHeldError, match="held by another feed of this process"):
        second.acquire()
    second.release()
    assert first.is_held
    first.release()
    first.release()
    second.acquire()
    assert second.is_held
    second.release()


def test_of_many_threads_one_gets_it(tmp_path: Path) -> None:
    locks = [lock(tmp_path) for _ in range(16)]
    refused: list[LoginHeldError] = []
    start = threading.Barrier(len(locks))

    def take(one: LoginLock) -> None:
        start.wait()
        try:
            one.acquire()
        except LoginHeldError as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=(one,)) for one in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [one for one in locks if one.is_held]
    assert (len(held), len(refused)) == (1, 15)
    held[0].release()


def test_a_damaged_note_still_refuses(tmp_path: Path) -> None:
    with another_process(tmp_path):
        for note in tmp_path.glob("*.json"):
            note.write_bytes(b"{")
        with pytest.raises(LoginHeldError, match="another process of this machine"):
            lock(tmp_path).acquire()


def test_what_is_announced_is_gone_after_the_release(tmp_path: Path) -> None:
    mine = lock(tmp_path)
    assert mine.holder() is None
    with mine:
        announce_address("http://127.0.0.1:9000")
        holder = mine.holder()
        assert holder is not None
        assert holder.address == "http://127.0.0.1:9000"
    assert mine.holder() is None


def test_a_folder_that_takes_no_lock_is_one_clear_error(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("", encoding="utf-8")
    lock = LoginLock(LOGIN, in_the_way / "state")
    with pytest.raises(ConfigError, match=r"expected a folder that can be written.*DUALBROKER_HOME"):
        lock.acquire()
    assert not lock.is_held


@pytest.mark.parametrize("garbage", ['{"pid":1,"started_ns":1e30}', '{"pid":1,"started_ns":-1}', "{", "\xff"])
def test_garbage_about_the_holder_only_makes_the_message_shorter(tmp_path: Path, garbage: str) -> None:
    with another_process(tmp_path):
        for note in tmp_path.glob("*.json"):
            note.write_text(garbage, encoding="latin-1")
        with pytest.raises(LoginHeldError, match="held by another process of this machine"):
            LoginLock(LOGIN, tmp_path).acquire()
