"""What is said over the stream endpoint ``/ws``, in both directions. Pure.

The first message of a client chooses streams; its frame type chooses the form of all answers: text is
JSON, binary is MessagePack. What follows from the client are calls. Fields that a reader does not know
are passed over in what a service says, and refused in what a client says.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from dualbroker.desk.books import AccountBooks, CurvePoint
from dualbroker.model import DepthLevel, FeedType, Instrument, MessageKind
from dualbroker.routing.driver import Subscribed
from dualbroker.stores.alerts import Alert
from dualbroker.stores.bandwidth import SecondOfTraffic, Traffic
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover, Incident
from dualbroker.stores.order_records import OrderEvent
from dualbroker.stores.order_state import OrderState
from dualbroker.stores.quotes import OlderRow

__all__ = [
    "PROTOCOL",
    "Answer",
    "BandwidthWish",
    "BrokersMessage",
    "ClientMessage",
    "DepthMessage",
    "DeskMessage",
    "DeskWish",
    "ErrorRecord",
    "Hello",
    "IncidentsMessage",
    "IncidentsWish",
    "LatestWish",
    "Message",
    "OrdersMessage",
    "OrdersWish",
    "Streams",
    "Subscribed",
    "TicksMessage",
    "TicksWish",
    "TrafficMessage",
    "ViewWish",
    "WantedRow",
]

PROTOCOL = 1
"""Raised when an old reader would misunderstand; fields that are only added need no new one."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Hertz = Annotated[float, msgspec.Meta(ge=0.1, le=20)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Names = Annotated[list[Name], msgspec.Meta(max_length=5000)]


# What a client says


class LatestWish(msgspec.Struct, forbid_unknown_fields=True):
    """The newest quote of each instrument that has changed; what comes between may be passed over."""

    hz: Hertz = 4.0
    """At most so many messages a second."""
    symbols: Names | None = None
    """Trading symbols (``RELIANCE-EQ``) or qualified ones (``NSE:RELIANCE-EQ``); None is all."""


class TicksWish(msgspec.Struct, forbid_unknown_fields=True):
    """Every tick, in batches."""

    after: Count | None = None
    """The running number of the first row wanted: 0 is all that is kept, None is from now on."""
    most_behind: Annotated[int, msgspec.Meta(ge=1000, le=2**40)] | None = 200_000
    """Rows by which it may lag before rows are skipped; None skips only what the store no longer keeps."""


class OrdersWish(msgspec.Struct, forbid_unknown_fields=True):
    """Every order update, in order, each with its sequence number."""

    after: Count | None = None
    """The sequence number of the last one known: 0 is all that are kept, None is from now on."""
    identity: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    """The numbering that ``after`` belongs to, as ``hello`` gave it."""
    states: bool = False
    """The orders' states as well, for a copy of the ledger."""
    state_version: Count | None = None
    """The last version of the states that is known, of this run."""


class BrokersWish(msgspec.Struct, forbid_unknown_fields=True):
    """How each broker does, on change."""


class BandwidthWish(msgspec.Struct, forbid_unknown_fields=True):
    """Bytes and messages, each second."""

    after: Count | None = None
    """The last second known (epoch): 0 is the last hour, None is from now on."""


class IncidentsWish(msgspec.Struct, forbid_unknown_fields=True):
    """What went wrong, and each change of the quote source."""

    after: Count = 0
    """The number of the last incident known."""
    alerts_after: Count = 0
    """The number of the last alert known."""


class DeskWish(msgspec.Struct, forbid_unknown_fields=True):
    """Positions, holdings and money of every account, on change, and the curve of the day's profit."""

    after: Count | None = None
    """Points of the curve that are known: 0 is all that are kept, None is from now on."""


class SubscriptionsWish(msgspec.Struct, forbid_unknown_fields=True):
    """What is streamed, on change."""


class ViewWish(msgspec.Struct, forbid_unknown_fields=True):
    """What the page shows: first the whole state, then the keys of it that changed."""

    hz: Hertz = 4.0
    parts: Annotated[list[Name], msgspec.Meta(max_length=20)] | None = None
    symbols: Names | None = None
    broker: Name | None = None
    patches: bool = False
    """Of keys that change little, such as orders and their histories, send as ``view_patch`` what has changed
    of them (``dualbroker.view.patches``)."""


class Streams(msgspec.Struct, forbid_unknown_fields=True):
    """Which streams a client wants."""

    latest: LatestWish | None = None
    ticks: TicksWish | None = None
    orders: OrdersWish | None = None
    brokers: BrokersWish | None = None
    bandwidth: BandwidthWish | None = None
    incidents: IncidentsWish | None = None
    desk: DeskWish | None = None
    subscriptions: SubscriptionsWish | None = None
    view: ViewWish | None = None

    @property
    def names(self) -> list[str]:
        return [name for name in self.__struct_fields__ if getattr(self, name) is not None]


