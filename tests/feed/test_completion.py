"""Names of instruments complete inside ``feed.ticks('``, in a real shell of IPython."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import dualbroker
from dualbroker import Feed
from dualbroker.feed.completion import COMPLETED, complete_in_ipython, symbols_for, typed_name
from dualbroker.model import Instrument, InstrumentKind
from tests.ipython_shell import ipython_shell


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    with ipython_shell(tmp_path_factory.mktemp("ipython")) as made:
        yield made


@pytest.fixture(scope="module")
def feed(shell: InteractiveShell) -> Iterator[Feed]:
    with dualbroker.demo(ticks_per_second=20, seed=41) as opened:
        opened.subscribe(["NIFTY", "BANKNIFTY", "NSE:RELIANCE-EQ", "NSE:M&M-EQ"])
        shell.user_ns["feed"] = opened
        yield opened


def completed(shell: InteractiveShell, text: str) -> list[str]:
    """The text with each of its completions in place."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return [text[: each.start] + each.text + text[each.end :] for each in found]


@pytest.mark.parametrize("method", COMPLETED)
def test_a_symbol_completes_inside_the_call(shell: InteractiveShell, feed: Feed, method: str) -> None:
    assert completed(shell, f"feed.{method}('rel") == [f"feed.{method}('RELIANCE-EQ"]
    assert completed(shell, f'one = feed.{method}("NIFTY B') == [f'one = feed.{method}("NIFTY BANK']
    names = [instrument.symbol for instrument in feed.manager.quotes.instruments]
    assert completed(shell, f"feed.{method}('") == [f"feed.{method}('{name}" for name in sorted(names)]


def test_names_with_signs_and_exchanges_complete_and_lists_do(shell: InteractiveShell, feed: Feed) -> None:
    assert completed(shell, "feed.ticks('m&") == ["feed.ticks('M&M-EQ"]
    assert completed(shell, "feed.ticks('nse:m") == ["feed.ticks('NSE:M&M-EQ"]
    text = "x = 1\nfeed.unsubscribe(['NIFTY',\n  'RE"
    assert completed(shell, text) == [text[:-2] + "RELIANCE-EQ"]


def test_elsewhere_ipython_completes_as_ever(shell: InteractiveShell, feed: Feed) -> None:
    shell.user_ns["other"] = {"reliable": 1}
    for text in ("other.ticks('REL", "feed.search('REL", "nothing.ticks('REL", "feed.ticks('none such"):
        assert not any("RELIANCE" in found for found in completed(shell, text))
    assert "other['reliable" in completed(shell, "other['rel")


def test_it_is_registered_once_and_never_raises(
    shell: InteractiveShell, feed: Feed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(shell.Completer.custom_matchers)
    complete_in_ipython()
    assert len(shell.Completer.custom_matchers) == before

    def fails(*_: Any) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as broken:
        broken.setattr("dualbroker.feed.completion.symbols_for", fails)
        assert completed(shell, "feed.ticks('zzz") == []
        broken.setattr(shell, "Completer", None)
        complete_in_ipython()
    assert capsys.readouterr().err == ""


def test_a_closed_feed_completes_nothing(shell: InteractiveShell, feed: Feed) -> None:
    with dualbroker.demo(ticks_per_second=20, seed=42) as over:
        over.subscribe("NIFTY")
        shell.user_ns["over"] = over
        assert "over.ticks('NIFTY INDEX" in completed(shell, "over.ticks('NIF")
    assert completed(shell, "over.ticks('NIF") == []


def test_a_name_at_two_exchanges_comes_with_its_exchange() -> None:
    def share(exchange: str) -> Instrument:
        return Instrument(
            exchange=exchange, token="1", symbol="SBIN", name="SBIN", kind=InstrumentKind.EQUITY
        )

    assert symbols_for("sb", [share("NSE")]) == ["SBIN"]
    assert symbols_for("sb", [share("NSE"), share("BSE")]) == ["BSE:SBIN", "NSE:SBIN"]
    assert symbols_for("bse:", [share("NSE"), share("BSE")]) == ["BSE:SBIN"]


@pytest.mark.parametrize(
    "text", ["feed.ticks(", "feed.ticks('A'", "feed.ticks('A', 'B", "a.feed.ticks('A", "feed.quotes['A"]
)
def test_no_name_is_typed_there(text: str) -> None:
    assert typed_name(text) is None


def test_outside_of_ipython_it_is_not_imported() -> None:
    program = (
        "import sys; from dualbroker.feed.completion import complete_in_ipython; complete_in_ipython();"
        "sys.exit('IPython' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 0
