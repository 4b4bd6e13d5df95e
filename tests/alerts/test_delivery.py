"""Alerts on their way: to a webhook and through apprise, both on the loopback."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable

import pytest

from dualbroker.alerts.delivery import MOST_WAITING, Target, make_target
from dualbroker.errors import AlertDeliveryError, ConfigError, MissingExtraError
from dualbroker.stores.alerts import Alert
from tests.alerts.moments import ns_at
from tests.alerts.receiver import receiving
from tests.polling import wait_until

DOWN = Alert(
    number=1, time_ns=ns_at(11, 0, 5), state="raised", rule="broker_down", words="broker1 is down",
    broker_name="broker1",
)  # fmt: skip

IMPORTS_APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Some of its services do still; none of ours."""


def failing(name: str, problem: str) -> None:
    raise AssertionError(f"{name}: {problem}")


def target_of(
    address: str, on_failure: Callable[[str, str], None] = failing, *, simulated: bool = False
) -> Target:
    return make_target(1, address, simulated=simulated, on_failure=on_failure)


def test_a_webhook_is_sent_json_that_a_person_can_read_too() -> None:
    with receiving() as receiver:
        target = target_of(receiver.address, simulated=True)
        target.put(DOWN)
        wait_until(lambda: bool(receiver.bodies))
        target.close()
    [body] = receiver.bodies
    assert body["mode"] == "SIMULATED"
    assert body["text"] == "SIMULATED\n11:00:05 broker1 is down"
    [alert] = body["alerts"]
    assert alert["time"] == "2026-03-02T11:00:05+05:30"
    assert (alert["state"], alert["rule"], alert["broker_name"]) == ("raised", "broker_down", "broker1")


def test_what_comes_while_a_message_is_on_its_way_goes_out_as_one() -> None:
    with receiving() as receiver:
        receiver.may_answer.clear()
        target = target_of(receiver.address)
        target.put(DOWN)
        receiver.asked.wait(30)
        for _ in range(50):
            target.put(DOWN)
        receiver.may_answer.set()
        wait_until(lambda: len(receiver.words) == 51)
        target.close()
        assert len(receiver.bodies) == 2


def test_a_target_that_hangs_delays_nobody_and_holds_no_more_than_its_bound() -> None:
    told: list[str] = []
    hangs = threading.Event()
    sent: list[int] = []

    def slow(alerts: object, simulated: bool) -> None:
        hangs.wait(30)
        sent.append(len(alerts))  # type: ignore[arg-type]

    target = Target("slow", slow, simulated=False, on_failure=lambda name, why: told.append(why))
    for _ in range(3 * MOST_WAITING):
        target.put(DOWN)
    hangs.set()
    wait_until(lambda: bool(told))
    assert "alerts gave way" in told[0]
    wait_until(lambda: sum(sent) >= MOST_WAITING)
    target.close()


@pytest.mark.parametrize(("answers", "problem"), [((500, 200), ""), ((500, 500), "it answered 500")])
def test_a_message_is_tried_again_before_it_is_given_up(answers: tuple[int, ...], problem: str) -> None:
    told: list[tuple[str, str]] = []
    with receiving(*answers) as receiver:
        made = target_of(receiver.address)
        target = Target(
            made.name,
            made._send,
            simulated=False,
            on_failure=lambda *failure: told.append(failure),
            pauses_s=(0.0,),
        )
        made.close()
        target.put(DOWN)
        wait_until(lambda: len(receiver.bodies) == 2)
        target.close()
    assert [why for _, why in told] == ([problem] if problem else [])


@IMPORTS_APPRISE
def test_no_error_holds_anything_of_an_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/a-secret-path"
        target = target_of(address)
        result = target.send_now(DOWN).result(60)
        target.close()
    assert result.target == "target 1 (http)"
    assert result.problem == "it could not be reached (ConnectionRefusedError)"
    with pytest.raises(ConfigError) as caught:
        target_of("nonsense://a-secret-word")
    assert "secret" not in str(caught.value)


@IMPORTS_APPRISE
def test_apprise_brings_them_to_whatever_it_knows() -> None:
    with receiving() as receiver:
        target = target_of(receiver.address.replace("http://", "json://"))
        assert target.send_now(DOWN).result(60).problem == ""
        [body] = receiver.bodies
        assert body["title"] == "dualbroker LIVE"
        assert body["message"] == "11:00:05 broker1 is down"
        receiver.answers = [403]
        assert target.send_now(DOWN).result(60).problem == "the service did not take it"
        target.close()


def test_without_apprise_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'dualbroker\[alerts\]'"):
        target_of("ntfy://a-topic")


def test_a_failure_to_send_is_an_error_of_its_own() -> None:
    def send(alerts: object, simulated: bool) -> None:
        raise AlertDeliveryError("no")

    target = Target("never", send, simulated=False, on_failure=failing)
    assert target.send_now(DOWN).result(60).problem == "no"
    target.close()
