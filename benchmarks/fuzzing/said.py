"""What the product wrote into its log."""

from __future__ import annotations

import logging

__all__ = ["Said"]


class Said(logging.Handler):
    """Keeps the lines of dualbroker's logger, and keeps them off the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        logger = logging.getLogger("dualbroker")
        logger.addHandler(self)
        logger.propagate = False
        logger.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
