"""What a person reads when config.yaml is wrong: key, expected, found; every problem at once."""

from __future__ import annotations

import pytest

from dualbroker.config import demo_config, parse_config
from dualbroker.errors import ConfigError

GOOD = "brokers: {b: {type: simulated}}\n"


def message_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, environment={})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "brokers: {broker2: {type: simulated, enabled: yess}}",
            "brokers.broker2.enabled: expected true or false, found 'yess'",
        ),
        ("brokers: {b: {type: simulated, enabled: 1}}", "brokers.b.enabled: expected true or false, found 1"),
        (
            "brokers: {b: {type: zerodha, enabled: false}, c: {type: simulated}}",
            "brokers.b.type: expected one of flattrade, shoonya, simulated, found 'zerodha'",
        ),
        ("brokers: {b: {}}", "brokers.b.type: expected a value, found nothing"),
        (
            "brokers: {b: {type: simulated, orders: pol}}",
            "brokers.b.orders: expected stream or poll, found 'pol'",
        ),
        (
            "brokers: {b: {type: simulated, poll_every: 0}}",
            "brokers.b.poll_every: expected more than 0, found 0",
        ),
        (
            "brokers: {b: {type: simulated, subscribe_chunk: 2.5}}",
            "brokers.b.subscribe_chunk: expected a whole number, found 2.5",
        ),
        (
            "brokers: {b: {type: simulated, pasword: x}}",
            "brokers.b.pasword: expected no such key; did you mean 'password'?",
        ),
        (
            "brokers: {b: {type: simulated, rest_base: 'ftp://x'}}",
            "brokers.b.rest_base: expected an address that starts with http:// or https://, found text",
        ),
        (
            "brokers: {b: {type: simulated, name: c}}",
            "brokers: expected no other name than the key 'b', found 'c'",
        ),
        ("brokers: {b: simulated}", "brokers.b: expected keys with values below it, found text"),
        ("brokers: {b: }", "brokers.b: expected keys with values below it, found nothing"),
        ("brokers: [b]", "brokers: expected keys with values below it, found a list"),
        ("brokers: {}", "brokers: expected at least one enabled broker, found no broker"),
        (
            "brokers: {b: {type: simulated, enabled: false}}",
            "brokers: expected at least one enabled broker, found none",
        ),
        (
            "brokers: {'my broker': {type: simulated}}",
            "brokers: expected a plain word (letters, digits, _ and -) as name, found 'my broker'",
        ),
        ("subscribe: [NIFTY]", "brokers: expected a value, found nothing"),
        (GOOD + "subscribe: 2885", "subscribe: expected a list, found 2885"),
        (GOOD + "subscribe: ''", "subscribe: expected a list, found ''"),
        (
            GOOD + "subscribe: [NIFTY, 2885]",
            "subscribe[1]: expected text (a number or a date needs quotes), found 2885",
        ),
        (
            GOOD + "subscribe: [{underlying: NIFTY, strikes: few}]",
            "subscribe[0].strikes: expected a whole number, found 'few'",
        ),
        (
            GOOD + "subscribe: [{underlying: NIFTY, strike: 3}]",
            "subscribe[0].strike: expected no such key; did you mean 'strikes'?",
        ),
        (GOOD + "start_timeout: .inf", "start_timeout: expected a finite number, found inf"),
        (GOOD + "ticks: {max_rows: 0}", "ticks.max_rows: expected at least 1, found 0"),
        (GOOD + "server: {port: 70000}", "server.port: expected at most 65535, found 70000"),
        (GOOD + "server: {port: '8000'}", "server.port: expected a whole number, found '8000'"),
        (GOOD + "log: {level: loud}", "log.level: expected DEBUG, INFO, WARNING or ERROR, found 'loud'"),
        (GOOD + "log: {file: 3}", "log.file: expected a path, found 3"),
        (
            GOOD + "simulator: {market: replay}",
            "simulator: expected file, the recorded day to replay, found none",
        ),
        (
            GOOD + "simulator: {ticks_per_second: 100000}",
            "simulator.ticks_per_second: expected at most 50000, found 100000",
        ),
        (GOOD + "tick: {}", "tick: expected no such key; did you mean 'ticks'?"),
        (
            GOOD + "7: x",
            "expected text as key (quote numbers, dates, on, off, yes, no), found something else",
        ),
        (
            "brokers: {on: {type: simulated}}",
            "brokers: expected text as key (quote numbers, dates, on, off, yes, no), found something else",
        ),
    ],
)
def test_one_problem_is_one_exact_line(text: str, expected: str) -> None:
    assert message_of(text) == f"config: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected keys such as brokers: at the top, found an empty file"),
        ("# nothing but words\n", "expected keys such as brokers: at the top, found an empty file"),
        ("- brokers", "expected keys such as brokers: at the top, found a list"),
        ("brokers", "expected keys such as brokers: at the top, found a single value"),
        ("brokers: [", "line 1, column 11: expected YAML, but "),
        ("brokers:\n\tb: x", "line 2, column 1: expected YAML, but "),
        (
            "brokers:\n  b: 1\n  b: 2",
            "line 3, column 3: expected each key once, found 'b' again (first in line 2)",
        ),
        ("{a: 1, a: 2}", "line 1, column 8: expected each key once, found 'a' again (first in line 1)"),
        ("a: 2026-13-45", "line 1, column 4: expected YAML, but found a value that is not what"),
        ("a: !!int x", "line 1, column 4: expected YAML, but found a value that is not what"),
        ("a: !!int ''", "line 1, column 4: expected YAML, but found a value that is not what"),
        ("a: !!int '-'", "line 1, column 4: expected YAML, but found a value that is not what"),
        ("a: !!float ''", "line 1, column 4: expected YAML, but found a value that is not what"),
        ("a: &a {<<: *a}", "expected a few levels of keys, found them nested too deeply to read"),
        ("a: " + "x" * 262_144, "expected at most 2,62,144 characters, found 2,62,147"),
        ("a: \x00", "expected readable text, found a control character at 3"),
        ("[" * 3000, "expected a few levels of keys, found them nested too deeply to read"),
        ("a: " + "[" * 60 + "]" * 60, "expected a few levels of keys, found them nested too deeply to read"),
        (
            "a: " + "{a: " * 60 + "}" * 60,
            "expected a few levels of keys, found them nested too deeply to read",
        ),
    ],
)
def test_text_that_is_no_config_says_where(text: str, expected: str) -> None:
    message = message_of(text)
    assert message.startswith(f"config: {expected}")
    assert "\n" not in message


