"""A client's side of a simulated broker for tests: logs in, asks, reads frames."""

from __future__ import annotations

import json
from typing import Any

import pyotp

from dualbroker.noren import frames
from dualbroker.noren.requests import encode_body, quick_auth
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.wire.framing import payload_of
from dualbroker.simulator.wire.stream import StreamSession

WALL_NS = 1_700_000_000_000_000_000


def login_fields(broker: SimulatedBroker, number: int = 0) -> dict[str, str]:
    account = broker.accounts[number]
    return quick_auth(
        user_id=account.uid,
        password=account.password,
        second_factor=pyotp.TOTP(account.totp_secret).at(WALL_NS // 1_000_000_000),
        vendor_code=account.vendor_code,
        api_key=account.api_key,
    )


def log_in(broker: SimulatedBroker, number: int = 0) -> str:
    return str(ask(broker, "QuickAuth", token=None, **login_fields(broker, number))["susertoken"])


def ask(broker: SimulatedBroker, name: str, token: str | None, **fields: Any) -> Any:
    """The decoded answer to a request authorised by jKey."""
    fields.setdefault("uid", broker.accounts[0].uid)
    answer = broker.handle_request(f"/NorenWClientTP//{name}", encode_body(fields, jkey=token), {}, WALL_NS)
    return json.loads(answer.body)


def order_fields(**changes: str) -> dict[str, str]:
    fields = {
        "exch": "NSE",
        "tsym": "M&M-EQ",
        "qty": "10",
        "prc": "90.00",
        "prd": "I",
        "trantype": "B",
        "prctyp": "LMT",
        "ret": "DAY",
    }
    return fields | changes


def connect(broker: SimulatedBroker, token: str, *, orders: bool = False) -> StreamSession:
    session = broker.open_session()
    uid = broker.accounts[0].uid
    session.receive(frames.hello("c", user_id=uid, account_id=uid, token=token))
    if orders:
        session.receive(frames.subscribe_orders(uid))
    session.take()
    return session


def read(session: StreamSession) -> list[dict[str, str]]:
    """What the broker has for a connection, decoded."""
    return [json.loads(payload_of(frame)) for frame in session.take()]
