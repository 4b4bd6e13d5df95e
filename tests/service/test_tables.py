"""Tables as JSON, CSV and Parquet, of one running service."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pandas as pd
import pytest

from dualbroker import tables
from dualbroker.frames.columns import frame
from dualbroker.service.tables import _csv_text, json_rows, safe_text
from tests.made_tables import empty_frame, table_of
from tests.polling import wait_until
from tests.service.real_service import UNLIMITED, real_service

PARQUET = "application/vnd.apache.parquet"
SHARE = "RELIANCE-EQ"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with real_service(limits=UNLIMITED) as address, httpx.Client(base_url=address) as client:
        wanted = {"symbols": ["NIFTY", f"NSE:{SHARE}"], "depth": True}
        client.post("/api/subscriptions", json=wanted).raise_for_status()
        wait_until(lambda: len(get(client, f"/api/ticks/NSE/{SHARE}")["ticks"]) >= 5)
        wait_until(lambda: len(get(client, "/api/orders?state=COMPLETE")["orders"]) > 0)
        yield client


def get(client: httpx.Client, path: str, **parameters: Any) -> Any:
    answer = client.get(path, params=parameters or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


TABLES = {
    "/api/quotes": tables.QUOTES,
    f"/api/ticks/NSE/{SHARE}": tables.TICKS,
    f"/api/bars/NSE/{SHARE}": tables.BARS,
    f"/api/depth/nse/{SHARE}": tables.DEPTH,
    "/api/orders": tables.ORDERS,
    "/api/brokers/details": tables.BROKERS,
    "/api/bandwidth": tables.BANDWIDTH,
    "/api/instruments?search=nifty": tables.INSTRUMENTS,
    "/api/incidents": tables.INCIDENTS,
    "/api/failovers": tables.FAILOVERS,
}


@pytest.mark.parametrize("path", [*TABLES, "/api/savings"])
def test_a_table_is_the_frame_of_a_notebook(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"accept": f"text/html, {PARQUET};q=0.9, */*;q=0.1"})
    assert answer.headers["content-type"] == PARQUET
    assert answer.headers["content-disposition"].startswith('attachment; filename="SIMULATED-')
    table = pd.read_parquet(io.BytesIO(answer.content))
    assert table.attrs["mode"] == answer.headers["x-dualbroker-mode"] == "SIMULATED"
    assert table.attrs["as_of"] == answer.headers["x-dualbroker-as-of"]
    if path in TABLES:
        expected = empty_frame(TABLES[path])
        pd.testing.assert_series_equal(table.dtypes, expected.dtypes)
    text = client.get(path, params={**httpx.URL(path).params, "format": "csv"})
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    names = [*([table.index.name] if table.index.name else []), *table.columns]
    assert next(csv.reader(io.StringIO(text.text))) == names


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_can_be_read_by_pieces_that_fit_together(client: httpx.Client, form: str) -> None:
    path = f"/api/ticks/NSE/{SHARE}?format={form}"
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    size = int(head.headers["content-length"])
    pieces = [client.get(path, headers={"range": f"bytes={at}-{at + 999}"}) for at in range(0, size, 1000)]
    assert {piece.status_code for piece in pieces} == {206}
    content = io.BytesIO(b"".join(piece.content for piece in pieces))
    assert len(pd.read_parquet(content) if form == "parquet" else pd.read_csv(content)) >= 5


@pytest.mark.parametrize(
    "path", ["/", "/health", "/metrics", "/docs", "/openapi.json", "/static/page.js", *TABLES]
)
def test_head_works_wherever_get_does(client: httpx.Client, path: str) -> None:
    assert client.head(path).status_code == 200


def test_what_is_asked_for_by_name_goes_before_what_accept_prefers(client: httpx.Client) -> None:
    for accept, expected in (
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/*;q=0.5, application/json;q=0.4", "text/csv; charset=utf-8"),
        ("text/csv;q=0", "application/json"),
        (";;;,,q=,text/csv;q=nonsense", "text/csv; charset=utf-8"),
    ):
        answer = client.get("/api/quotes", headers={"accept": accept})
        assert answer.headers["content-type"] == expected, accept
    answer = client.get("/api/quotes?format=json", headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "application/json"


def test_ticks_are_read_page_by_page_and_none_is_missed_or_comes_twice(client: httpx.Client) -> None:
    path = f"/api/ticks/NSE/{SHARE}"
    pages: list[dict[str, Any]] = []
    since = "2020-01-01T00:00:00+05:30"
    more = True
    while more:
        page = get(client, path, since=since, limit=2)
        assert page["ticks"]
        pages += page["ticks"]
        since, more = page["ticks"][-1]["receive_time"], page["more"]
        if len(pages) >= 200:
            break
    whole = get(client, path, limit=50_000)["ticks"]
    assert pages == whole[: len(pages)]
    assert get(client, path, limit=3)["ticks"][0]["receive_time"] > pages[0]["receive_time"]
    bare = client.get(f"{path}?since=2020-01-01T00:00:00+05:30&limit=1")
    assert bare.json()["ticks"][0] == pages[0], "a plus that was not escaped"
    for wrong in ("0.5", "2020-01-01", "2020-01-01T00:00:00", "yesterday"):
        assert client.get(path, params={"since": wrong}).status_code == 422


def test_one_instrument(client: httpx.Client) -> None:
    bars = get(client, f"/api/bars/NSE/{SHARE}", interval="1s", limit=2)
    assert (bars["symbol"], bars["interval"]) == (SHARE, "1s")
    assert 1 <= len(bars["bars"]) <= 2
    assert bars["bars"][-1]["low"] <= bars["bars"][-1]["high"]
    for wrong in ("1", "x", "25h", "2D", "-1s", "1.5min", "1s\n"):
        assert client.get(f"/api/bars/NSE/{SHARE}", params={"interval": wrong}).status_code == 422, wrong
    depth = get(client, f"/api/depth/NSE/{SHARE}")
    assert [level["level"] for level in depth["levels"]] == [1, 2, 3, 4, 5]
    assert depth["levels"][0]["bid"] > depth["levels"][1]["bid"]
    assert get(client, "/api/depth/NSE/NIFTY")["levels"] == [] or depth["receive_time"]
    unknown = client.get("/api/ticks/NSE/TCS-EQX")
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "UnknownInstrumentError")


def test_orders_by_broker_and_state_and_the_life_of_one(client: httpx.Client) -> None:
    done = get(client, "/api/orders", broker="broker1", state="final")["orders"]
    assert {(order["broker_name"], order["final"]) for order in done} == {("broker1", True)}
    assert all(not order["final"] for order in get(client, "/api/orders", state="unfinished")["orders"])
    complete = get(client, "/api/orders", state="COMPLETE", limit=1)["orders"]
    (order,) = complete
    assert order["status"] == "COMPLETE"
    path = f"/api/orders/{order['broker_name']}/{order['order_id']}"
    life = get(client, path)
    assert life["order"]["order_id"] == order["order_id"]
    assert life["complete"] is True
    numbers = [step["sequence"] for step in life["history"]]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == life["order"]["updates"]
    assert life["history"][-1]["status"] == "COMPLETE"
    assert get(client, path, day=order["trading_day"])["order"] == life["order"]
    assert client.get(path, params={"day": "2001-01-01"}).status_code == 404
    assert client.get("/api/orders/broker1/none").json()["error"]["type"] == "NotFound"
    assert client.get("/api/orders/broker9/1").status_code == 404
    assert get(client, "/api/brokers/broker2")["broker"]["role"] == "orders only"
    assert client.get("/api/brokers/broker9").json()["error"]["message"].startswith("broker: expected one of")


def test_figures_say_how_they_were_obtained(client: httpx.Client) -> None:
    figures = {row["figure"]: row for row in get(client, "/api/savings")["figures"]}
    assert figures["quote_bytes"]["how"] == "measured at the sockets"
    assert figures["naive_quote_bytes"]["how"].startswith("estimated: ")


def test_no_text_is_a_formula_to_a_spreadsheet_and_unknown_is_empty() -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", "a=1", "", None]
    table = frame(
        table_of(order_id="text", price="price", quantity="quantity", at="time"),
        {"order_id": texts, "price": [-1.5] * 10, "quantity": [None] * 10, "at": [None] * 9 + [10**18]},
    )
    rows = list(csv.DictReader(io.StringIO(_csv_text(table, header=True).decode(), newline="")))
    assert [row["order_id"] for row in rows[:7]] == [f"'{text}" for text in texts[:7]]
    assert [row["order_id"] for row in rows[7:]] == ["a=1", "", ""]
    assert {row["price"] for row in rows} == {"-1.5"}, "a number is no formula"
    assert {row["quantity"] for row in rows} == {""}
    assert rows[-1]["at"] == "2001-09-09T07:16:40.000000+05:30"
    assert safe_text("26122900000007") == "26122900000007"


def test_unknown_is_null_in_json() -> None:
    table_described = table_of(a="price", b="quantity", c="time", d="day", e="text")
    table = frame(table_described, {name: [None] for name in table_described.names})
    assert json_rows(table) == [dict.fromkeys(table_described.names)]
    assert json_rows(table.iloc[:0]) == []
