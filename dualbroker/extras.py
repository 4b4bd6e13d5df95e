"""What to install where a library of an extra is missing. ``pip install dualbroker`` brings them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dualbroker.errors import MissingExtraError

__all__ = ["needs_extra"]


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Import something inside that needs the libraries of an extra (``service``, ``notebook``, ``excel``).

    Raises
    ------
    MissingExtraError
        One of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "dualbroker"):
            raise
        raise MissingExtraError(
            f"expected {library}, found it not installed: pip install 'dualbroker[{extra}]' brings it",
            name=library,
        ) from error
