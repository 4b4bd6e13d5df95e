"""The REST side of simulated brokers."""

from __future__ import annotations

import json
import math

import pytest

from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.noren.answers import AnswerKind, classify
from dualbroker.noren.requests import encode_body, flattrade_token_request, generate_access_token
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.simulation import Simulation

from ..broker_client import WALL_NS, ask, connect, log_in, login_fields, order_fields, read
from ..still_market import StillMarket


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(StillMarket(), ["broker1", "broker2"], accounts_per_broker=2)


@pytest.fixture
def broker(simulation: Simulation) -> SimulatedBroker:
    return simulation.brokers[0]


def test_login_tells_who_and_gives_a_token(broker: SimulatedBroker) -> None:
    answer = ask(broker, "QuickAuth", token=None, **login_fields(broker))
    assert answer["stat"] == "Ok"
    assert answer["actid"] == broker.accounts[0].uid
    assert len(answer["susertoken"]) == 64
    assert answer["exarr"] == ["NFO", "NSE"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"pwd": "x"}, AnswerKind.LOGIN_REFUSED), ({"source": "FAX"}, AnswerKind.LOGIN_REFUSED)],
)
def test_refused_login(broker: SimulatedBroker, changes: dict[str, str], kind: AnswerKind) -> None:
    answer = ask(broker, "QuickAuth", token=None, **(login_fields(broker) | changes))
    assert answer["stat"] == "Not_Ok"
    assert classify(answer["emsg"]) is kind


def test_oauth_login_and_bearer(broker: SimulatedBroker) -> None:
    account = broker.accounts[0]
    fields = generate_access_token(
        code=account.oauth_code, client_id=account.client_id, secret=account.oauth_secret
    )
    answer = ask(broker, "GenAcsTok", token=None, **fields)
    assert {"access_token", "refresh_token", "susertoken", "USERID", "actid"} <= set(answer)
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    body = encode_body({"uid": account.uid})
    details = broker.handle_request("/NorenWClientAPI/UserDetails", body, headers, WALL_NS)
    assert json.loads(details.body)["actid"] == account.uid


def test_flattrade_login(broker: SimulatedBroker) -> None:
    account = broker.accounts[0]
    fields = flattrade_token_request(
        api_key=account.api_key, request_code=account.oauth_code, api_secret=account.oauth_secret
    )
    answer = broker.handle_request("/trade/apitoken", json.dumps(fields).encode(), {}, WALL_NS)
    token = json.loads(answer.body)["token"]
    assert ask(broker, "UserDetails", token)["stat"] == "Ok"


@pytest.mark.parametrize(
    ("body", "emsg"),
    [
        (b"", "jData is Missing"),
        (b"jKey=abc", "jData is Missing"),
        (b"jData={", "jData is not valid json object"),
        (b'jData={"tsym":"M&M-EQ"}&jKey=x', "jData is not valid json object"),
        (b'jData={"uid":"FA0001"}', "Session Expired :  Invalid Session Key"),
        (b'jData={"uid":"FA0001"}&jKey=nobody', "Session Expired :  Invalid Session Key"),
        (b"\xff\xfe", "jData is Missing"),
    ],
)
def test_bad_envelopes(broker: SimulatedBroker, body: bytes, emsg: str) -> None:
    answer = json.loads(broker.handle_request("/x/OrderBook", body, {}, WALL_NS).body)
    assert answer["stat"] == "Not_Ok"
    assert emsg in answer["emsg"]
    assert "request_time" in answer


def test_an_unknown_call_is_refused_in_the_broker_s_envelope(broker: SimulatedBroker) -> None:
    answer = broker.handle_request("/NorenWClientTP/Nonsense", b"", {}, WALL_NS)
    assert answer.status == 404
    assert json.loads(answer.body)["stat"] == "Not_Ok"


def test_token_of_one_is_no_token_of_another(simulation: Simulation) -> None:
    one, two = simulation.brokers
    token = log_in(one)
    assert ask(two, "OrderBook", token)["emsg"].startswith("Session Expired")
    other_uid = one.accounts[1].uid
    assert ask(one, "OrderBook", token, uid=other_uid)["emsg"].startswith("Session Expired")


def test_missing_uid(broker: SimulatedBroker) -> None:
    body = f"jData={{}}&jKey={log_in(broker)}".encode()
    answer = json.loads(broker.handle_request("/OrderBook", body, {}, WALL_NS).body)
    assert answer["emsg"] == "Invalid Input : Missing uid or actid or prd."


