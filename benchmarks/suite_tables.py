"""The figures of the suite as tables, for a terminal or for a page in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from report import Spread, print_markdown, print_table

__all__ = ["show"]

NAMES = {
    "official": "official client, callback appends to a list",
    "official_wsaccel": "the same with wsaccel",
    "official_tls": "official client over TLS",
    "dualbroker": "dualbroker",
    "dualbroker_tls": "dualbroker over TLS",
    "dualbroker_no_gather": "dualbroker, ticks.gather: 0",
    "dualbroker_no_transport": "dualbroker without its transport",
    "floor_decode": "floor: msgspec decodes into one row, no socket",
    "floor_read_and_cut": "floor: read the socket and cut it into messages",
}
Rows = list[tuple[str, ...]]
Table = tuple[str, Sequence[str], Rows, str]


def show(result: Mapping[str, Any], *, markdown: bool) -> None:
    """Print every table, and on what it was measured."""
    write: Callable[..., None] = print_markdown if markdown else print_table
    for title, columns, rows, note in tables(result):
        write(title, columns, rows, note)
    method = result["method"]
    print(f"Machine: {', '.join(f'{key} {value}' for key, value in method['machine'].items())}.")
    print(f"Versions: {', '.join(f'{name} {version}' for name, version in method['versions'].items())}.")
    print(f"Command: {method['command']}.")
    for reason in method["left_out"]:
        print(f"Left out: {reason}.")


def tables(result: Mapping[str, Any]) -> Iterator[Table]:
    """Title, columns, rows and note of each that was measured."""
    sizes = result["method"]["sizes"]
    late = ("ms", "p50", "p99", "max")
    if "saturation" in result:
        title = f"{sizes['ticks']:,} ticks, {sizes['instruments']:,} instruments, {sizes['rounds']} rounds"
        yield _cpu(f"CPU per tick at saturation: {title}", result["saturation"])
    for rate, figures in result.get("rates", {}).items():
        yield _cpu(f"CPU per tick at {int(rate):,} ticks/s, {sizes['rate_rounds']} rounds", figures)
    for rate, figures in result.get("latency", {}).items():
        yield f"From the wire to a row, at {int(rate):,} ticks/s", late, _late(figures), ""
    if "burst" in result:
        title = f"A burst of {sizes['burst']:,} messages, until they can be read; {sizes['bursts']} bursts"
        yield title, late, _late(result["burst"]), ""
    if "memory" in result:
        rows: Rows = [
            (NAMES[name], Spread(**each["spread"]).words(0)) for name, each in result["memory"].items()
        ]
        yield "Memory per stored tick", ("bytes", "min / median / max"), rows, ""
    if "frames" in result:
        yield _frames(result["frames"], sizes["frame_instruments"])
    if "growth" in result:
        yield _growth(result["growth"])
    if "idle" in result:
        rows = [
            (f"{int(count):,} instruments", f"{value:.2f}")
            for count, value in result["idle"]["cpu_percent"].items()
        ]
        yield "Connected, and no ticks", ("", "% of a core"), rows, ""
    if "start" in result:
        rows = [
            (name, f"{each['wall_s']:.2f}", f"{each['cpu_s']:.2f}") for name, each in result["start"].items()
        ]
        yield "Start", ("s", "wall", "CPU"), rows, ""


def _frames(figures: Mapping[str, Any], instruments: int) -> Table:
    rows: Rows = [
        (name, f"{each['rows']:,.0f}", *(f"{each[key]:.2f}" for key in ("p50_ms", "max_ms", "held_up_ms")))
        for name, each in figures.items()
        if name != "stored_ticks"
    ]
    columns = ("ms", "rows", "p50", "max", "holds up ticks for at most")
    return (
        f"Frames of {figures['stored_ticks']:,} stored ticks of {instruments:,} instruments",
        columns,
        rows,
        "",
    )


def _growth(figures: Mapping[str, Any]) -> Table:
    rows: Rows = [
        (f"{int(count):,} instruments", *_spread(each)) for count, each in figures["instruments"].items()
    ]
    rows += [
        (f"{int(count):,} ticks stored, without transport", *_spread(each))
        for count, each in figures["stored_ticks"].items()
    ]
    return "CPU per tick as it grows, at saturation", ("CPU µs per tick", "min / median / max"), rows, ""


def _cpu(title: str, figures: Mapping[str, Any]) -> Table:
    rows: Rows = [
        (NAMES[name], *_spread(each), f"1/{1 / each['of_official']:.1f}" if "of_official" in each else "")
        for name, each in figures.items()
    ]
    return title, ("CPU µs per tick", "min / median / max", "of the official client"), rows, ""


def _spread(each: Mapping[str, Any]) -> tuple[str]:
    return (Spread(**each["spread"]).words(2),)


def _late(figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (NAMES[name], *(f"{each[key]:.2f}" for key in ("p50_ms", "p99_ms", "max_ms")))
        for name, each in figures.items()
    ]
