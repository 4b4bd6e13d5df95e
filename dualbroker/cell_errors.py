"""How our errors look in a notebook cell: the person's own lines and the message, the rest on demand."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

__all__ = ["cell_traceback"]

_NOT_A_PERSON_S = ("IPython", "ipykernel", "asyncio", "concurrent", "threading", "dualbroker")
"""Packages whose frames say nothing of what a person wrote."""

_ALL_OF_IT = "All of the traceback: %tb Verbose"


def cell_traceback(error: BaseException) -> list[str]:
    """The lines that IPython shows of an error; it asks an exception's ``_render_traceback_`` for them.

    Only frames of the person's own code are shown, up to the first call into dualbroker, and no cause: the
    message says it. In IPython's modes Verbose and Docs all is shown.
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return traceback.format_exception(error)
    render = shell.InteractiveTB.structured_traceback
    trace = error.__traceback__
    own = None if shell.InteractiveTB.mode in ("Verbose", "Docs") else _own_frames(trace)
    if own is None:
        return _lines(render(type(error), error, trace, tb_offset=1))
    # A copy without cause and context, which are the same failure in words of the libraries below.
    alone = type(error).__new__(type(error), *error.args)
    alone.__dict__.update(error.__dict__)
    return [*_lines(render(type(error), alone, own, tb_offset=0)), _ALL_OF_IT]


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    """The person's frames before the first of ours; None where there is none, or none of ours."""
    mine: list[TracebackType] = []
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package == "dualbroker":
            break
        if package not in _NOT_A_PERSON_S:
            mine.append(trace)
        trace = trace.tb_next
    else:
        return None
    kept: TracebackType | None = None
    for each in reversed(mine):
        kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept


def _lines(rendered: Any) -> list[str]:
    return [str(line) for line in rendered]
