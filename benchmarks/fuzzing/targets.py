"""All that is fed bad input."""

from __future__ import annotations

import random
from pathlib import Path
from typing import ClassVar, Protocol

from .configs import Configs
from .frames import ClientFrames, Frames
from .masters import Masters, Names
from .material import Material
from .rest import RestObjects, RestRows
from .tokens import Tokens

__all__ = ["TARGETS", "Target", "all_targets", "shares"]


class Target(Protocol):
    """Something that reads what others wrote."""

    name: ClassVar[str]
    share: ClassVar[int]
    """Of all inputs, beside the shares of the others; what is slow to read gets fewer."""

    def __init__(self, material: Material) -> None: ...

    def make(self, rng: random.Random) -> bytes:
        """One bad input, drawn from that source of chance alone."""
        ...

    def check(self, data: bytes) -> str:
        """Let the product read it: ``accepted``, or the type of the error with which it was refused.

        Raises
        ------
        WrongValueError
            What was accepted is not what is there, or what is in order was refused.
        Exception
            Any other error than the product's own: the product crashed.
        """
        ...


_KINDS: tuple[type[Target], ...] = (
    Frames,
    ClientFrames,
    RestObjects,
    RestRows,
    Masters,
    Names,
    Configs,
    Tokens,
)
TARGETS: dict[str, type[Target]] = {kind.name: kind for kind in _KINDS}


def all_targets(room: Path) -> dict[str, Target]:
    """Each by its name; ``room`` is a folder for their files."""
    material = Material(room)
    return {name: kind(material) for name, kind in TARGETS.items()}


def shares(inputs: int) -> dict[str, int]:
    """How many of that many inputs each target gets; never fewer in total."""
    total = sum(kind.share for kind in _KINDS)
    return {kind.name: -(-inputs * kind.share // total) for kind in _KINDS}