def test_all_problems_are_listed_in_the_order_of_the_file() -> None:
    text = """
brokers:
  one: {type: shoonya, enabled: yess, user_id: FA0001, client_id: FA0001_U}
  two: {type: flattrade, user_id: FA0001, api_key: 12345, api_secret: "${UNSET}"}
subscribe: [1]
portt: 3
"""
    assert message_of(text).splitlines() == [
        "config: 6 problems",
        "  brokers.one.enabled: expected true or false, found 'yess'",
        "  brokers.two.api_key: expected text (a number or a date needs quotes), found a number",
        "  subscribe[0]: expected text (a number or a date needs quotes), found 1",
        "  portt: expected no such key; known here: alerts, brokers, cache, desk, journal, liveness, log, "
        "market_hours, order_events, orders, primary, quotes, referee, server, simulator, start_timeout, "
        "subscribe, ticks",
        "  brokers.one: a shoonya broker logs in with user_id, client_id, api_secret; missing: api_secret",
        "  brokers.two.api_secret: expected the environment variable UNSET, found no such variable; "
        "set it and start again",
    ]


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ("type: shoonya", "expected one of these, found neither"),
        ("type: shoonya, user_id: A", "expected one of these, found neither"),
        ("type: shoonya, user_id: A, client_id: C", "missing: api_secret"),
        ("type: shoonya, password: P, totp_secret: T", "missing: user_id, api_key"),
        ("type: flattrade, user_id: A, api_key: K", "missing: api_secret"),
        ("type: flattrade", "missing: user_id, api_key, api_secret"),
    ],
)
def test_an_enabled_broker_needs_what_its_login_needs(keys: str, missing: str) -> None:
    message = message_of(f"brokers: {{b: {{{keys}}}}}")
    assert message.startswith("config: brokers.b: a ")
    assert message.endswith(missing)


