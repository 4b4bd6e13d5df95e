"""Where log lines go: the terminal, and the file that config.yaml names."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from dualbroker.clock import ist
from dualbroker.config.sections import LogConfig
from dualbroker.errors import ConfigError
from dualbroker.log_file import LogFile

__all__ = ["log_to_terminal", "use_log_config"]

LARGEST_FILE_BYTES = 10_000_000
OLDER_FILES = 5
"""``dualbroker.log.1`` to ``.5``: 60 MB in all."""

_LOGGERS = ("dualbroker", "uvicorn.error")


class _IndianTime(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return ist(int(record.created * 1e9)).strftime(datefmt or "%H:%M:%S")


def log_to_terminal() -> None:
    """Show warnings and worse on standard output, until a config says otherwise.

    Standard error stays free for the one line that says why a command could not start.
    """
    _add(logging.StreamHandler(sys.stdout), "%H:%M:%S")
    logging.getLogger("dualbroker").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def use_log_config(config: LogConfig, file: Path | None = None) -> None:
    """Take up level and file of the config. The file is rotated at ``LARGEST_FILE_BYTES``.

    Parameters
    ----------
    file
        In place of the config's.

    Raises
    ------
    ConfigError
        The file can't be written.
    """
    logging.getLogger("dualbroker").setLevel(config.level)
    chosen = file or config.file
    if chosen is None:
        return
    try:
        handler = LogFile(chosen, LARGEST_FILE_BYTES, OLDER_FILES)
    except OSError as error:
        key = "--log-file" if file is not None else "log.file"
        raise ConfigError(
            f"{key}: expected a file that can be written, found {chosen}: {error.strerror}"
        ) from None
    _add(handler, "%Y-%m-%d %H:%M:%S")


def _add(handler: logging.Handler, time_format: str) -> None:
    handler.setFormatter(_IndianTime("%(asctime)s %(levelname)-7s %(message)s", time_format))
    for name in _LOGGERS:
        logging.getLogger(name).addHandler(handler)
