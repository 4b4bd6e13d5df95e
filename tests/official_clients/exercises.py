"""What both official clients must be able to do with a simulated broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

TIMEOUT_S = 15.0

Message = dict[str, Any]


class Conversation:
    """An official client that is logged in, and everything its callbacks were told."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.quotes: list[Message] = []
        self.orders: list[Message] = []
        self.errors: list[object] = []
        self.opened = threading.Event()

    def start(self) -> None:
        self.api.start_websocket(
            subscribe_callback=self.quotes.append,
            order_update_callback=self.orders.append,
            socket_open_callback=self.opened.set,
            socket_error_callback=self.errors.append,
        )
        assert self.opened.wait(TIMEOUT_S), f"no connection; errors: {self.errors}"

    def quote(self, kind: str, token: str) -> Message:
        """The first quote message of that type and instrument, waited for."""
        return wait_for(lambda: first(self.quotes, t=kind, tk=token), f"a {kind} of {token}")

    def order(self, number: str, report_type: str, **fields: str) -> Message:
        """The first update of that order and report type, waited for."""
        wanted = {"norenordno": number, "reporttype": report_type, **fields}
        return wait_for(lambda: first(self.orders, **wanted), f"{report_type} of {number}")

    def find(self, exchange: str, words: str, symbol: str | None = None) -> Message:
        """An instrument by words, through the broker's search."""
        values = self.api.searchscrip(exchange, words)["values"]
        found: Message = next(each for each in values if symbol in (None, each["tsym"]))
        return found


def first(messages: list[Message], **fields: str) -> Message | None:
    return next((m for m in list(messages) if all(m.get(k) == v for k, v in fields.items())), None)


def wait_for(look: Callable[[], Message | None], what: str) -> Message:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.02)
    pytest.fail(f"expected {what}, found none within {TIMEOUT_S:g} s")


def conversation_with(api: Any) -> Iterator[Conversation]:
    """A started conversation, ended properly."""
    conversation = Conversation(api)
    conversation.start()
    yield conversation
    assert conversation.errors == []
    api.close_websocket()
    assert api.logout()["stat"] == "Ok"


