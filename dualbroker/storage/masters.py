"""Symbol masters by broker, exchange and day: downloaded once a day, kept parsed on disk."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from dualbroker.errors import ConnectionFailedError, WireError
from dualbroker.instruments.master import parse_master
from dualbroker.instruments.table import SCHEMA, MasterTable
from dualbroker.transport.base import Transport

__all__ = ["MasterCache"]

_LOG = logging.getLogger("dualbroker")

_MAGIC = b"dualbroker symbol master 1\n"
_DIGEST_BYTES = 32
_SUFFIX = ".master"
_DOWNLOAD_TIMEOUT_S = 60.0
_NO_CONTENT = 204

_SMALL_DOWNLOAD_BYTES = 64 * 1024
"""Up to here parsing takes less time than it is worth to start a thread for."""

_LONGEST_REASON = 200
"""Characters of a refusal that are worth repeating."""

T = TypeVar("T")


class MasterCache:
    """Hands out parsed symbol masters, downloading each at most once a day.

    Parameters
    ----------
    directory
        Where parsed masters are kept, one file per broker, URL and day; None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    async def load(
        self, transport: Transport, url: str, exchange: str, *, source: str, day: date
    ) -> MasterTable:
        """The symbol master of a day.

        When it can't be downloaded, the newest one of an earlier day is used instead: a warning is logged
        and ``table.day`` says which day it is of.

        Parameters
        ----------
        url
            Where the broker serves it, a zip or CSV text.
        exchange
            NSE, NFO, BSE …
        source
            The name under which the broker's masters are kept, such as ``shoonya``.
        day
            Today, in India.

        Raises
        ------
        ConnectionFailedError
            The download failed or brought no symbol master, and no earlier day's is kept.
        """
        stem = _stem(source, exchange, url)
        wanted = f"the symbol master of {exchange}" + (f" ({source})" if source else "")
        kept = await asyncio.to_thread(self._read, stem, day) if self._directory else None
        if kept is not None:
            return replace(kept, source=source)
        try:
            table = await self._download(transport, url, exchange, source)
        except (ConnectionFailedError, WireError) as error:
            older = await asyncio.to_thread(self._newest_before, stem, day) if self._directory else None
            if older is None:
                if isinstance(error, WireError):
                    words = "could not be read"
                    advice = (
                        f"{url} was downloaded, but is nothing that this version can read: try again later"
                    )
                else:
                    words = "could not be downloaded"
                    advice = (
                        f"Open {url} in a browser; if that fails too, the broker's download is down: "
                        "try again later"
                    )
                raise ConnectionFailedError(f"{wanted} {words}: {error}. {advice}") from error
            _LOG.warning(
                "%s could not be downloaded: %s; using the one of %s, "
                "in which newly listed instruments are missing",
                wanted,
                error,
                older.day,
            )
            return replace(older, source=source)
        table = replace(table, day=day, source=source)
        if table.skipped:
            _LOG.info("%s: %d rows skipped", wanted, table.skipped)
        if self._directory:
            await asyncio.to_thread(self._keep, stem, day, table)
        return table

    async def _download(self, transport: Transport, url: str, exchange: str, source: str) -> MasterTable:
        response = await transport.request("GET", url, timeout_s=_DOWNLOAD_TIMEOUT_S)
        if response.status == _NO_CONTENT and not source:
            # Said by a simulated market, which may be of one exchange only; of a real broker it is a fault.
            return MasterTable(exchange, SCHEMA.empty_table(), 0)
        if response.status != 200:
            raise ConnectionFailedError(
                f"expected HTTP status 200 from {url}, found {response.status}{_reason(response.body)}"
            )
        if not response.body.strip():
            raise WireError(f"expected a symbol master from {url}, found an empty answer")
        if response.body.lstrip()[:1] == b"<":
            raise WireError(f"expected a symbol master from {url}, found an HTML page")
        return await _in_thread_if_large(lambda: parse_master(exchange, response.body), len(response.body))

    def _path(self, stem: str, day: date) -> Path:
        assert self._directory is not None
        return self._directory / f"{stem}.{day.isoformat()}{_SUFFIX}"

    def _days(self, stem: str) -> list[date]:
        """Days of which a file is kept, newest first."""
        assert self._directory is not None
        days = []
        for path in self._directory.glob(f"{stem}.*{_SUFFIX}"):
            try:
                days.append(date.fromisoformat(path.name[len(stem) + 1 : -len(_SUFFIX)]))
            except ValueError:
                continue
        return sorted(days, reverse=True)

    def _read(self, stem: str, day: date) -> MasterTable | None:
        path = self._path(stem, day)
        try:
            table = _decoded(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _LOG.warning("the kept symbol master %s is unreadable, so it is not used: %s", path, error)
            return None
        return replace(table, day=day)

    def _newest_before(self, stem: str, day: date) -> MasterTable | None:
        tables = (self._read(stem, kept) for kept in self._days(stem) if kept < day)
        return next((table for table in tables if table is not None), None)

    def _keep(self, stem: str, day: date, table: MasterTable) -> None:
        """Write the file whole or not at all, then remove those of earlier days.

        A disk that can't be written to costs a download tomorrow, so it is no error.
        """
        path = self._path(stem, day)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f"{stem}.", suffix=".tmp", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_encoded(table))
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
            for earlier in self._days(stem):
                if earlier < day:
                    self._path(stem, earlier).unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning("the symbol master could not be kept as %s: %s", path, error)


def _reason(body: bytes) -> str:
    """What a refusal says for itself, where that is one short line of plain text."""
    text = body[: _LONGEST_REASON + 1].decode("utf-8", errors="replace").strip()
    is_line = text.isprintable() and not text.startswith("<") and 0 < len(text) <= _LONGEST_REASON
    return f" ({text})" if is_line else ""


def _stem(source: str, exchange: str, url: str) -> str:
    """What the file names of one download share; brokers may split an exchange over several URLs."""
    words = (re.sub(r"[^A-Za-z0-9_-]", "_", word) for word in (source, exchange))
    return ".".join((*words, hashlib.sha256(url.encode("utf-8")).hexdigest()[:8]))


async def _in_thread_if_large(work: Callable[[], T], size_bytes: int) -> T:
    return work() if size_bytes <= _SMALL_DOWNLOAD_BYTES else await asyncio.to_thread(work)


def _encoded(table: MasterTable) -> bytes:
    metadata = {"exchange": table.exchange, "skipped": str(table.skipped)}
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA.with_metadata(metadata)) as writer:
        writer.write_table(table.columns.replace_schema_metadata(metadata))
    body: bytes = sink.getvalue().to_pybytes()
    return _MAGIC + hashlib.sha256(body).digest() + body


def _decoded(data: bytes) -> MasterTable:
    """Raises ValueError unless these are the very bytes that were written, in today's layout.

    The digest comes first because pyarrow may crash on a damaged file.
    """
    start = len(_MAGIC) + _DIGEST_BYTES
    body = data[start:]
    if not data.startswith(_MAGIC) or hashlib.sha256(body).digest() != data[len(_MAGIC) : start]:
        raise ValueError("it is damaged, or of another version")
    columns = pa.ipc.open_file(body).read_all().combine_chunks()
    if not columns.schema.equals(SCHEMA):
        raise ValueError("its columns are of another version")
    metadata = columns.schema.metadata
    return MasterTable(
        exchange=metadata[b"exchange"].decode("utf-8"),
        columns=columns.replace_schema_metadata(None),
        skipped=int(metadata[b"skipped"]),
    )