@pytest.mark.parametrize("name", ["OrderBook", "TradeBook", "PositionBook", "SingleOrdHist", "SearchScrip"])
def test_empty_books_are_not_ok(broker: SimulatedBroker, name: str) -> None:
    answer = ask(broker, name, log_in(broker))
    assert answer["emsg"] == 'Error Occurred : 5 "no data"'


def test_order_through_its_books(simulation: Simulation, broker: SimulatedBroker) -> None:
    token = log_in(broker)
    placed = ask(broker, "PlaceOrder", token, **order_fields(prc="101.00", qty="1"))
    assert placed["stat"] == "Ok"
    number = placed["norenordno"]
    simulation.step(100_000_000)
    (row,) = ask(broker, "OrderBook", token)
    assert (row["norenordno"], row["status"]) == (number, "COMPLETE")
    assert [step["rpt"] for step in ask(broker, "SingleOrdHist", token, norenordno=number)] == [
        "Fill",
        "New",
        "PendingNew",
        "NewAck",
    ]
    (trade,) = ask(broker, "TradeBook", token)
    assert (trade["flqty"], trade["flprc"]) == ("1", "100.05")
    (position,) = ask(broker, "PositionBook", token)
    assert position["netqty"] == "1"
    assert float(ask(broker, "Limits", token)["marginused"]) == pytest.approx(100.05 * 0.2, abs=0.01)


