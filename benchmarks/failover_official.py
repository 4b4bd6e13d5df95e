"""The official client on the same faults: one client process per fault, each with a broker of its own.

It knows one broker, so there is nobody to fail over to: what is measured is how long it takes, if ever,
until the same broker's quotes come again.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from failover_figures import Quantiles, histogram
from failover_run import busiest, simulator_config
from processes import child_process

from dualbroker.brokers.noren.section import SimulatedSection
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.instruments import parse_master

__all__ = ["Found", "official_client"]

SCRIPT = Path(__file__).parent / "client_official_faults.py"
BACK_WITHIN_S = 20.0
DOWN_S = 10.0
FAULTS = ("closed", "reset", "refused", "mute", "black_hole")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the official client did in one fault."""

    fault: str
    instruments: int
    websocket_client: str
    """Its version."""
    times: int
    """The fault was commanded."""
    came_back: int
    gap: Quantiles | None
    """Milliseconds, per instrument: from the last quote before it was connected again to the first after."""
    did: str
    """In words."""


class OfficialClient:
    """A running client, subscribed to all its instruments."""

    def __init__(self, process: subprocess.Popen[str], instruments: int, version: str) -> None:
        self._process = process
        self.instruments = instruments
        self.version = version

    async def ask(self, command: str) -> dict[str, Any]:
        """``mark`` or ``state``."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(command + "\n")
        stdin.flush()
        return await answer(self._process)

    async def wait_for_all_quotes(self, within_s: float) -> dict[str, Any] | None:
        """Its state once every instrument has been acknowledged on a connection opened since the mark."""
        deadline = asyncio.get_running_loop().time() + within_s
        while asyncio.get_running_loop().time() < deadline:
            state = await self.ask("state")
            if state["opened"] and state["acknowledged"] == self.instruments:
                return state
            await asyncio.sleep(0.1)
        return None


async def official_client(
    python: str, instruments: Sequence[int], times: int, silent_for_s: float, only: Sequence[str] = FAULTS
) -> list[Found]:
    """All faults, each at every number of instruments; a silent broker only at the first of them.

    Parameters
    ----------
    python
        The interpreter of an environment that has NorenRestApiPy.
    times
        How often a broken connection is tried.
    silent_for_s
        How long a silent broker is kept silent, seconds.
    """
    wanted = [
        (fault, count)
        for count in instruments
        for fault in only
        if fault in ("closed", "reset") or count == instruments[0]
    ]
    simulator = await SimulatorProcess.start(simulator_config(max(instruments)), len(wanted))
    try:
        keys = await choose_keys(simulator, max(instruments))

        async def one(number: int, fault: str, count: int) -> Found:
            async with running(python, simulator, number, keys[:count]) as client:
                name = f"broker{number + 1}"
                if fault in ("closed", "reset"):
                    return await broken(client, simulator, name, fault, times)
                if fault == "refused":
                    return await refused(client, simulator, name)
                return await silent(client, simulator, name, fault, silent_for_s)

        quick = [(n, *each) for n, each in enumerate(wanted) if each[0] not in ("mute", "black_hole")]
        slow = [(n, *each) for n, each in enumerate(wanted) if each[0] in ("mute", "black_hole")]
        # One after the other where time is measured; who waits a minute for nothing may do it in company.
        found = [await one(*each) for each in quick]
        return found + list(await asyncio.gather(*(one(*each) for each in slow)))
    finally:
        simulator.stop()


async def broken(
    client: OfficialClient, simulator: SimulatorProcess, broker: str, fault: str, times: int
) -> Found:
    """Close or reset its connection; the broker takes new ones at once."""
    gaps: list[float] = []
    came_back = 0
    for number in range(times):
        await client.ask("mark")
        await simulator.strike(broker, "close" if fault == "closed" else "reset")
        state = await client.wait_for_all_quotes(BACK_WITHIN_S)
        if state is None:
            state = await client.ask("state")
            did = (
                f"disconnect {number + 1} was its last: not back within {BACK_WITHIN_S:.0f} s, {told(state)}"
            )
            return _found(client, fault, number + 1, came_back, gaps, did)
        came_back += 1
        gaps += _gaps_s(state)
        await asyncio.sleep(0.3)
    did = "connected again by itself each time, subscribed again by its user's open callback"
    return _found(client, fault, times, came_back, gaps, did)


async def refused(client: OfficialClient, simulator: SimulatorProcess, broker: str) -> Found:
    """Reset its connection, and take no new one for a while."""
    await client.ask("mark")
    await simulator.set_faults(broker, refuse=True)
    await simulator.strike(broker, "reset")
    await asyncio.sleep(DOWN_S)
    state = await client.ask("state")
    await simulator.clear_faults(broker)
    back = await client.wait_for_all_quotes(BACK_WITHIN_S)
    did = f"no quotes for the {DOWN_S:.0f} s that the broker was down, {told(state)}"
    gaps = _gaps_s(back) if back else []
    return _found(client, "refused", 1, int(back is not None), gaps, did)


async def silent(
    client: OfficialClient, simulator: SimulatorProcess, broker: str, fault: str, silent_for_s: float
) -> Found:
    """Keep the connection open and silent; then mend it."""
    await simulator.set_faults(broker, **{fault: True})
    await asyncio.sleep(1.0)
    await client.ask("mark")
    await asyncio.sleep(silent_for_s)
    state = await client.ask("state")
    noticed = bool(state["opened"] or state["closed"] or state["errors"])
    await simulator.clear_faults(broker)
    did = f"{'noticed' if noticed else 'never noticed'} in {silent_for_s:.0f} s: {told(state)}"
    return _found(client, fault, 1, int(state["quotes"] > 0), [], did)


def told(state: dict[str, Any]) -> str:
    """What its callbacks were told, in words."""
    words = (
        f"{state['opened']} open, {state['closed']} close and {state['errors']} error callbacks, "
        f"{'says' if state['says_connected'] else 'does not say'} that it is connected"
    )
    if state["last_error"]:
        words += f"; last error {state['last_error']}"
    if state["warnings"]:
        words += f"; logged {state['warnings']} warnings, the last {state['last_warning']!r}"
    return words


async def choose_keys(simulator: SimulatorProcess, count: int) -> list[str]:
    """``NFO|40000`` and so on, of the instruments that the other series subscribe."""
    found = []
    async with httpx.AsyncClient(trust_env=False) as http:
        for exchange in ("NFO", "BFO"):
            answered = await http.get(f"{simulator.masters_base}/{exchange}_symbols.txt.zip")
            table = parse_master(exchange, answered.raise_for_status().content)
            found += [table.instrument(row) for row in range(len(table))]
    return [f"{each.exchange}|{each.token}" for each in busiest(found, count)]


@asynccontextmanager
async def running(
    python: str, simulator: SimulatorProcess, number: int, keys: Sequence[str]
) -> AsyncIterator[OfficialClient]:
    """A client of the simulator's broker of that number; its process ends with the block."""
    section = SimulatedSection(name=f"broker{number + 1}", type="simulated")
    login = simulator.login_for(number, section, "c")
    assert login.password is not None
    assert login.totp_secret is not None
    assert login.api_key is not None
    broker = {
        "rest_base": login.rest_base,
        "websocket_url": login.websocket_url,
        "uid": login.user_id,
        "password": login.password.get_secret_value(),
        "totp_secret": login.totp_secret.get_secret_value(),
        "api_key": login.api_key.get_secret_value(),
        "vendor_code": login.vendor_code,
        "keys": list(keys),
    }
    # It ends when its standard input does: its thread for the socket is a daemon.
    with child_process([python, str(SCRIPT)]) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(broker) + "\n")
        process.stdin.flush()
        versions = (await answer(process))["versions"]
        client = OfficialClient(process, len(keys), versions["websocket-client"])
        if await client.wait_for_all_quotes(BACK_WITHIN_S) is None:
            raise RuntimeError("expected a quote of every instrument before the first fault, found fewer")
        yield client


async def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line of a client."""
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    if not line:
        raise RuntimeError(
            "expected a line of JSON from the official client, found its end; see its words above"
        )
    said: dict[str, Any] = json.loads(line)
    return said


def _gaps_s(state: dict[str, Any]) -> list[float]:
    start = state["last_quote_before_opening_ns"]
    return [(first - start) / 1e9 for first in state["first_quotes_ns"]]


def _found(
    client: OfficialClient, fault: str, times: int, came_back: int, gaps: Sequence[float], did: str
) -> Found:
    return Found(
        fault=fault,
        instruments=client.instruments,
        websocket_client=client.version,
        times=times,
        came_back=came_back,
        gap=Quantiles.of([histogram(gaps)]),
        did=did,
    )
