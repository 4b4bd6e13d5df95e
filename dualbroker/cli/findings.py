"""What the doctor finds: one line each, with a verdict."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Finding", "Verdict"]


class Verdict(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class Finding(msgspec.Struct, frozen=True):
    """One line of the doctor's."""

    verdict: Verdict
    subject: str
    """``config``, or a broker and what of it, such as ``broker1 login``."""
    words: str
    """What was found, and what to do where something is wrong. Never a secret."""