class Exercises:
    """Tests for the fixture ``client``, a `Conversation`; each official client's module inherits them."""

    def test_touchline(self, client: Conversation) -> None:
        share = client.find("NSE", "RELIANCE", "RELIANCE-EQ")
        index = client.find("NSE", "NIFTY INDEX", "Nifty 50")
        client.api.subscribe([f"NSE|{share['token']}", f"NSE|{index['token']}"])
        snapshot = client.quote("tk", share["token"])
        assert snapshot["ts"] == "RELIANCE-EQ"
        assert float(snapshot["bp1"]) < float(snapshot["sp1"])
        assert "bp1" not in client.quote("tk", index["token"])
        assert client.quote("tf", index["token"])["e"] == "NSE"

    def test_depth(self, client: Conversation) -> None:
        token = client.find("NSE", "TCS", "TCS-EQ")["token"]
        client.api.subscribe(f"NSE|{token}", feed_type=2)
        snapshot = client.quote("dk", token)
        bids = [float(snapshot[f"bp{level}"]) for level in range(1, 6)]
        assert bids == sorted(bids, reverse=True)
        assert client.quote("df", token)["e"] == "NSE"
        client.api.unsubscribe(f"NSE|{token}", feed_type=2)

    def test_order_from_placing_to_cancel(self, client: Conversation) -> None:
        client.api.subscribe_orders()
        quote = client.api.get_quotes("NSE", client.find("NSE", "INFY", "INFY-EQ")["token"])
        below = round(float(quote["lp"]) * 0.95)
        number = self._place(client, "INFY-EQ", quantity=10, price=below)
        for report_type in ("NewAck", "PendingNew", "New"):
            assert client.order(number, report_type)["tsym"] == "INFY-EQ"
        modified = client.api.modify_order(
            orderno=number,
            exchange="NSE",
            tradingsymbol="INFY-EQ",
            newquantity=20,
            newprice_type="LMT",
            newprice=below + 1,
        )
        assert modified["result"] == number
        assert client.order(number, "Replaced")["qty"] == "20"
        assert client.api.cancel_order(number)["result"] == number
        assert client.order(number, "Canceled")["status"] == "CANCELED"
        row = first(client.api.get_order_book(), norenordno=number)
        assert row is not None
        assert (row["status"], row["qty"], row["prd"]) == ("CANCELED", "20", "I")
        history = client.api.single_order_history(number)
        assert [step["rpt"] for step in history][::-1][:3] == ["NewAck", "PendingNew", "New"]
        assert history[0]["rpt"] == "Canceled"

    def test_order_that_fills(self, client: Conversation) -> None:
        client.api.subscribe_orders()
        symbol = "HDFCBANK-EQ"
        quote = client.api.get_quotes("NSE", client.find("NSE", "HDFCBANK", symbol)["token"])
        number = self._place(client, symbol, quantity=3, price=round(float(quote["sp1"]) * 1.01))
        done = client.order(number, "Fill", status="COMPLETE")
        assert done["fillshares"] == "3"
        assert done["pcode"] == "I"
        trades = [row for row in client.api.get_trade_book() if row["norenordno"] == number]
        assert sum(int(row["flqty"]) for row in trades) == 3
        position = first(client.api.get_positions(), tsym=symbol)
        assert position is not None
        assert int(position["netqty"]) >= 3
        assert float(client.api.get_limits()["marginused"]) > 0

    def test_symbol_with_an_ampersand(self, client: Conversation) -> None:
        client.api.subscribe_orders()
        number = self._place(client, "M&M-EQ", quantity=1, price=0, price_type="MKT")
        assert client.order(number, "New")["tsym"] == "M&M-EQ"

    def test_market_order_of_the_samples(self, client: Conversation) -> None:
        client.api.subscribe_orders()
        number = self._place(client, "ICICIBANK-EQ", quantity=1, price=0, price_type="MKT")
        assert client.order(number, "Fill", status="COMPLETE")["prctyp"] == "MKT"

    def test_order_without_money_is_rejected(self, client: Conversation) -> None:
        client.api.subscribe_orders()
        quote = client.api.get_quotes("NSE", client.find("NSE", "INFY", "INFY-EQ")["token"])
        number = self._place(client, "INFY-EQ", quantity=10_000_000, price=float(quote["lp"]))
        assert client.order(number, "Rejected")["rejreason"].startswith("RED:Margin Shortfall")

    def test_prices_of_the_past(self, client: Conversation) -> None:
        token = client.find("NSE", "RELIANCE", "RELIANCE-EQ")["token"]
        bars = client.api.get_time_price_series("NSE", token, starttime=time.time() - 1800, interval=5)
        assert len(bars) >= 3
        starts = [int(bar["ssboe"]) for bar in bars]
        assert starts == sorted(starts, reverse=True)
        assert all(float(bar["intl"]) <= float(bar["intc"]) <= float(bar["inth"]) for bar in bars)

    def test_option_chain(self, client: Conversation) -> None:
        found = client.api.searchscrip("NFO", "NIFTY")["values"]
        option = next(each for each in found if each["symname"] == "NIFTY" and "strprc" in each)
        quote = client.api.get_quotes("NFO", option["token"])
        assert quote["tsym"] == option["tsym"]
        chain = client.api.get_option_chain("NFO", option["tsym"], option["strprc"], 2)["values"]
        assert {each["optt"] for each in chain} == {"CE", "PE"}

    def test_holdings(self, client: Conversation) -> None:
        rows = client.api.get_holdings()
        assert rows
        for row in rows:
            assert row["exch_tsym"][0]["exch"] == "NSE"
            assert int(row["holdqty"]) + int(row["btstqty"]) + int(row["brkcolqty"]) > 0
            assert float(row["upldprc"]) > 0

    def test_nothing_found_is_none(self, client: Conversation) -> None:
        assert client.api.searchscrip("NSE", "NOSUCHTHING") is None
        assert client.api.get_quotes("NSE", "999999999") is None

    def _place(
        self, client: Conversation, symbol: str, *, quantity: int, price: float, price_type: str = "LMT"
    ) -> str:
        answer = client.api.place_order(
            buy_or_sell="B",
            product_type="I",
            exchange="NSE",
            tradingsymbol=symbol,
            quantity=quantity,
            discloseqty=0,
            price_type=price_type,
            price=price,
        )
        number: str = answer["norenordno"]
        return number
