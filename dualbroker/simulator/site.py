"""What the simulator serves beside its brokers: symbol masters, and a surface to watch and steer it.

==============================  ==========================================================
``GET  /NFO_symbols.txt.zip``   the exchange's symbol master, in the broker's own layout
``GET  /simulator/state``       how far the market is, and whether it is held or stopped
``GET  /simulator/truth``       last prices, final orders, number of order updates
``POST /simulator/release``     start a held market
``POST /simulator/stop``        no more ticks, fills or orders of the actors
==============================  ==========================================================
"""

from __future__ import annotations

from dualbroker.simulator.answers import Answer, json_answer
from dualbroker.simulator.masters import master_zip
from dualbroker.simulator.simulation import Simulation

__all__ = ["SimulatorSite"]

_MASTER_SUFFIX = "_symbols.txt.zip"


class SimulatorSite:
    """Answers for one simulation; no I/O."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._masters: dict[str, bytes] = {}

    def handle_request(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Answer one request; what is not listed above is 404, a wrong method 405."""
        name = path.partition("?")[0].strip("/")
        if name.endswith(_MASTER_SUFFIX):
            return self._master(name.rpartition("/")[2].removesuffix(_MASTER_SUFFIX))
        simulation = self._simulation
        reads = {"simulator/state": simulation.state, "simulator/truth": simulation.truth}
        commands = {"simulator/release": simulation.release, "simulator/stop": simulation.stop}
        if name in reads:
            return json_answer(reads[name]()) if method == "GET" else _plain(405, "expected GET")
        if name in commands:
            if method != "POST":
                return _plain(405, "expected POST")
            commands[name]()
            return json_answer(simulation.state())
        return _plain(404, "not found")

    def _master(self, exchange: str) -> Answer:
        instruments = [item for item in self._simulation.market.instruments if item.exchange == exchange]
        if not instruments:
            listed = dict.fromkeys(item.exchange for item in self._simulation.market.instruments)
            return _plain(404, f"the simulated market has {', '.join(listed)}; no instruments on {exchange}")
        if exchange not in self._masters:
            self._masters[exchange] = master_zip(exchange, instruments)
        return Answer(200, "application/zip", self._masters[exchange])


def _plain(status: int, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode("utf-8"))