class ClientMessage(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Any message of a client: the first one has ``streams``, later ones are calls or a goodbye."""

    streams: Streams | None = None
    client: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")] | None = None
    """The client's own name for itself, the same after a lost link: under it its subscriptions are held."""
    run: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    """The service's run that the client knows; of another one, row numbers mean nothing."""
    id: Count | None = None
    """Of a call; its answer has it."""
    call: Name | None = None
    arguments: dict[str, Any] = {}
    goodbye: bool = False
    """The client releases all that it holds."""


# What a service says


class Hello(msgspec.Struct, kw_only=True):
    """The first answer."""

    protocol: int
    version: str
    """Of dualbroker."""
    run: str
    client: str
    simulated: bool
    replays: bool
    """Its clock is that of a recorded day."""
    streaming: list[str]
    """Brokers with a socket, in file order."""
    market_hours: dict[str, Any] | None
    """The config's section; None where the market never closes."""
    identity: str
    """Of the numbering of order events."""
    last_close: str = ""
    """Why the client's last connection was closed from here; empty if it was not."""
    max_rows: int
    max_events: int
    first_row: int
    """The first tick that will be sent."""
    tick_count: int
    """Deltas before ``first_row``."""
    snapshot_count: int
    """Full quotes before ``first_row``."""
    first_event: int
    """The first order event that will be sent."""


class WantedRow(msgspec.Struct, array_like=True):
    """One instrument that somebody holds."""

    exchange: str
    token: str
    kind: FeedType
    target: str | None
    """Who streams it, or is about to."""
    why: str = ""
    """Why it is there, in words."""


class TicksMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Neighbouring rows of the store, and before them what they need to be understood."""

    first: int = 0
    """The running number of the first row."""
    data: bytes = b""
    """As ``tick_frames.pack_ticks`` makes it."""
    brokers: list[str] = []
    """Names of brokers by number, if there are new ones: all of them."""
    instruments_from: int = 0
    instruments: list[Instrument] = []
    """New ones, by index from ``instruments_from`` on."""
    sources: dict[int, str | None] = {}
    """By instrument's index: whose messages count for it."""
    retired: list[int] = []
    """Indices of instruments that are no more."""
    day_row: int = 0
    """No row before it is anybody's latest."""
    older: list[OlderRow] = []
    """Latest rows that are older than the first one sent."""


class DepthMessage(msgspec.Struct, array_like=True):
    """The five levels of one instrument."""

    index: int
    receive_time_ns: int
    bids: list[DepthLevel]
    asks: list[DepthLevel]


class OrdersMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Order events in order, and states of orders as they are after all events sent so far."""

    events: list[OrderEvent] = []
    states: list[OrderState] = []
    state_version: int = 0
    are_all: bool = False
    """Whether ``states`` is every state that there is."""


class BrokersMessage(msgspec.Struct, kw_only=True):
    """How the brokers do, whole."""

    health: list[BrokerHealth]
    """Of each enabled broker, in file order."""
    begun: list[str]
    """Those whose sessions have been begun with."""
    primary: str | None
    preferred: str | None = None
    """To whom quotes return; None leaves it to what is measured."""
    serves: list[str]
    stale: dict[str, str]


class TrafficMessage(msgspec.Struct, kw_only=True):
    """What the sockets have carried."""

    totals: dict[str, dict[MessageKind, Traffic]]
    seconds: list[SecondOfTraffic] = []


class IncidentsMessage(msgspec.Struct, kw_only=True):
    """New incidents and alerts, and failovers that are new or have changed."""

    incidents: list[Incident]
    failovers: list[Failover]
    incident_count: int
    failover_count: int
    alerts: list[Alert] = []
    alert_count: int = 0


class DeskMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Accounts whose books have changed, whole, and new points of the curve."""

    accounts: list[AccountBooks] = []
    points: list[CurvePoint] = []
    curve_count: int = 0
    """Points since the service's start, these included."""


class ErrorRecord(msgspec.Struct):
    """An exception on its way; ``type`` is the name of its class in ``dualbroker.errors``."""

    type: str
    message: str
    matches: list[str] = []


class Answer(msgspec.Struct, omit_defaults=True):
    """What came of a call."""

    id: int
    result: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: ErrorRecord | None = None


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Any message of a service; as many fields as have something to say."""

    hello: Hello | None = None
    subscriptions: list[WantedRow] | None = None
    ticks: TicksMessage | None = None
    depth: list[DepthMessage] = []
    orders: OrdersMessage | None = None
    brokers: BrokersMessage | None = None
    bandwidth: TrafficMessage | None = None
    incidents: IncidentsMessage | None = None
    desk: DeskMessage | None = None
    skipped: tuple[int, int] | None = None
    """Rows that were skipped, for the client lagged too far behind: the first, and the first after them."""
    answer: Answer | None = None
    error: ErrorRecord | None = None
    """What was wrong with a message of the client."""
    time: int | None = None
    """UTC ns by the service's clock: everything that happened before has been sent."""
    ready: bool = False
    """All that there was at the beginning has been sent."""
    closing: str = ""
    """Why the connection is about to be closed."""
