"""What the simulator serves beside its brokers: symbol masters, and a surface to watch and steer it.

======  =================================  ==========================================================
GET     ``/NFO_symbols.txt.zip``           the exchange's symbol master, in the broker's own layout;
                                           204 where the market has nothing on that exchange
GET     ``/broker2/NFO_symbols.txt.zip``   the same as that broker has it
GET     ``/NSE_Equity.csv``                Flattrade's files of the same, of a broker too
GET     ``/simulator/state``               how far the market is, and whether it is held or stopped
GET     ``/simulator/truth``               last prices, final orders, number of order updates
POST    ``/simulator/release``             start a held market
POST    ``/simulator/stop``                no more ticks, fills or orders of the actors
GET     ``/simulator/faults``              every broker's faults
POST    ``/simulator/faults/<broker>``     turn on or off what the JSON body names, at ``all`` too
DELETE  ``/simulator/faults/<broker>``     turn all of them off
POST    ``/simulator/strike/<broker>``     make the strike that the JSON body describes
======  =================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dualbroker.errors import DualBrokerError
from dualbroker.instruments.names import EXCHANGES
from dualbroker.simulator.answers import Answer, json_answer
from dualbroker.simulator.faults.faults import as_strike
from dualbroker.simulator.simulation import Simulation
from dualbroker.simulator.wire.masters import FLATTRADE_FILES, flattrade_csv, master_zip

__all__ = ["SimulatorSite"]

_CSV_SUFFIX = ".csv"
_MASTER_SUFFIX = "_symbols.txt.zip"
_MOST_MASTERS = 64
"""Kept in memory; each day and each broker that lacks something has its own."""


class SimulatorSite:
    """Answers for one simulation; no I/O."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._masters: dict[tuple[object, ...], bytes] = {}

    def handle_request(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Answer one request; what is not listed above is 404, a wrong method 405, nonsense 400."""
        name = path.partition("?")[0].strip("/")
        if name.endswith(_MASTER_SUFFIX):
            folder, _, file = name.rpartition("/")
            return self._master(folder.rpartition("/")[2], file.removesuffix(_MASTER_SUFFIX))
        folder, _, file = name.removesuffix(_CSV_SUFFIX).rpartition("/")
        if name.endswith(_CSV_SUFFIX) and file in FLATTRADE_FILES:
            text = flattrade_csv(file, self._simulation.listed(folder.rpartition("/")[2]))
            return Answer(200, "text/csv; charset=utf-8", text)
        simulation = self._simulation
        reads = {
            "simulator/state": simulation.state,
            "simulator/truth": simulation.truth,
            "simulator/faults": simulation.faults,
        }
        commands = {"simulator/release": simulation.release, "simulator/stop": simulation.stop}
        if name in reads:
            return json_answer(reads[name]()) if method == "GET" else _plain(405, "expected GET")
        if name in commands:
            if method != "POST":
                return _plain(405, "expected POST")
            commands[name]()
            return json_answer(simulation.state())
        subject, _, broker = name.removeprefix("simulator/").partition("/")
        if name.startswith("simulator/") and subject in ("faults", "strike") and broker:
            try:
                return self._trouble(method, subject, broker, body)
            except DualBrokerError as error:
                return _plain(400, str(error))
        return _plain(404, "not found")

    def _trouble(self, method: str, subject: str, broker: str, body: bytes) -> Answer:
        if subject == "faults" and method == "DELETE":
            self._simulation.clear_faults(broker)
        elif method != "POST":
            return _plain(405, "expected POST or DELETE" if subject == "faults" else "expected POST")
        elif subject == "faults":
            self._simulation.set_faults(broker, **_object(body))
        else:
            self._simulation.strike(broker, as_strike(_object(body)))
        return json_answer(self._simulation.faults())

    def _master(self, broker: str, exchange: str) -> Answer:
        instruments = self._simulation.listed(broker)
        if not any(item.exchange == exchange for item in instruments):
            if exchange in EXCHANGES and all(
                item.exchange != exchange for item in self._simulation.market.instruments
            ):
                return _plain(204, "")
            listed = dict.fromkeys(item.exchange for item in instruments)
            return _plain(404, f"the simulated market has {', '.join(listed)}; no instruments on {exchange}")
        key = (exchange, *self._simulation.listing(broker))
        if key not in self._masters:
            if len(self._masters) >= _MOST_MASTERS:
                self._masters.clear()
            self._masters[key] = master_zip(exchange, instruments)
        return Answer(200, "application/zip", self._masters[key])


def _object(body: bytes) -> Mapping[str, Any]:
    """The body's JSON object; nothing is as good as an empty one."""
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise DualBrokerError(f"expected a JSON object, found something else: {error}") from None


def _plain(status: int, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode("utf-8"))
