"""What the page costs: the browser's main thread, bytes, the service's CPU; and whether its memory is flat.

``python benchmarks/page.py`` watches the page for ten minutes at 2,000 instruments and 10,000 ticks a second,
after two short looks; ``--minutes 0.5`` is the short form. It needs playwright and an installed Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

READY_WITHIN_S = 120.0
EXPIRIES = 2
MARKET_SHARE = 1.27
"""Ticks of the whole made-up market for one of an instrument that is subscribed."""
UNDERLYINGS = ("NIFTY", "BANKNIFTY", "FINNIFTY", "SENSEX")
SETTLING_S = 5.0

CONFIG = """\
brokers:
  broker1: {{type: simulated}}
  broker2: {{type: simulated}}
simulator: {{ticks_per_second: {ticks}, orders_per_minute: 12, strikes: {strikes}, expiries: {expiries}}}
subscribe:
{options}"""

FLUIDITY = """() => {
  window.frames_ = { count: 0, longest: 0, last: performance.now(), begun: performance.now(), long: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.frames_.long += entry.duration;
  }).observe({ type: "longtask" });
  const next = () => {
    const now = performance.now();
    window.frames_.longest = Math.max(window.frames_.longest, now - window.frames_.last);
    window.frames_.last = now;
    window.frames_.count += 1;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""


class Case(NamedTuple):
    """What is looked at."""

    instruments: int
    ticks_per_second: int
    seconds: float


class Look(NamedTuple):
    """What was seen of one case; shares are of one core, sizes in bytes."""

    ticks_per_second: float
    first_numbers_s: float
    main_share: float
    script_share: float
    bytes_per_message: float
    messages_per_second: float
    service_share: float
    service_share_without: float
    frames_per_second: float
    longest_frame_ms: float
    long_tasks_share: float
    heaps: list[float]
    nodes: int
    service_memory: list[float]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10.0, help="of the long look")
    arguments.add_argument("--json", action="store_true", help="print one object")
    options = arguments.parse_args()
    cases = [
        Case(500, 2_000, 20.0),
        Case(2_000, 10_000, options.minutes * 60.0),
    ]
    looks = [(case, look_at(case)) for case in cases]
    if options.json:
        print(json.dumps([case._asdict() | look._asdict() for case, look in looks]))
        return
    for case, look in looks:
        asked_for = f"{case.ticks_per_second} ticks/s asked for"
        print(f"\n{case.instruments} instruments, {asked_for}, {case.seconds:.0f} s")
        for name, words in rows_of(look):
            print(f"  {name:<46} {words}")


def rows_of(look: Look) -> list[tuple[str, str]]:
    heaps = [heap / 1e6 for heap in look.heaps]
    memory = [size / 1e6 for size in look.service_memory]
    return [
        ("ticks/s that came", f"{look.ticks_per_second:,.0f}"),
        ("first numbers after", f"{look.first_numbers_s:.2f} s"),
        ("browser's main thread", f"{look.main_share:.1%} (scripts {look.script_share:.1%})"),
        ("bytes per update, uncompressed", f"{look.bytes_per_message:,.0f}"),
        ("updates/s", f"{look.messages_per_second:.1f}"),
        (
            "service's CPU with the page, without, difference",
            f"{look.service_share:.1%}, {look.service_share_without:.1%}, "
            f"{look.service_share - look.service_share_without:.1%}",
        ),
        ("frames/s, longest frame", f"{look.frames_per_second:.0f}, {look.longest_frame_ms:.0f} ms"),
        ("long tasks (above 50 ms), share of the time", f"{look.long_tasks_share:.1%}"),
        ("heap after collection, first … last", ", ".join(f"{heap:.2f}" for heap in heaps) + " MB"),
        ("nodes in the page", f"{look.nodes:,}"),
        ("service's memory, first … last", f"{memory[0]:.0f} … {memory[-1]:.0f} MB"),
    ]


