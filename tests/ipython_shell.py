"""A real shell of IPython, as a notebook's kernel has one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

__all__ = ["ipython_shell"]


@contextmanager
def ipython_shell(folder: Path) -> Iterator[InteractiveShell]:
    """A shell that writes nothing into a person's own set-up, and leaves nothing behind.

    It puts a module of its own in the place of ``__main__``, by which ``multiprocessing`` starts children.
    """
    settings = Config()
    settings.HistoryManager.enabled = False
    main = sys.modules["__main__"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IPYTHONDIR", str(folder))
        InteractiveShell.clear_instance()
        try:
            yield InteractiveShell.instance(config=settings)
        finally:
            InteractiveShell.clear_instance()
            sys.modules["__main__"] = main
