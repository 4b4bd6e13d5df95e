"""A program of this package as a child process: what it is asked, what it answers, what it complains of.

It ends when this process does, however that ends: it watches its standard input.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from dualbroker.forking import BoundToProcess

__all__ = ["ChildProcess", "command_for"]

logger = logging.getLogger("dualbroker")

STOP_TIMEOUT_S = 5.0
LAST_WORDS_WITHIN_S = 2.0
MOST_LINES = 8
LONGEST_LINE = 500
"""Characters of a line on standard error that are repeated."""


def command_for(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module's ``main`` in a child.

    ``-P``: the working directory, where a user's ``secrets.py`` may lie, is not looked into.
    """
    return [sys.executable, "-P", str(Path(__file__).with_name("child.py")), module, *arguments]


class ChildProcess(BoundToProcess):
    """A running child. What it says on standard error goes to the log, and its last lines are kept.

    Parameters
    ----------
    what
        Its name in messages, such as ``the simulator``.
    command
        As ``command_for`` makes it.
    """

    def __init__(self, what: str, command: list[str]) -> None:
        self._what = what
        self._is_ending = False
        self._said: deque[str] = deque(maxlen=MOST_LINES)
        # Plain Popen: asyncio's own child processes need a loop of a special kind on Windows.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # What it says is read as UTF-8, whatever this process's own console speaks.
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            # In a terminal, Ctrl-C goes to every process of the group; ours stops its child itself.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            start_new_session=sys.platform != "win32",
        )
        self._listening = threading.Thread(target=self._listen, name="dualbroker-child", daemon=True)
        self._listening.start()

    @property
    def process_id(self) -> int:
        return self._process.pid

    def ask(self, line: bytes) -> bytes:
        """Say something, and read the line that answers it; empty when the child has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError:
            return b""
        return self.read_line()

    def read_line(self) -> bytes:
        """The next line on its standard output; empty when it has ended. Waits."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self._is_ending = not line
        return line

    def last_words(self) -> str:
        """The last line that it said on standard error, and those before it; empty when it said nothing.

        Of a child that has ended, it waits until all is heard.
        """
        if self._is_ending or self._process.poll() is not None:
            self._listening.join(LAST_WORDS_WITHIN_S)
        lines = list(self._said)
        if not lines:
            return ""
        before = "".join(f"\n  {line}" for line in lines)
        return lines[-1].strip() + (f"\nThe last lines of {self._what}:{before}" if len(lines) > 1 else "")

    def kill(self) -> str:
        """End it at once; returns its last words, or how it ended."""
        self._process.kill()
        self._process.wait()
        words = self.last_words()
        self._close_pipes()
        return words or f"exit status {self._process.returncode}"

    def stop(self) -> None:
        """Have it end; safe to call twice."""
        self._close_pipes()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listening.join(LAST_WORDS_WITHIN_S)

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # it has ended with something unread
                    pipe.close()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        # By its descriptor: a thread that waits inside a file object would hold its lock at exit.
        descriptor = self._process.stderr.fileno()
        rest = b""
        with contextlib.suppress(OSError):
            while block := os.read(descriptor, 65_536):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    self._hear(line)
                rest = rest[:LONGEST_LINE]
        self._hear(rest)
        self._process.stderr.close()

    def _hear(self, line: bytes) -> None:
        words = line.decode("utf-8", "replace").rstrip()[:LONGEST_LINE]
        if words:
            self._said.append(words)
            logger.warning("%s says: %s", self._what, words)

    def _release_copies(self) -> None:
        # A copy of its standard input would keep the child alive after its parent.
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None and not pipe.closed:
                os.close(pipe.fileno())