def look_at(case: Case) -> Look:
    """Start a service, open its page, and watch both."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("expected an installed Chromium, found none: apt install chromium")
    with service(case) as (process, address), sync_playwright() as playwright:
        wait_for_instruments(address, case.instruments)
        time.sleep(SETTLING_S)
        without = cpu_share(process, 10.0)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        sizes: list[int] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda text: sizes.append(len(text))))
        begun = time.perf_counter()
        page.goto(address)
        page.wait_for_selector(".quotes tbody tr:has(th) td.price:not(:text('–'))")
        first_numbers_s = time.perf_counter() - begun
        time.sleep(SETTLING_S)
        devtools = page.context.new_cdp_session(page)
        # The thread's own time: on a busy machine the clock would count what others did.
        devtools.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        devtools.send("Performance.enable")
        page.evaluate(FLUIDITY)
        look = watch(case, process, address, devtools, page, sizes)
        browser.close()
    return look._replace(first_numbers_s=first_numbers_s, service_share_without=without)


def watch(
    case: Case, process: psutil.Process, address: str, devtools: Any, page: Any, sizes: list[int]
) -> Look:
    looks = max(4, min(20, int(case.seconds / 30)))
    heaps, memory = [], []
    sizes.clear()
    before, cpu_before, ticks_before = metrics(devtools), cpu_seconds(process), ticks(address)
    collecting_s = 0.0
    begun = time.perf_counter()
    for number in range(looks + 1):
        page.wait_for_timeout(max(0.0, begun + number * case.seconds / looks - time.perf_counter()) * 1000)
        collection_begun = metrics(devtools)["TaskDuration"]
        devtools.send("HeapProfiler.collectGarbage")
        now = metrics(devtools)
        collecting_s += now["TaskDuration"] - collection_begun
        heaps.append(now["JSHeapUsedSize"])
        memory.append(float(process.memory_info().rss))
    span_s = time.perf_counter() - begun
    after = metrics(devtools)
    frames = page.evaluate("() => ({ ...window.frames_, span: performance.now() - window.frames_.begun })")
    return Look(
        ticks_per_second=(ticks(address) - ticks_before) / span_s,
        first_numbers_s=0.0,
        main_share=(after["TaskDuration"] - before["TaskDuration"] - collecting_s) / span_s,
        script_share=(after["ScriptDuration"] - before["ScriptDuration"]) / span_s,
        bytes_per_message=statistics.median(sizes),
        messages_per_second=len(sizes) / span_s,
        service_share=(cpu_seconds(process) - cpu_before) / span_s,
        service_share_without=0.0,
        frames_per_second=frames["count"] / frames["span"] * 1000,
        longest_frame_ms=frames["longest"],
        long_tasks_share=frames["long"] / frames["span"],
        heaps=heaps,
        nodes=int(after["Nodes"]),
        service_memory=memory,
    )


@contextlib.contextmanager
def service(case: Case) -> Iterator[tuple[psutil.Process, str]]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(config_text(case), encoding="utf-8")
        command = [sys.executable, "-m", "dualbroker", "serve", "--port", "0", "--config", str(config)]
        with (Path(folder) / "said.txt").open("w+", encoding="utf-8") as said:
            process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=os.environ)
            try:
                yield psutil.Process(process.pid), address_of(Path(said.name))
            finally:
                process.terminate()
                process.wait(timeout=30)


def config_text(case: Case) -> str:
    """Two simulated brokers, and options that are nearly all that the made-up market has."""
    strikes = round((case.instruments / (2 * len(UNDERLYINGS) * EXPIRIES) - 1) / 2)
    options = "".join(
        f"  - {{underlying: {name}, expiry: {expiry}, strikes: {strikes}}}\n"
        for name in UNDERLYINGS
        for expiry in range(EXPIRIES)
    )
    return CONFIG.format(
        ticks=round(case.ticks_per_second * MARKET_SHARE), strikes=strikes, expiries=EXPIRIES, options=options
    )


def address_of(said: Path) -> str:
    """The address it serves at, once it works."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        found = re.search(r"Page: +(http://\S+)", said.read_text(encoding="utf-8"))
        if found and httpx.get(f"{found[1]}/health").status_code == 200:
            return found[1]
        time.sleep(0.2)
    raise SystemExit(f"the service did not come to work in time:\n{said.read_text(encoding='utf-8')}")


def subscribed(address: str) -> int:
    return len(httpx.get(f"{address}/api/subscriptions").json()["subscriptions"])


def wait_for_instruments(address: str, count: int) -> None:
    """Until about that many have been subscribed."""
    deadline = time.monotonic() + READY_WITHIN_S
    while subscribed(address) < 0.95 * count:
        if time.monotonic() > deadline:
            raise SystemExit(f"expected about {count} instruments subscribed, found {subscribed(address)}")
        time.sleep(0.5)


def ticks(address: str) -> int:
    """Quote messages that all brokers have brought since the start."""
    totals = httpx.get(f"{address}/api/traffic").json()["totals"]
    return sum(int(kinds["quotes"]["messages"]) for kinds in totals.values())


def metrics(devtools: Any) -> dict[str, float]:
    return {row["name"]: row["value"] for row in devtools.send("Performance.getMetrics")["metrics"]}


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def cpu_share(process: psutil.Process, seconds: float) -> float:
    before, begun = cpu_seconds(process), time.perf_counter()
    time.sleep(seconds)
    return (cpu_seconds(process) - before) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
