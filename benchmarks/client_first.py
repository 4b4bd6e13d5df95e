"""What a new notebook waits for: the import, and all of it up to the first frame with a quote."""

from __future__ import annotations

import time
from typing import Any


def main() -> None:
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    import dualbroker

    imported_s, imported_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    # All else is imported now, for it would take its share of what is measured.
    from child_protocol import await_go, parse_arguments, report, report_imported, wait_for_end
    from client_dualbroker import make_config, make_instruments

    arguments = parse_arguments()
    report_imported("dualbroker")
    report(ready=True)
    await_go()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    with dualbroker.connect(make_config(arguments)) as feed:
        feed.subscribe(make_instruments(arguments.instruments))
        frame = feed.quotes
        connected_s, connected_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        result: dict[str, Any] = {"ticks": int(frame["ltp"].notna().sum())}
        result["import"] = {"wall_s": imported_s, "cpu_s": imported_cpu_s}
        result["import, connect, first frame"] = {
            "wall_s": imported_s + connected_s,
            "cpu_s": imported_cpu_s + connected_cpu_s,
        }
        report(**result)
        wait_for_end()


if __name__ == "__main__":
    main()
