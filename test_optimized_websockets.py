"""Measures what one source of quotes saves: the same as ``dualbroker verify``, with the same options.

    python test_optimized_websockets.py --seconds 15 --brokers 2

Always on simulated brokers. pytest collects a short form.
"""

from __future__ import annotations

import asyncio
import sys

from dualbroker.cli import main
from dualbroker.measure.verify import verify_plans


def test_one_source_of_quotes_saves_the_other_streams() -> None:
    result = asyncio.run(verify_plans(brokers=2, symbols=20, ticks_per_second=300, seconds=2.5))
    assert result.ok, [check for check in result.checks if not check.ok]
    assert 45 < result.saving.quote_bytes_percent < 55


if __name__ == "__main__":
    sys.argv.insert(1, "verify")
    main()
