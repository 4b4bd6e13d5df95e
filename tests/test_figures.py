"""Figures are written by one set of rules, in Python and in the browser: ``figures.json`` holds the cases."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker import figures
from dualbroker.view import module
from tests.chromium import open_browser

CASES: dict[str, list[tuple[list[Any], str]]] = json.loads(
    Path(__file__).with_name("figures.json").read_text(encoding="utf-8")
)

IN_JAVASCRIPT = {
    "age_words": "ageWords",
    "byte_rate": "byteRate",
    "byte_size": "byteSize",
    "clock_time": "clockTimeOn",
    "order_price": "orderPrice",
}
"""The rules whose names differ there."""


def in_python(rule: str, arguments: list[Any]) -> str:
    text: str = getattr(figures, rule)(*arguments)
    return text


@pytest.mark.parametrize("rule", CASES)
def test_python_writes_each_case_as_it_should(rule: str) -> None:
    assert [in_python(rule, arguments) for arguments, _ in CASES[rule]] == [text for _, text in CASES[rule]]


WRITE = """async ([source, asked]) => {
  const words = await import(`data:text/javascript;charset=utf-8,${encodeURIComponent(source)}`);
  return asked.map(([name, given]) => words[name](...given));
}"""


def in_javascript(asked: list[tuple[str, list[Any]]]) -> list[str]:
    source = module.script("words.js")
    names = sorted({IN_JAVASCRIPT.get(rule, rule) for rule, _ in asked})
    exports = f"export {{ {', '.join(names)} }};"
    calls = [[IN_JAVASCRIPT.get(rule, rule), given] for rule, given in asked]
    with open_browser() as browser:
        page = browser.new_page()
        page.goto("about:blank")
        texts: list[str] = page.evaluate(WRITE, [f"{source}\n{exports}", calls])
        return texts


@pytest.mark.chromium
def test_the_browser_writes_each_case_as_it_should() -> None:
    asked = [(rule, arguments) for rule, cases in CASES.items() for arguments, _ in cases]
    found = iter(in_javascript(asked))
    wrong = [
        f"{rule}({arguments}): expected {expected}, found {text}"
        for rule, cases in CASES.items()
        for arguments, expected in cases
        if (text := next(found)) != expected
    ]
    assert wrong == []


def values() -> list[float]:
    """Figures of every size and with many last digits, also those that lie between two roundings."""
    sizes = [10.0**power for power in range(-4, 13)]
    parts = [1.0, 1.005, 2.5, 3.14159, 4.999, 5.0, 7.25, 9.995, 9.95, 9.9949]
    return [round(size * part, 6) for size in sizes for part in parts] + [0.0]


@pytest.mark.chromium
def test_the_browser_and_python_write_any_figure_alike() -> None:
    rules: list[tuple[str, list[Any]]] = [
        (rule, [sign * value, *more])
        for value in values()
        for sign in (1, -1)
        for rule, more in [("number", [2]), ("number", [0, 4]), ("signed", []), ("compact", [])]
    ]
    rules += [
        (rule, [value])
        for value in values()
        for rule in ("byte_size", "byte_rate", "duration", "age_words", "percent", "milliseconds")
    ]
    assert in_javascript(rules) == [in_python(rule, arguments) for rule, arguments in rules]


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_grouping_changes_no_digit(value: int) -> None:
    assert int(figures.number(value).replace(",", "").replace("−", "-")) == value


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf])
def test_unknown_is_a_dash_and_never_0(unknown: float | None) -> None:
    rules = (
        *(figures.number, figures.signed, figures.compact, figures.money, figures.percent),
        *(figures.milliseconds, figures.byte_size, figures.byte_rate, figures.duration, figures.age_words),
    )
    assert {rule(unknown) for rule in rules} == {"–"}


def test_an_age_is_between_two_moments() -> None:
    noon = "2026-03-02T12:00:00.000+05:30"
    assert figures.age("2026-03-02T11:59:19.000+05:30", noon) == "41 s"
    assert figures.age("2026-03-02T12:00:01.000+05:30", noon) == "0.0 s", "never below 0"
    assert figures.age(None, noon) == figures.age(noon, None) == "–"


def test_money_has_its_sign() -> None:
    assert figures.money(125000) == "₹1,25,000.00"
    assert figures.order_money(82.4325) == "₹82.4325"