def test_simulated_and_real_brokers_do_not_mix() -> None:
    message = message_of(
        "brokers: {s: {type: simulated}, r: {type: flattrade, user_id: A, api_key: K, api_secret: S}}"
    )
    assert "found simulated s and real r" in message


def test_one_login_twice_is_refused() -> None:
    login = "{type: flattrade, user_id: A, api_key: K, api_secret: S}"
    message = message_of(f"brokers: {{x: {login}, y: {login}}}")
    assert "found that of x again in y" in message


@pytest.mark.parametrize(
    "number", ["0x" + "f" * 5_000, "-0x" + "f" * 5_000, "1" + ":59" * 5_000, "1" + "0" * 30]
)
@pytest.mark.parametrize(
    "key", ["server: {port: %s}", "simulator: {seed: %s}", "order_events: {max_rows: %s}"]
)
def test_a_whole_number_beyond_64_bits_is_no_value(key: str, number: str) -> None:
    message = message_of(GOOD + key % number)
    assert message.startswith("config: line 2, column ")
    assert message.endswith("expected YAML, but found a whole number beyond 64 bits")


def test_a_number_too_long_to_show_is_not_shown_from_code_either() -> None:
    with pytest.raises(ConfigError, match=r"simulator\.seed: .* found a number of more than 30 digits"):
        demo_config(seed=16**5_000)


def test_a_path_that_no_system_has_is_refused_at_once() -> None:
    assert message_of(GOOD + 'log: {file: "a\\0b"}') == (
        "config: log.file: expected a path, found a NUL character in it"
    )
    assert message_of(GOOD + "cache: ~nobody-of-that-name/cache") == (
        "config: cache: expected a path, found a ~ of a user who has no home folder here"
    )


@pytest.mark.parametrize("key", ["password", "totp_secret", "api_key", "api_secret"])
def test_a_secret_that_no_text_can_hold_is_refused_and_not_shown(key: str) -> None:
    for text in ('"x\\ud800y"', '"${ODD}"'):
        with pytest.raises(ConfigError) as caught:
            parse_config(
                f"brokers: {{b: {{type: simulated, {key}: {text}}}}}", environment={"ODD": "x\udcffy"}
            )
        expected = f"config: brokers.b.{key}: expected readable text, found characters that are none"
        assert str(caught.value) == expected


def test_merges_of_merges_are_given_up_before_they_fill_the_memory() -> None:
    keys = ", ".join(f"k{number}" for number in range(100))
    levels = [f"a0: &a0 {{{keys}}}"]
    levels += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 20)}], x{n}: 1}}" for n in range(1, 9)]
    assert "found more than 10,000 keys brought by <<" in message_of("\n".join(levels))


def test_many_aliases_of_lists_of_aliases_are_one_refusal() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    message = message_of("\n".join([*levels, GOOD, "subscribe: *a9"]))
    assert "subscribe[9]: expected text (a number or a date needs quotes), found a list" in message
    assert len(message) < 5_000


def test_a_merge_that_a_person_writes_is_fine() -> None:
    config = parse_config("brokers:\n  a: &base {type: simulated}\n  b: {<<: *base, orders: poll}\n")
    assert [broker.orders for broker in config.enabled_brokers] == ["stream", "poll"]
