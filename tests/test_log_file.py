"""A log file on a full disk."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dualbroker import log_file
from dualbroker.log_file import TRY_AGAIN_S, LogFile


class Disk:
    """Makes a file's writes fail as a full disk does."""

    def __init__(self) -> None:
        self.full = False

    def opened(self, file: LogFile) -> Any:
        opened = logging.FileHandler._open(file)
        write = opened.write

        def write_if_room(text: str) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(text)

        opened.write = write_if_room  # type: ignore[method-assign]
        return opened


@pytest.fixture
def told() -> Iterator[list[tuple[str, str]]]:
    found: list[tuple[str, str]] = []

    def tell(cause: str, action: str) -> None:
        found.append((cause, action))

    log_file.log_troubles.append(tell)
    yield found
    log_file.log_troubles.remove(tell)


def test_a_full_disk_is_one_line_and_one_incident_and_the_file_is_tried_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: list[tuple[str, str]],
) -> None:
    disk, now_s = Disk(), 1000.0
    monkeypatch.setattr(LogFile, "_open", lambda file: disk.opened(file))
    path = tmp_path / "dualbroker.log"
    handler = LogFile(path, 1_000_000, 2, now_s=lambda: now_s)
    logger = logging.Logger("full")
    logger.addHandler(handler)
    logger.warning("before")
    disk.full = True
    for number in range(100):
        logger.warning("lost %d", number)
    now_s += TRY_AGAIN_S
    for number in range(10):
        logger.warning("lost again %d", number)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"dualbroker: the log file {path} can't be written: No space left on device; ")
    assert len(told) == 1
    assert told[0][0] in line
    assert "tried again every 30 s" in told[0][1]
    disk.full = False
    logger.warning("still waiting")
    now_s += TRY_AGAIN_S
    logger.warning("after")
    logger.warning("and on")
    handler.close()
    assert capsys.readouterr().err == f"dualbroker: the log file {path} is written again\n"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    assert lines == ["before", "111 lines are missing here: the file could not be written", "after", "and on"]


def test_a_second_outage_is_told_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: list[tuple[str, str]],
) -> None:
    disk, now_s = Disk(), 0.0
    monkeypatch.setattr(LogFile, "_open", lambda file: disk.opened(file))
    handler = LogFile(tmp_path / "dualbroker.log", 1_000_000, 2, now_s=lambda: now_s)
    logger = logging.Logger("full")
    logger.addHandler(handler)
    for full in (True, False, True):
        disk.full = full
        logger.warning("a line")
        now_s += TRY_AGAIN_S
    handler.close()
    assert len(told) == 2
    assert [" can't be " in line for line in capsys.readouterr().err.splitlines()] == [True, False, True]


def test_a_line_that_is_no_text_is_told_as_python_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: list[tuple[str, str]]
) -> None:
    handler = LogFile(tmp_path / "dualbroker.log", 1_000_000, 2)
    logger = logging.Logger("wrong")
    logger.addHandler(handler)
    logger.warning("%d", "no number")
    handler.close()
    assert "TypeError" in capsys.readouterr().err
    assert told == []
