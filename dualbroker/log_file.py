"""Log files that survive a full disk: said in one line and one incident, and tried again later.

Python's own handlers print a traceback of the whole call stack for each line that can't be written.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from dualbroker.figures import number

__all__ = ["TRY_AGAIN_S", "LogFile", "log_troubles"]

TRY_AGAIN_S = 30.0
"""From a line that could not be written to the next attempt."""

log_troubles: list[Callable[[str, str], object]] = []
"""Each is told, on whichever thread, what is wrong with a log file and what is done; it must not log."""


class LogFile(RotatingFileHandler):
    """A log file that is begun again at a size, older ones kept.

    Parameters
    ----------
    now_s
        A clock that never runs back.

    Raises
    ------
    OSError
        The file can't be opened.
    """

    def __init__(
        self, path: Path, largest_bytes: int, older_files: int, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(path, maxBytes=largest_bytes, backupCount=older_files, encoding="utf-8")
        self._now_s = now_s
        self._try_again_s: float | None = None
        """While the file can't be written."""
        self._lost = 0
        self._failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; while the file can't be written, count it."""
        if self._try_again_s is not None and self._now_s() < self._try_again_s:
            self._lost += 1
            return
        self._failed = False
        if self._lost:
            # What a failed write left of its line is ended by the first break.
            gap = f"\n{number(self._lost)} lines are missing here: the file could not be written"
            super().emit(logging.LogRecord(record.name, logging.WARNING, "", 0, gap, None, None))
        if not self._failed:
            super().emit(record)
        if self._failed:
            self._lost += 1
        elif self._try_again_s is not None:
            self._try_again_s, self._lost = None, 0
            _to_standard_error(f"the log file {self.baseFilename} is written again")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A line could not be written; only the first of an outage is told."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._failed = True
        is_new = self._try_again_s is None
        self._try_again_s = self._now_s() + TRY_AGAIN_S
        # What it holds back of the line would be written, and fail, with the next one.
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
        if is_new:
            cause = f"the log file {self.baseFilename} can't be written: {error.strerror or error}"
            action = f"its lines are lost meanwhile; it is tried again every {TRY_AGAIN_S:.0f} s"
            _to_standard_error(f"{cause}; {action}")
            for told in list(log_troubles):
                told(cause, action)


def _to_standard_error(words: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # its disk may be as full
        print(f"dualbroker: {words}", file=sys.stderr, flush=True)
