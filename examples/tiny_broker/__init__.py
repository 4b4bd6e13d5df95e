"""A made-up broker to start from: binary ticks, orders as JSON text, a login by password.

Copy it, then replace the wire, the calls and the reads. See docs/brokers-from-outside.md.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, SecretStr

from dualbroker import model
from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.session import (
    FullQuote,
    LoginCalls,
    QuoteDelta,
    Received,
    Session,
    SessionBroker,
    Wire,
    WireRules,
    check_status,
)
from dualbroker.clock import ist
from dualbroker.config import BrokerConfig
from dualbroker.errors import WireError
from dualbroker.transport.base import BinaryMessage, Transport

TICK = struct.Struct(">cIII")
"""F (full) or D (delta), instrument, last price in paise, volume of the day."""


class TinySection(BrokerConfig):
    """Of a broker of type ``tiny``."""

    password: SecretStr = Field(min_length=1)
    """Of its login."""
    host: str = Field(default="tiny.example", min_length=1)
    """Where it is."""


class TinyWire(Wire):
    rules = WireRules(chunk=50, heartbeat_s=10.0, evicted_codes=frozenset({4001}))

    def __init__(self, host: str) -> None:
        self._host = host

    def url(self, session: Session) -> str:
        return f"wss://{self._host}/stream"

    def hello(self, session: Session) -> Sequence[str]:
        return (json.dumps({"hello": session.token}),)

    def subscribe(self, keys: Sequence[model.InstrumentKey], feed_type: model.FeedType) -> Sequence[bytes]:
        return (b"S" + b"".join(int(token).to_bytes(4, "big") for _, token in keys),)

    def unsubscribe(self, keys: Sequence[model.InstrumentKey], feed_type: model.FeedType) -> Sequence[bytes]:
        return (b"U" + b"".join(int(token).to_bytes(4, "big") for _, token in keys),)

    def heartbeat(self) -> bytes:
        return b"H"

    def decode(self, messages: Sequence[bytes]) -> Received:
        received = Received()
        for raw in messages:
            try:
                if isinstance(raw, BinaryMessage):
                    received.add_quotes(raw, *(read_quote(*tick) for tick in TICK.iter_unpack(raw)))
                elif "order" in (message := json.loads(raw)):
                    received.add_order(raw, message["order"])
                elif "hello" in message:
                    received.hellos.append(message["hello"] == "ok")
                else:
                    received.heartbeats += 1
            except (ValueError, TypeError, struct.error) as error:
                received.unreadable.append(WireError(f"expected ticks or a message, found neither: {error}"))
        return received

    def order_update(self, order: Any, *, broker_name: str, receive_time_ns: int) -> model.OrderUpdate:
        return read_order(order, receive_time_ns, broker_name=broker_name, source=model.UpdateSource.STREAM)


def read_quote(kind: bytes, token: int, paise: int, volume: int) -> model.QuoteUpdate:
    make = FullQuote if kind == b"F" else QuoteDelta
    return make(exchange="NSE", token=str(token), ltp=paise / 100, volume=float(volume))


def read_order(row: Mapping[str, Any], now_ns: int, **more: Any) -> model.OrderUpdate:
    return model.OrderUpdate(
        receive_time_ns=now_ns,
        order_id=row["id"],
        trading_day=ist(now_ns).date(),
        exchange="NSE",
        token=row["token"],
        status=model.OrderStatus(row["status"]),
        quantity=row["quantity"],
        **more,
    )


class TinyCalls(LoginCalls):
    def __init__(self, config: TinySection, transport: Transport) -> None:
        self.config, self._transport, self._token = config, transport, ""

    async def call(self, path: str, **values: Any) -> Any:
        url, body = f"https://{self.config.host}/{path}", json.dumps(values).encode()
        response = await self._transport.request("POST", url, body=body, headers={"Token": self._token})
        check_status(self.config.name, response)
        return json.loads(response.body)

    def use(self, token: str | None, *, fresh: bool) -> None:
        self._token = token or ""

    async def check(self, user_id: str) -> None:
        await self.call("profile")

    async def log_in(self, now_ns: int) -> Session:
        user_id = self.config.user_id or ""
        answer = await self.call("login", user=user_id, password=self.config.password.get_secret_value())
        return Session(user_id, user_id, answer["token"])

    async def log_out(self, user_id: str) -> None:
        await self.call("logout")


class TinyBroker(SessionBroker):
    section = TinySection
    master_source = "tiny"

    def __init__(self, config: TinySection, context: BrokerContext) -> None:
        self._calls = TinyCalls(config, context.transport)
        super().__init__(config, context, TinyWire(config.host), self._calls)

    async def order_book(self) -> list[model.OrderUpdate]:
        now_ns = self.context.clock.now_ns()
        about = {"broker_name": self.name, "source": model.UpdateSource.RECONCILE, "as_of_ns": now_ns}
        rows = await self._calls.call("orders")
        return self.readable(rows, lambda row: read_order(row, now_ns, **about))

    async def trade_book(self) -> list[model.FillReport]:
        return [model.FillReport(**row) for row in await self._calls.call("trades")]

    async def quote(self, key: model.InstrumentKey) -> model.QuoteUpdate:
        return read_quote(b"F", *await self._calls.call("quote", token=key[1]))

    def master_urls(self, exchange: str) -> list[str]:
        return [f"https://{self._calls.config.host}/{exchange}_symbols.txt"]
