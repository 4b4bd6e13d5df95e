"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import Annotated

import msgspec

from .paths import HOME_VARIABLE

__all__ = ["TimeNs", "cannot_keep", "name_for", "write_private"]

TimeNs = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""UTC nanoseconds since the epoch, in a file that anything may have written."""


def cannot_keep(path: Path, error: OSError) -> str:
    """What to say when a folder for private files does not take any."""
    return (
        f"expected a folder that can be written, found {path.parent}: {error.strerror or error}; "
        f"name another with the variable {HOME_VARIABLE}"
    )


def name_for(login_id: str) -> str:
    """A file name for a login that works on every system and tells nobody the account."""
    return hashlib.sha256(login_id.encode("utf-8")).hexdigest()[:24]


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600 (where the system has modes), replacing it in one step."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
