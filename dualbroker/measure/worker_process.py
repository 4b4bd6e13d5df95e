"""Starts the process of one plan and talks with it."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Self

import msgspec

from dualbroker.errors import ConnectionFailedError
from dualbroker.measure.figures import PlanReport
from dualbroker.measure.job import BEGIN, END, READY, Job

__all__ = ["WorkerProcess"]

ANSWER_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 5.0


class WorkerProcess:
    """A child process for one plan; ends with the ``with`` block, however that ends."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dualbroker.measure.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            # In a terminal, Ctrl-C goes to every process of the group; ours stops its child itself.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            start_new_session=sys.platform != "win32",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    async def prepare(self) -> None:
        """Have it connect and subscribe."""
        await self._ask(msgspec.json.encode(self._job) + b"\n", READY)

    async def begin(self) -> None:
        """Have it take its marks."""
        await self._ask(BEGIN, READY)

    async def end(self) -> PlanReport:
        """Have it drain; returns its report."""
        return msgspec.json.decode(await self._ask(END, None), type=PlanReport)

    async def _ask(self, line: bytes, expected: bytes | None) -> bytes:
        """Say something and read the answer; one that never comes is an error after a minute and a half."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await asyncio.to_thread(self._exchange, line)
        except TimeoutError:
            raise self._failure(f"no answer within {ANSWER_TIMEOUT_S:.0f} s") from None
        if not answer or (expected is not None and answer != expected):
            raise self._failure("it ended early" if not answer else f"it said {answer!r}")
        return answer

    def _exchange(self, line: bytes) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError:
            return b""
        return self._process.stdout.readline()

    def _failure(self, what: str) -> ConnectionFailedError:
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return ConnectionFailedError(
            f"the process of the {self._job.plan.value} plan failed: {said[-1] if said else what}"
        )

    def _stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # it has ended with something unread
            self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
