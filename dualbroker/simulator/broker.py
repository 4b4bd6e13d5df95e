"""One simulated broker: its accounts, their orders, its open connections. No I/O; drivers carry it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.model import InstrumentKey
from dualbroker.noren import frames
from dualbroker.simulator.answers import Answer
from dualbroker.simulator.faults.faults import Faults, Strike
from dualbroker.simulator.faults.order_faults import OrderFaults
from dualbroker.simulator.faults.rest_faults import RestFaults
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.trading.accounts import Account, Logins
from dualbroker.simulator.trading.orders import Order, OrderEvent, OrderNumbers
from dualbroker.simulator.trading.trading import TradingAccount
from dualbroker.simulator.wire import rest
from dualbroker.simulator.wire.catalogue import Catalogue
from dualbroker.simulator.wire.fan_out import QuoteFanOut
from dualbroker.simulator.wire.framing import text_frame
from dualbroker.simulator.wire.order_wire import order_update
from dualbroker.simulator.wire.skew import skewed_row
from dualbroker.simulator.wire.stream import CloseCommand, StreamSession

__all__ = ["RULES", "BrokerRules", "SimulatedBroker", "TokensDie"]

TokensDie = Literal["close", "mute", "never"]
"""What becomes of connections whose session token dies: closed with 1008, or mute for good. ``never``: no
token dies by itself."""

_SESSION_OVER = CloseCommand(1008, "Session Expired")


class BrokerRules(msgspec.Struct, frozen=True, kw_only=True):
    """In what brokers differ."""

    market_orders_allowed: bool = True
    """False: MKT and SL-MKT are rejected, the rule for API users since April 2026."""
    one_socket_per_token: bool = True
    """A second first frame with a token closes the first connection (1000, ``goodbye``)."""
    eviction_delay_ns: int = 150_000_000
    """After which the first connection is closed; 100 to 190 ms were measured at a real broker."""


RULES: Mapping[str, BrokerRules] = {
    "simulated": BrokerRules(),
    "flattrade": BrokerRules(market_orders_allowed=False),
    "shoonya": BrokerRules(market_orders_allowed=False, one_socket_per_token=False),
}
"""By broker type. Flattrade lets a second connection evict the first; of Shoonya it is not reported, and
clients run several (protocol: section 9)."""


class SimulatedBroker:
    """A broker of the Noren family over a shared market.

    Parameters
    ----------
    name
        What it is called here; decides, with the seed, its order numbers and tokens.
    accounts
        Its clients, at least one.
    fan_out
        The market's quotes, shared by all brokers.
    """

    def __init__(
        self,
        name: str,
        accounts: Sequence[Account],
        market: Market,
        fan_out: QuoteFanOut,
        catalogue: Catalogue,
        *,
        rules: BrokerRules,
        seed: int,
        tokens_die: TokensDie = "close",
    ) -> None:
        self.name = name
        self.accounts = tuple(accounts)
        self.market = market
        self.fan_out = fan_out
        self.catalogue = catalogue
        self.logins = Logins(accounts, f"token/{seed}/{name}")
        self.sessions: list[StreamSession] = []
        self._dice_name = f"{seed}/{name}"
        self._sessions_opened = 0
        self.order_frames_produced = 0
        """Order events so far; each is one ``om`` frame for every connection that takes its account's."""
        self.running_ns = 0
        """The simulation's running time, kept up by it."""
        self.faults = Faults()
        self.rest_faults = RestFaults(random.Random(f"rest/{seed}/{name}"))
        self._faults_followed = Faults()
        self._order_faults = OrderFaults(random.Random(f"orders/{seed}/{name}"))
        self._tokens_die = tokens_die
        self._rules = rules
        numbers = OrderNumbers(first=(10 + zlib.crc32(name.encode("utf-8")) % 90) * 100_000)
        self.trading = {
            account.uid: TradingAccount(
                account,
                market,
                numbers,
                market_orders_allowed=rules.market_orders_allowed,
                dice=random.Random(f"fills/{seed}/{name}/{account.uid}"),
                on_event=self._on_order_event,
            )
            for account in accounts
        }

    def handle_request(self, path: str, body: bytes, headers: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a POST; see `dualbroker.simulator.wire.rest.answer`."""
        return rest.answer(self, path, body, headers, now_ns)

    def open_session(self) -> StreamSession:
        """A client has opened a WebSocket."""
        self._sessions_opened += 1
        dice = random.Random(f"quotes/{self._dice_name}/{self._sessions_opened}")
        session = StreamSession(self, dice)
        self.sessions.append(session)
        return session

    def close_session(self, session: StreamSession) -> None:
        """A WebSocket has ended, no matter which side ended it."""
        session.end()
        if session in self.sessions:
            self.sessions.remove(session)

    def log_out(self, token: str) -> None:
        """End a login; connections opened with it are closed as evicted ones are."""
        self.logins.end(token)
        for session in self.sessions:
            if session.token == token:
                self._say_goodbye(session)

    def strike(self, strike: Strike) -> None:
        """Strike every open connection."""
        if strike.action == "expire_tokens":
            self.expire_tokens()
            return
        for session in self.sessions:
            if strike.action == "close":
                session.close_command = CloseCommand(strike.code, strike.words)
            elif strike.action == "evict":
                self._say_goodbye(session)
            else:
                session.strikes.append(strike)

    def expire_tokens(self) -> None:
        """All session tokens die, as they do at night; their connections as ``tokens_die`` says."""
        self.logins.end_all()
        for session in self.sessions:
            if session.account is None:
                continue
            if self._tokens_die == "mute":
                session.fall_mute()
            else:
                session.close_command = _SESSION_OVER

    def end_orders(self) -> None:
        """The market closes: no order outlives the day."""
        for trading in self.trading.values():
            trading.end_orders()

    def begin_day(self) -> None:
        """The books of the day before are gone."""
        for trading in self.trading.values():
            trading.begin_day()

    def follow_faults(self) -> None:
        """Let open connections feel a change of ``faults``; no-op when there is none."""
        if self.faults != self._faults_followed:
            self._faults_followed = msgspec.structs.replace(self.faults)
            for session in self.sessions:
                session.follow_faults()

    def carry_on(self, running_ns: int) -> None:
        """Do what is due by now: follow the faults, close evicted connections, send what was held back."""
        self.running_ns = running_ns
        self.follow_faults()
        for session in self.sessions:
            if session.late_orders:
                self._order_faults.release_due(session, running_ns)
            if session.close_at_ns is not None and session.close_at_ns <= running_ns:
                session.close_at_ns = None
                session.close_command = CloseCommand(1000, "goodbye")

    def match_orders(self) -> None:
        """Trigger and fill what the market allows."""
        for trading in self.trading.values():
            trading.match(self.running_ns)

    # What a connection asks (stream.StreamHost).

    def account_of(self, token: str | None) -> Account | None:
        """Whose live session token that is."""
        return self.logins.account_of(token)

    def account_of_dead(self, token: str | None) -> Account | None:
        """Whose session token that was, before it died."""
        return self.logins.account_of_dead(token)

    def welcome(self, session: StreamSession) -> None:
        """A connection has shown a valid token: an earlier one with the same token has to go."""
        if not self._rules.one_socket_per_token:
            return
        for other in self.sessions:
            if other is not session and other.token == session.token:
                self._say_goodbye(other)

    def index_of(self, key: InstrumentKey) -> int | None:
        """The instrument's position in the market, None when this broker lacks it."""
        index = self.market.index_of(key)
        if index is not None and self.faults.lacks:
            return None if self.market.instruments[index].symbol in self.faults.lacks else index
        return index

    def time_s(self) -> int:
        """Epoch seconds of the broker's clock, which is the market's unless it is skewed."""
        return self.market.now_ns() // NS_PER_S + round(self.faults.clock_skew_s)

    def _say_goodbye(self, session: StreamSession) -> None:
        if session.close_at_ns is None:
            session.close_at_ns = self.running_ns + self._rules.eviction_delay_ns

    def _on_order_event(self, order: Order, event: OrderEvent) -> None:
        self.order_frames_produced += 1
        takers = [
            session
            for session in self.sessions
            if session.hears_orders and session.account is not None and session.account.uid == order.uid
        ]
        if not takers:
            return
        update = order_update(order, event)
        if self.faults.clock_skew_s:
            update = skewed_row(update, self.faults.clock_skew_s)
        frame = text_frame(frames.order_frame(update))
        for session in takers:
            self._order_faults.send(session, frame, self.faults, self.running_ns)
