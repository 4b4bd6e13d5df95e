"""A service that is killed again and again while orders flow: what its journal and its ledger make of it.

Simulated brokers run in a process of their own and live on. After each start the ledger must come to equal
their books, the history of before must be there, and in the end the journal must hold each event once,
numbered without a gap, and everything that was ever shown.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from service_process import Service, end_with, simulated_brokers, wait_until, write_config

from dualbroker.manager.reconcile.journaling import events_of_days
from dualbroker.model import OrderStatus, UpdateSource
from dualbroker.stores.orders import OrderEvent

OFTEN_TENDED = "import dualbroker.manager.reconcile.journaling as tended\ntended.TEND_EVERY_S = 0.1"
"""Checkpoints, which come every half a minute, are then as likely to be hit as anything."""
SHOWN = re.compile(r"Order update from (\w+): (\S+) status: (\w+)")
EQUAL_WITHIN_S = 30.0

Order = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--orders", type=float, default=300, help="a minute, on each of two accounts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=4.0, help="seconds until a kill, at most")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        result = run(arguments, Path(folder))
    end_with(result, as_json=arguments.json)


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    chance = random.Random(arguments.seed)
    journal = folder / "orders.sqlite"
    log = folder / "shown.log"
    options = ("--brokers=2", "--ticks-per-second=100", f"--orders-per-minute={arguments.orders}")
    problems: list[str] = []
    counts: Counter[str] = Counter()
    reached: list[int] = []
    with simulated_brokers(*options, f"--seed={arguments.seed}") as greeting:
        brokers = Brokers(greeting["masters_base"])
        config = write_config(
            folder,
            greeting,
            journal={"path": str(journal)},
            log={"file": str(log), "level": "INFO"},
            subscribe=["NIFTY"],
        )
        for number in range(arguments.kills):
            service = Service(config, prelude=OFTEN_TENDED)
            try:
                counts[kill_at_random(service, brokers, chance, arguments.longest, journal, problems)] += 1
            finally:
                service.kill()
            reached.append(last_sequence(journal))
            if not arguments.json:
                print(f"{number + 1:3} of {arguments.kills}: {reached[-1]:,} events", file=sys.stderr)
        service = Service(config)
        try:
            service.wait_until_it_works()
            problems += unequal(service, brokers)
            brokers.stop()
            time.sleep(1.0)
            problems += unequal(service, brokers)
            problems += without_history(service, events_of_today(journal))
        finally:
            service.kill()
    events = events_of_today(journal)
    problems += wrong_numbers(events, reached)
    problems += told_twice(events)
    unshown, not_written = shown_and_written(events, log)
    problems += not_written
    sources = Counter(event.update.source.value for event in events)
    return {
        "kills": arguments.kills,
        "killed": dict(counts),
        "orders": len({event.update.key for event in events}),
        "events": len(events),
        "events by source": dict(sources),
        "written, killed before shown": unshown,
        "of it reconciled": f"{sources[UpdateSource.RECONCILE.value] / max(1, len(events)):.0%}",
        "journal bytes": journal.stat().st_size,
        "problems": problems,
    }


def kill_at_random(
    service: Service,
    brokers: Brokers,
    chance: random.Random,
    longest_s: float,
    journal: Path,
    problems: list[str],
) -> str:
    """Wait until the moment of a kill; what the service was doing then, in a word."""
    if chance.random() < 0.4:
        wait_until(lambda: bool(service.address), "an address")
        time.sleep(chance.uniform(0, min(1.0, longest_s)))
        return "starting"
    before = events_of_today(journal)
    service.wait_until_it_works()
    problems += without_history(service, before)
    if chance.random() < 0.5:
        problems += unequal(service, brokers)
    time.sleep(chance.uniform(0, longest_s))
    return "working"


class Brokers:
    """What a perfect observer knows of the simulated brokers."""

    def __init__(self, base: str) -> None:
        self._base = f"{base}/simulator"

    def stop(self) -> None:
        httpx.post(f"{self._base}/stop").raise_for_status()

    def orders(self) -> dict[Order, tuple[str, float]]:
        """Status and units filled."""
        books = httpx.get(f"{self._base}/truth", timeout=60).raise_for_status().json()["orders"]
        return {
            (broker, number): (row["status"].replace(" ", "_"), float(row["filled_quantity"]))
            for broker, book in books.items()
            for number, row in book.items()
        }


def unequal(service: Service, brokers: Brokers) -> list[str]:
    """Orders that do not end as their broker has them, while both move on."""
    differing: dict[Order, object] = {}

    def is_equal() -> bool:
        before = brokers.orders()
        rows = service.get("/api/orders")["orders"]
        shown = {
            (row["broker_name"], row["order_id"]): (row["status"], row["filled_quantity"] or 0.0)
            for row in rows
        }
        after = brokers.orders()
        differing.clear()
        for order, state in before.items():
            # What changed meanwhile is not judged, but for that it must be there.
            if order not in shown or (after[order] == state and shown[order] != state):
                differing[order] = (shown.get(order), state)
        differing.update((order, (state, None)) for order, state in shown.items() if order not in after)
        return not differing

    try:
        wait_until(is_equal, "equality with the brokers' books", EQUAL_WITHIN_S)
    except RuntimeError as error:
        return [f"{error}: (order, (shown, true)) {list(differing.items())[:3]}"]
    return []


def without_history(service: Service, before: list[OrderEvent]) -> list[str]:
    """Orders of which a started service knows less than the journal held before its start."""
    wanted = Counter((event.broker_name, event.order_id) for event in before)
    rows = service.get("/api/orders")["orders"]
    known = {(row["broker_name"], row["order_id"]): row["updates"] for row in rows}
    return [
        f"of order {order} {known.get(order, 0)} updates are known, the journal holds {count}"
        for order, count in wanted.items()
        if known.get(order, 0) < count
    ]


def events_of_today(journal: Path) -> list[OrderEvent]:
    """All of it, for a run may cross midnight."""
    return events_of_days(journal, date.min, date.max) if journal.exists() else []


def last_sequence(journal: Path) -> int:
    events = events_of_today(journal)
    return events[-1].sequence if events else 0


def wrong_numbers(events: list[OrderEvent], reached: list[int]) -> list[str]:
    found = []
    if [event.sequence for event in events] != list(range(1, len(events) + 1)):
        found.append("the sequence numbers have a gap or a repeat")
    if reached != sorted(reached):
        found.append("the sequence numbers went back")
    return found


def told_twice(events: list[OrderEvent]) -> list[str]:
    """Steps that the stream brought and that are events twice, and fills that are counted twice."""
    steps: Counter[object] = Counter()
    fills: Counter[object] = Counter()
    for event in events:
        update = event.update
        if update.source is UpdateSource.STREAM:
            terms = (update.status, update.report_type, update.filled_quantity, update.event_time_ns)
            steps[(*update.key, *terms, update.price, update.quantity)] += 1
        if update.fill_id is not None:
            fills[(*update.key, update.fill_id)] += 1
    twice = [f"told twice: {step}" for step, count in (steps + fills).items() if count > 1]
    final: dict[object, OrderStatus] = {}
    for event in events:
        if event.update.key in final and not event.status.is_final:
            twice.append(f"a final state was left: {event.update.key}")
        if event.status.is_final:
            final[event.update.key] = event.status
    return twice


def shown_and_written(events: list[OrderEvent], log: Path) -> tuple[int, list[str]]:
    """How many events were written by a process that was killed before it could show them; and, which
    must not be, updates that somebody was shown and the journal does not hold."""
    text = log.read_text(encoding="utf-8", errors="replace")
    shown = Counter((broker, order, status) for broker, order, status in SHOWN.findall(text))
    written = Counter((event.broker_name, event.order_id, event.status.value) for event in events)
    found = [f"shown, and not in the journal: {update}" for update in (shown - written)]
    return (written - shown).total(), found


if __name__ == "__main__":
    main()
