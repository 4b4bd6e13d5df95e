from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.instruments.table import MasterTable
from dualbroker.storage.masters import MasterCache
from dualbroker.transport.base import OnRead, Response, WebSocket
from tests.instruments.samples import NFO_HEADER, master, nse_master, option_row

DAY = date(2026, 12, 1)
URL = "https://broker.invalid/NSE_symbols.txt.zip"


class Answers:
    """A transport that knows one answer; None is nobody answering."""

    def __init__(self, body: bytes | None, status: int = 200) -> None:
        self.body = body
        self.status = status
        self.requests = 0

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        self.requests += 1
        if self.body is None:
            raise ConnectionFailedError("nobody answers")
        return Response(self.status, self.body)

    async def open_websocket(self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0) -> WebSocket:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError


def load(
    directory: Path | None, transport: Answers, day: date = DAY, url: str = URL, exchange: str = "NSE"
) -> MasterTable:
    return asyncio.run(MasterCache(directory).load(transport, url, exchange, source="shoonya", day=day))


def test_a_master_is_downloaded_once_a_day(tmp_path: Path) -> None:
    transport = Answers(nse_master())
    first = load(tmp_path / "masters", transport)
    second = load(tmp_path / "masters", transport)
    assert transport.requests == 1
    assert [second.instrument(row) for row in range(len(second))] == [
        first.instrument(row) for row in range(len(first))
    ]
    assert (second.exchange, second.day, second.source, second.skipped) == ("NSE", DAY, "shoonya", 0)


def test_skipped_rows_stay_counted(tmp_path: Path) -> None:
    data = nse_master() + b"NSE,9,1,,,EQ,0.05,\n"
    assert load(tmp_path, Answers(data)).skipped == 1
    assert load(tmp_path, Answers(None)).skipped == 1


def test_without_a_directory_nothing_is_kept() -> None:
    transport = Answers(nse_master())
    assert load(None, transport).day == DAY
    assert load(None, transport).day == DAY
    assert transport.requests == 2


def test_a_new_day_is_downloaded_and_replaces_the_old_file(tmp_path: Path) -> None:
    load(tmp_path, Answers(nse_master()), DAY)
    transport = Answers(nse_master())
    load(tmp_path, transport, DAY + timedelta(days=1))
    assert transport.requests == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_urls_of_one_exchange_are_kept_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        data = master(NFO_HEADER, [option_row(number, "NIFTY", DAY, "26000", "CE")])
        load(tmp_path, Answers(data), url=f"{URL}{number}", exchange="NFO")
    tokens = [
        load(tmp_path, Answers(None), url=f"{URL}{number}", exchange="NFO").instrument(0).token
        for number in (1, 2)
    ]
    assert tokens == ["1", "2"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "other"])
def test_a_damaged_file_is_downloaded_again(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    load(tmp_path, Answers(nse_master()))
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "truncated": data[:middle],
            "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "empty": b"",
            "other": b"not a master at all",
        }[damage]
    )
    transport = Answers(nse_master())
    with caplog.at_level(logging.WARNING, logger="dualbroker"):
        table = load(tmp_path, transport)
    assert (transport.requests, table.instrument(0).name) == (1, "NIFTY")
    assert "unreadable" in caplog.text
    assert path.read_bytes() == data


FAILURES = [
    pytest.param(Answers(None), "nobody answers", id="unreachable"),
    pytest.param(Answers(b"", 502), "502", id="status"),
    pytest.param(Answers(b"\n"), "empty answer", id="empty"),
    pytest.param(Answers(b" <html>down</html>"), "HTML page", id="html"),
    pytest.param(Answers(b"PK\x03\x04"), "broken", id="zip"),
]


@pytest.mark.parametrize(("transport", "says"), FAILURES)
def test_a_failed_download_falls_back_to_the_newest_earlier_day(
    tmp_path: Path, transport: Answers, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    load(tmp_path, Answers(nse_master()))
    with caplog.at_level(logging.WARNING, logger="dualbroker"):
        table = load(tmp_path, transport, DAY + timedelta(days=3))
    assert table.day == DAY
    assert says in caplog.text
    assert DAY.isoformat() in caplog.text


@pytest.mark.parametrize(("transport", "says"), FAILURES)
def test_a_failed_download_with_nothing_kept_says_what_to_do(
    tmp_path: Path, transport: Answers, says: str
) -> None:
    with pytest.raises(ConnectionFailedError) as caught:
        load(tmp_path, transport)
    assert says in str(caught.value)
    assert "try again" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_refusals_own_words_are_repeated_and_a_missing_source_is_not_named() -> None:
    transport = Answers(b"the simulated market has NSE, NFO", 404)
    with pytest.raises(ConnectionFailedError, match=r"\(the simulated market has NSE, NFO\)") as caught:
        asyncio.run(MasterCache(None).load(transport, URL, "MCX", source="", day=DAY))
    assert "master of MCX could not" in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>down</html>", b"two\nlines", b"x" * 5000, b"\xff\x00"])
def test_a_refusal_that_is_no_short_line_is_not_repeated(body: bytes) -> None:
    with pytest.raises(ConnectionFailedError, match=r"found 404\. Open"):
        load(None, Answers(body, 404))


def test_a_directory_that_cannot_be_written_costs_only_the_cache(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with caplog.at_level(logging.WARNING, logger="dualbroker"):
        assert len(load(blocked, Answers(nse_master()))) == 11
    assert "could not be kept" in caplog.text


@pytest.mark.shared
@pytest.mark.parametrize(
    ("exchange", "file", "count"),
    [
        ("NFO", "NFO_symbols_2025-10-07.txt.zip", 83_945),
        ("NSE", "NSE_symbols_2026-06-18.txt.zip", 9_552),
    ],
)
def test_the_real_masters_survive_the_cache(
    tmp_path: Path, shared_data: Path, exchange: str, file: str, count: int
) -> None:
    transport = Answers((shared_data / "symbol-masters" / file).read_bytes())
    parsed = load(tmp_path, transport, exchange=exchange)
    kept = load(tmp_path, transport, exchange=exchange)
    assert (len(kept), transport.requests) == (count, 1)
    assert kept.columns.equals(parsed.columns)