def test_modify_and_cancel(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    number = ask(broker, "PlaceOrder", token, **order_fields())["norenordno"]
    changed = ask(broker, "ModifyOrder", token, norenordno=number, qty="20", prc="91", prctyp="LMT")
    assert changed["result"] == number
    assert ask(broker, "CancelOrder", token, norenordno=number)["result"] == number
    assert ask(broker, "CancelOrder", token, norenordno=number)["emsg"].startswith("Rejected : ORA:Order not")
    assert ask(broker, "ModifyOrder", token, norenordno=number, qty="1")["stat"] == "Not_Ok"


def test_quirks_of_the_official_client_are_taken(broker: SimulatedBroker) -> None:
    values = {"uid": broker.accounts[0].uid, "actid": broker.accounts[0].uid, "remarks": None, "amo": "NO"}
    values |= order_fields(tsym="M%26M-EQ", trgprc="None", prc="90.0")
    body = f"jData={json.dumps(values)}&jKey={log_in(broker)}".encode()
    assert json.loads(broker.handle_request("//PlaceOrder", body, {}, WALL_NS).body)["stat"] == "Ok"


@pytest.mark.parametrize(
    "changes",
    [
        {"qty": "0"},
        {"qty": "ten"},
        {"prc": "-1"},
        {"prc": "0"},
        {"prctyp": "GUESS"},
        {"prd": "Z"},
        {"trantype": "X"},
        {"ret": "FOREVER"},
        {"prctyp": "SL-LMT", "trgprc": "None"},
        {"prctyp": "SL-LMT", "trgprc": "0"},
        {"prctyp": "SL-MKT", "prc": "0", "trgprc": "-1"},
        {"prd": "H"},
        {"prd": "B", "blprc": "80"},
        {"blprc": "80"},
    ],
)
def test_senseless_orders(broker: SimulatedBroker, changes: dict[str, str]) -> None:
    answer = ask(broker, "PlaceOrder", log_in(broker), **order_fields(**changes))
    assert answer["emsg"] == 'Error Occurred : 2 "invalid input"'


@pytest.mark.parametrize("changes", [{"tsym": "NOSUCH-EQ"}, {"exch": "MCX"}])
@pytest.mark.parametrize("name", ["PlaceOrder", "GetOrderMargin", "GetOptionChain", "ProductConversion"])
def test_unknown_symbols_are_refused_as_a_real_broker_does(
    broker: SimulatedBroker, name: str, changes: dict[str, str]
) -> None:
    fields = {"uid": broker.accounts[0].uid, **order_fields(**changes)}
    answer = broker.handle_request(f"/{name}", encode_body(fields, jkey=log_in(broker)), {}, WALL_NS)
    assert answer.status == 400
    words = f"Invalid Input : {fields['tsym']} is Invalid Trading Symbol."
    assert json.loads(answer.body)["emsg"] == words


@pytest.mark.parametrize(
    "changes",
    [
        {"prctyp": "SL-LMT", "trgprc": "91", "prc": "90"},
        {"prctyp": "SL-LMT", "trantype": "S", "trgprc": "89", "prc": "90"},
        {"prd": "B", "blprc": "91", "bpprc": "95"},
        {"prd": "B", "blprc": "80", "bpprc": "85"},
        {"prd": "H", "trantype": "S", "blprc": "85"},
    ],
)
def test_prices_on_the_wrong_side_are_refused(broker: SimulatedBroker, changes: dict[str, str]) -> None:
    answer = ask(broker, "PlaceOrder", log_in(broker), **order_fields(**changes))
    assert answer["emsg"] == "Invalid Input : Invalid Trigger Price"


def test_a_change_is_checked_as_a_new_order_is(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    stop = order_fields(prctyp="SL-LMT", trgprc="110", prc="111")
    number = ask(broker, "PlaceOrder", token, **stop)["norenordno"]
    assert ask(broker, "ModifyOrder", token, norenordno=number, trgprc="0")["stat"] == "Not_Ok"
    assert ask(broker, "ModifyOrder", token, norenordno=number, trgprc="112")["stat"] == "Not_Ok"
    assert ask(broker, "ModifyOrder", token, norenordno=number, trgprc="111")["result"] == number


def test_an_after_market_order_is_refused_while_the_market_is_open(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    assert ask(broker, "PlaceOrder", token, **order_fields(), amo="Yes")["emsg"].endswith("Invalid AMO")
    broker.trading[broker.accounts[0].uid].market_is_open = False
    assert ask(broker, "PlaceOrder", token, **order_fields(), amo="Yes")["stat"] == "Ok"
    (row,) = ask(broker, "OrderBook", token)
    assert (row["amo"], row["status"]) == ("Yes", "OPEN")


def test_cover_orders_and_conversions_over_rest(simulation: Simulation, broker: SimulatedBroker) -> None:
    token = log_in(broker)
    cover = order_fields(prc="101", qty="1", prd="H", blprc="95")
    number = ask(broker, "PlaceOrder", token, **cover)["norenordno"]
    simulation.step(100_000_000)
    assert "dmsg" in ask(broker, "ExitSNOOrder", token, norenordno=number, prd="H")
    simulation.step(100_000_000)
    ask(broker, "PlaceOrder", token, **order_fields(prc="101", qty="1"))
    simulation.step(100_000_000)
    convert = order_fields(prd="C", prevprd="I", qty="1", postype="Day")
    assert ask(broker, "ProductConversion", token, **convert)["stat"] == "Ok"
    assert ask(broker, "ProductConversion", token, **convert)["stat"] == "Not_Ok"
    rows = ask(broker, "PositionBook", token)
    assert {row["prd"]: row["netqty"] for row in rows} == {"H": "0", "I": "0", "C": "1"}


def test_margins(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    one = ask(broker, "GetOrderMargin", token, **order_fields())
    assert (one["ordermargin"], one["marginused"], one["marginusedprev"]) == ("180.00", "180.00", "0.00")
    assert one["remarks"] == ""
    assert ask(broker, "GetOrderMargin", token, **order_fields(qty="99999999"))["remarks"].startswith("Insuf")
    others = [order_fields(qty="20"), order_fields(prc="100")]
    basket = ask(broker, "GetBasketMargin", token, **order_fields(), basketlists=others)
    assert basket["marginused"] == basket["marginusedtrade"] == "740.00"
    assert ask(broker, "OrderBook", token)["stat"] == "Not_Ok"  # nothing was placed


def test_days_indices_details_and_greeks(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    days = [json.loads(day) for day in ask(broker, "EODChartData", token, sym="NSE:M&M-EQ", **{"from": "0"})]
    assert len(days) == 3
    assert int(days[0]["ssboe"]) > int(days[1]["ssboe"])
    assert days[0]["time"].count("-") == 2
    assert ask(broker, "EODChartData", token, sym="NSE:Nifty 50")
    assert ask(broker, "EODChartData", token, sym="NSE:NOSUCH")["emsg"].endswith("Invalid Trading Symbol.")
    indices = ask(broker, "GetIndexList", token, exch="NSE")["values"]
    assert indices == [{"idxname": "Nifty 50", "token": "26000"}]
    assert ask(broker, "ClientDetails", token)["actid"] == broker.accounts[0].uid
    asked = {"exd": "09-NOV-2025", "strprc": "100", "sptprc": "100", "initrate": "6", "volatility": "20"}
    greeks = ask(broker, "GetOptionGreek", token, **asked, optt="CE")
    assert float(greeks["cal_delta"]) - float(greeks["put_delta"]) == pytest.approx(1.0, abs=1e-5)
    parity = 100 - 100 * math.exp(-0.06 * 31 / 365)
    assert float(greeks["cal_price"]) - float(greeks["put_price"]) == pytest.approx(parity, abs=1e-4)
    assert ask(broker, "GetOptionGreek", token, **(asked | {"strprc": "0"}))["stat"] == "Not_Ok"


def test_an_index_is_called_as_a_real_broker_calls_it(broker: SimulatedBroker) -> None:
    fields = {"uid": broker.accounts[0].uid, "exch": "NSE", "token": "26000"}
    body = encode_body(fields, jkey=log_in(broker))
    quote = json.loads(broker.handle_request("/GetQuotes", body, {}, WALL_NS).body)
    names = [quote[name] for name in ("tsym", "cname", "symname", "instname")]
    assert names == ["Nifty 50", "NIFTY INDEX", "NIFTY", "UNDIND"]
    session = connect(broker, log_in(broker))
    session.receive(frames.subscribe([("NSE", "26000")], FeedType.TOUCHLINE))
    (snapshot,) = read(session)
    assert (snapshot["ts"], snapshot["toi"]) == ("Nifty 50", "7500")


def test_rejected_order_has_a_number(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    assert "norenordno" in ask(broker, "PlaceOrder", token, **order_fields(qty="10000000"))
    (row,) = ask(broker, "OrderBook", token)
    assert row["rejreason"].startswith("RED:Margin Shortfall")
    assert row["rejby"] == "RED"


def test_quotes(broker: SimulatedBroker) -> None:
    fields = {"uid": broker.accounts[0].uid, "exch": "NFO", "token": "2031"}
    body = encode_body(fields, jkey=log_in(broker))
    quote = json.loads(broker.handle_request("/GetQuotes", body, {}, WALL_NS).body)
    assert (quote["stat"], quote["exch"], quote["token"], quote["lp"]) == ("Ok", "NFO", "2031", "10.00")
    assert (quote["bp5"], quote["so5"], quote["ls"], quote["strprc"]) == ("5.95", "1", "75", "100.00")
    assert (quote["lc"], quote["uc"]) == ("8.00", "12.00")


def test_price_series(broker: SimulatedBroker) -> None:
    fields = {"uid": broker.accounts[0].uid, "exch": "NSE", "token": "2031", "st": "0.0", "intrv": "1"}
    jkey = log_in(broker)
    rows = json.loads(broker.handle_request("/TPSeries", encode_body(fields, jkey=jkey), {}, WALL_NS).body)
    assert [row["intc"] for row in rows] == ["1.50"] * 3
    figures = [(row["intv"], row["v"], row["intoi"], row["oi"]) for row in rows]
    assert figures == [("10", "30", "-2", "50"), ("10", "20", "-2", "50"), ("10", "10", "-2", "50")]
    assert int(rows[0]["ssboe"]) > int(rows[1]["ssboe"])
    daily = encode_body(fields | {"intrv": "D"}, jkey=jkey)
    assert json.loads(broker.handle_request("/TPSeries", daily, {}, WALL_NS).body)["stat"] == "Not_Ok"


def test_search_and_chain(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    found = ask(broker, "SearchScrip", token, exch="NSE", stext="nifty+index")["values"]
    assert [each["tsym"] for each in found] == ["Nifty 50"]
    found = ask(broker, "SearchScrip", token, exch="NSE", stext="Nifty 50")["values"]
    assert [each["token"] for each in found] == ["26000"]
    chain = ask(broker, "GetOptionChain", token, exch="NFO", tsym="NIFTY-A-C100", strprc="100", cnt="1")
    assert [each["optt"] for each in chain["values"]] == ["CE"]


def test_logout_ends_the_token(broker: SimulatedBroker) -> None:
    token = log_in(broker)
    assert ask(broker, "Logout", token)["stat"] == "Ok"
    assert ask(broker, "UserDetails", token)["emsg"].startswith("Session Expired")


def test_accounts_of_a_broker_have_books_of_their_own(broker: SimulatedBroker) -> None:
    first, second = log_in(broker, 0), log_in(broker, 1)
    ask(broker, "PlaceOrder", first, **order_fields())
    answer = ask(broker, "OrderBook", second, uid=broker.accounts[1].uid)
    assert "no data" in answer["emsg"]
