"""Starts the simulator for tests that run where dualbroker itself is not installed.

The brokers' official clients install into one and the same package and so live in environments of
their own; ``DUALBROKER_PYTHON`` names the interpreter that has dualbroker. Only the standard library is
used here, and nothing of dualbroker is imported.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def running_simulator(*arguments: str) -> Iterator[dict[str, Any]]:
    """The description that ``dualbroker simulate --json`` printed; ends the process afterwards."""
    python = os.environ.get("DUALBROKER_PYTHON", sys.executable)
    command = [python, "-m", "dualbroker", "simulate", "--json", "--until-stdin-closes", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, "the simulator ended without saying where it listens"
            yield json.loads(line)
        finally:
            process.stdin.close()
            assert process.wait(timeout=15) == 0


def time_code(secret: str) -> str:
    """The six digits that an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret)
    digest = hmac.new(key, int(time.time() // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
