"""An option chain in a notebook: the live table, and what stays of it without a kernel."""

from __future__ import annotations

from html import escape
from typing import Any, Protocol

from dualbroker.feed.runtime import Runtime
from dualbroker.figures import UNKNOWN, age, money, number, seconds_between, signed, written
from dualbroker.manager.options.chain import ChainFollower
from dualbroker.notebook.live.kernel import in_kernel
from dualbroker.notebook.live.live_view import LiveView
from dualbroker.notebook.live.views import open_part
from dualbroker.notebook.plain.drawing import STYLE
from dualbroker.notebook.plain.pieces import State, block, no_source_words, problem
from dualbroker.view.heads import HEADS, Head
from dualbroker.view.option_chain import option_chain_state

__all__ = ["chain_html", "chain_snapshot", "display_chain", "open_chain"]

AGE_SHOWN_S = 5.0
"""From which on it is said how long ago the newest quote came."""

_STILL_HEADS = [head for head in HEADS["chain"] if not head.key.endswith(("_gamma", "_theta", "_vega"))]
"""As many as a page can be wide; the live table shows them by turns, and the frame has them all."""


class ShownChain(Protocol):
    """What is shown of a ``dualbroker.feed.chains.OptionChain``, which imports this module."""

    @property
    def runtime(self) -> Runtime: ...

    @property
    def follower(self) -> ChainFollower: ...

    @property
    def closed(self) -> bool: ...

    def _repr_html_(self) -> str: ...


def open_chain(chain: ShownChain) -> LiveView:
    """The live table of a chain, one for as long as both live."""
    source = chain.runtime.manager
    return open_part(
        chain.runtime,
        ("chain", chain.follower.holder),
        "chain",
        lambda now_ns: option_chain_state(source, chain.follower, now_ns),
        lambda now_ns: {"text/html": chain_snapshot(chain, now_ns), "text/plain": repr(chain)},
    )


def chain_snapshot(chain: ShownChain, now_ns: int) -> str:
    """A chain at one moment (UTC ns) as a plain table."""
    return chain_html(option_chain_state(chain.runtime.manager, chain.follower, now_ns))


def display_chain(chain: ShownChain) -> LiveView | None:
    """A chain by itself in a cell: live; once it is closed, or in a terminal, as it was last."""
    if not in_kernel():
        print(chain)
        return None
    if chain.closed:
        from IPython.display import display

        display({"text/html": chain._repr_html_(), "text/plain": repr(chain)}, raw=True)  # type: ignore[no-untyped-call]
        return None
    view = open_chain(chain)
    view._ipython_display_()
    return view


def chain_html(state: State) -> str:
    """A chain at one moment as a plain table: no script, no widget."""
    chain = state["chain"]
    facts = [
        "" if chain["atm"] is None else f"at the money {number(chain['atm'], 0, 2)}",
        "" if chain["straddle"] is None else f"straddle {money(chain['straddle'], chain['option_decimals'])}",
        "" if chain["iv"] is None else f"IV {number(chain['iv'], 2)} %",
        "" if chain["max_pain"] is None else f"max pain {number(chain['max_pain'], 0, 2)}",
        ""
        if chain["put_call_ratio"] is None
        else f"put-call ratio {number(chain['put_call_ratio'], 2)} by open interest, of the strikes shown",
        _age_words(state),
    ]
    mode = state["mode"]
    title = (
        f'<b class="mode{" live" if mode == "LIVE" else ""}">{escape(mode)}</b> '
        f"<b>{escape(chain['underlying'])} {escape(chain['expiry_words'] or chain['expiry'] or '')}</b> · "
        f"{_spot(chain)} · "
        f'<span class="quiet">{escape(" · ".join(fact for fact in facts if fact))}</span>'
    )
    notes = [*no_source_words(chain["no_source"]), *filter(None, [chain["note"]])]
    note = "".join(map(problem, notes))
    as_of = f'<span class="quiet">As of {escape(state["time"] or UNKNOWN)} · {escape(mode)}</span>'
    return f"{STYLE}{block(title + note + _table(chain) + as_of)}"


def _age_words(state: State) -> str:
    newest, now = state["chain"]["newest"], state["time"]
    seconds = seconds_between(newest, now)
    return "" if seconds is None or seconds < AGE_SHOWN_S else f"last quote {age(newest, now)} ago"


def _spot(chain: State) -> str:
    if chain["ltp"] is None and chain["implied_forward"] is not None:
        return (
            f"{money(chain['implied_forward'], chain['decimals'], chain['sign'])} implied by calls and puts"
        )
    return f"{money(chain['ltp'], chain['decimals'], chain['sign'])} {signed(chain['change_percent'])} %"


def _table(chain: State) -> str:
    heads = _STILL_HEADS
    width = [head.key for head in heads].index("strike")
    rest = len(heads) - 1 - 2 * width
    sides = f'<th colspan="{width}" style="text-align:center">calls</th><th></th>'
    sides += f'<th colspan="{width}" style="text-align:center">puts</th><th colspan="{rest}"></th>'
    names = "".join(f'<th class="number">{head.title}</th>' for head in heads)
    body = "".join(_row(dict(zip(chain["columns"], row, strict=True)), chain) for row in chain["rows"])
    table = (
        f'<table class="rows"><thead><tr>{sides}</tr><tr>{names}</tr></thead><tbody>{body}</tbody></table>'
    )
    # A page may be narrower than the table, and cuts off what it can't show.
    return f'<div class="wide">{table}</div>'


def _row(row: dict[str, Any], chain: State) -> str:
    cells = [_cell(head, row[head.key], chain["option_decimals"]) for head in _STILL_HEADS]
    at_the_money = ' style="background:#8883;font-weight:600"' if row["strike"] == chain["atm"] else ""
    return f"<tr{at_the_money}>{''.join(cells)}</tr>"


def _cell(head: Head, value: float | None, decimals: int) -> str:
    shown = written(head.writing, value, decimals)
    if head.key == "strike":
        return f'<td class="number"><b>{shown}</b></td>'
    signs = head.writing in ("change", "difference") and value
    return f'<td class="number{(" up" if signs > 0 else " down") if signs else ""}">{shown}</td>'
