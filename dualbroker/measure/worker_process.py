"""Starts the process of one plan and talks with it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import msgspec

from dualbroker.child_process import ChildProcess, command_for
from dualbroker.errors import ConnectionFailedError
from dualbroker.measure.figures import PlanReport
from dualbroker.measure.job import BEGIN, END, READY, Job

__all__ = ["WorkerProcess"]

ANSWER_TIMEOUT_S = 90.0


class WorkerProcess:
    """A child process for one plan; ends with the ``with`` block, however that ends."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._process = ChildProcess(
            f"the process of the {job.plan.value} plan", command_for("dualbroker.measure.worker")
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.stop()

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
                answer = await asyncio.to_thread(self._process.ask, line)
        except TimeoutError:
            raise self._failure(f"no answer within {ANSWER_TIMEOUT_S:.0f} s") from None
        if not answer or (expected is not None and answer != expected):
            raise self._failure("it ended early" if not answer else f"it said {answer!r}")
        return answer

    def _failure(self, what: str) -> ConnectionFailedError:
        words = self._process.last_words() or what
        return ConnectionFailedError(f"the process of the {self._job.plan.value} plan failed: {words}")
