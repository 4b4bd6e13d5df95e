"""A session's end told from a gateway that refuses whatever the session. Virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from dualbroker.brokers.noren.rest import RENEWAL_PAUSE_S, NorenRest
from dualbroker.chaos.virtual_time import VirtualTimeLoop
from dualbroker.errors import BrokerError, RequestRefusedError, SessionExpiredError
from dualbroker.noren.dialects import FLATTRADE
from dualbroker.noren.requests import Endpoint
from dualbroker.transport.base import Response
from tests.brokers.rest_only import RestOnly

OK = {"stat": "Ok"}
EXPIRED = b'{"stat":"Not_Ok","emsg":"Session expired for this user. Must relogin"}'


class Counter:
    """A rest whose answers are set, and the logins that a caller of it would make."""

    def __init__(self) -> None:
        self.answers: Callable[[Endpoint], object] = lambda endpoint: OK
        self.endpoint = Endpoint.USER_DETAILS
        self.rest = NorenRest(FLATTRADE, RestOnly(lambda call: self.answers(self.endpoint)))
        self.rest.use("token0", fresh=False)
        self.logins = 0

    async def ask(self, endpoint: Endpoint = Endpoint.USER_DETAILS) -> type[BrokerError] | None:
        """What a call ends in; an ended session is followed by a login, as brokers do."""
        self.endpoint = endpoint
        try:
            await self.rest.call(endpoint, {"uid": "FT0001"})
        except SessionExpiredError:
            self.logins += 1
            self.rest.use(f"token{self.logins}", fresh=True)
            return SessionExpiredError
        except BrokerError as error:
            return type(error)
        return None


def _always(answer: object, endpoint: Endpoint) -> object:
    return answer


def play(story: Callable[[Counter], Awaitable[None]]) -> None:
    async def tell() -> None:
        await story(Counter())

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(tell())


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>403 Forbidden</html>", b"Forbidden", b"{}", b'{"stat":"Not_Ok","emsg":""}', EXPIRED],
)
def test_a_session_that_has_ended_is_followed_by_one_login(status: int, body: bytes) -> None:
    async def story(counter: Counter) -> None:
        assert await counter.ask() is None
        counter.answers = lambda endpoint: Response(status, body)
        assert await counter.ask() is SessionExpiredError
        counter.answers = lambda endpoint: OK
        assert await counter.ask() is None
        assert counter.logins == 1

    play(story)


@pytest.mark.parametrize("body", [b"", EXPIRED])
def test_a_gateway_that_refuses_everything_costs_one_login_however_often_it_is_asked(body: bytes) -> None:
    async def story(counter: Counter) -> None:
        counter.answers = lambda endpoint: Response(403, body)
        assert await counter.ask() is SessionExpiredError
        for _ in range(200):
            assert await counter.ask() is RequestRefusedError
            assert await counter.ask(Endpoint.ORDER_BOOK) is RequestRefusedError
            await asyncio.sleep(60)
        assert counter.logins == 1

    play(story)


def test_a_gateway_that_refuses_one_endpoint_costs_one_login() -> None:
    async def story(counter: Counter) -> None:
        counter.answers = lambda endpoint: Response(403, b"") if endpoint is Endpoint.ORDER_BOOK else OK
        for _ in range(200):
            await counter.ask()
            await counter.ask(Endpoint.ORDER_BOOK)
            await asyncio.sleep(60)
        assert counter.logins == 1

    play(story)


def test_a_gateway_that_refuses_by_turns_costs_no_more_than_a_login_in_a_quarter_of_an_hour() -> None:
    async def story(counter: Counter) -> None:
        for minute in range(60):
            answer = Response(403, b"") if minute % 2 else OK
            counter.answers = partial(_always, answer)
            await counter.ask()
            await asyncio.sleep(60)
        assert counter.logins <= 3600 / RENEWAL_PAUSE_S

    play(story)


def test_the_next_night_ends_a_session_again() -> None:
    async def story(counter: Counter) -> None:
        for night in range(1, 4):
            counter.answers = lambda endpoint: Response(403, b"")
            assert await counter.ask() is SessionExpiredError
            counter.answers = lambda endpoint: OK
            assert await counter.ask() is None
            assert counter.logins == night
            await asyncio.sleep(86_400)

    play(story)
