"""What a validation found wrong, as lines that a person can act upon: key, expected, found."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .broker import BrokerConfig, section_model

__all__ = ["file_message", "key_path", "problem_lines"]

_LONGEST_SHOWN = 60
_MOST_DIGITS = 30

_PLAIN_KEY = re.compile(r"[\w -]{1,60}")

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "keys with values below it",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "missing": "a value",
    "model_attributes_type": "keys with values below it",
    "model_type": "keys with values below it",
    "path_type": "a path",
    "string_too_short": "some text",
}

_EXPECTED_FORM = {
    "^https?://": "an address that starts with http:// or https://",
    "^wss?://": "an address that starts with ws:// or wss://",
    "^([01][0-9]|2[0-3]):[0-5][0-9]$": "a time as HH:MM",
}


def file_message(source: str, problems: list[str]) -> str:
    """One line for one problem; a line for the file and one for each problem when there are several."""
    if len(problems) == 1:
        return f"{source}: {problems[0]}"
    return "\n".join([f"{source}: {len(problems)} problems", *(f"  {problem}" for problem in problems)])


def problem_lines(error: ValidationError, root: type[BaseModel], document: Any) -> list[str]:
    """One line for each thing wrong, in the order of the keys in the file.

    Parameters
    ----------
    error
        Of validating ``document``, or a copy of it whose secrets were filled in.
    root
        The model that refused it; its fields are what unknown keys are compared with.
    document
        As it was written: what was found is shown from here, so no secret ever gets into a line.
    """
    lines: list[str] = []
    for details in error.errors(include_url=False, include_input=False):
        where = _without_tags(details["loc"])
        if _is_about_a_key(details):
            where = where[:-1]
        prefix = f"{key_path(where)}: " if where else ""
        lines += [prefix + text for text in _texts(details, where, root, document)]
    return lines + _also_missing(error, document)


def key_path(location: tuple[str | int, ...]) -> str:
    """``brokers.broker2.enabled``, ``subscribe[3].strikes``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            word = part if _PLAIN_KEY.fullmatch(part) else _shorten(part)
            path += f".{word}" if path else word
    return path


def _without_tags(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Pydantic names the kind of an entry of ``subscribe`` and marks keys; the file has neither."""
    if location[:1] == ("subscribe",) and location[2:3] in (("name",), ("around",)):
        location = location[:2] + location[3:]
    return location[:-1] if location[-1:] == ("[key]",) else location


def _is_about_a_key(details: ErrorDetails) -> bool:
    return details["loc"][-1:] == ("[key]",) or details["type"] == "invalid_key"


def _texts(
    details: ErrorDetails, where: tuple[str | int, ...], root: type[BaseModel], document: Any
) -> Iterator[str]:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        yield from str(context["error"]).splitlines()
    elif kind == "extra_forbidden":
        yield _unknown_key(str(where[-1]), _known_keys(root, where[:-1], document))
    elif _is_about_a_key(details):
        yield "expected text as key (quote numbers, dates, on, off, yes, no), found something else"
    else:
        yield f"expected {_expected(kind, context, details['msg'])}, found {_found(where, document)}"


def _expected(kind: str, context: Mapping[str, Any], message: str) -> str:
    match kind:
        case "string_type":
            return "text (a number or a date needs quotes)"
        case "literal_error":
            return str(context["expected"]).replace("'", "")
        case "broker_type":
            return f"one of {context['types']}"
        case "greater_than":
            return f"more than {context['gt']:g}"
        case "greater_than_equal":
            return f"at least {context['ge']:g}"
        case "less_than_equal":
            return f"at most {context['le']:g}"
        case "string_pattern_mismatch":
            return _EXPECTED_FORM[context["pattern"]]
    return _EXPECTED.get(kind, message)


def _found(where: tuple[str | int, ...], document: Any) -> str:
    value = document
    for part in where:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return "nothing"
    may_be_shown = where[:1] != ("brokers",) or (
        len(where) == 3 and where[2] in _broker_model(where, document).shown_keys()
    )
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "keys with values below it"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        # Python writes out no number of thousands of digits, and nobody could read one of thirty.
        is_huge = isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS
        return (
            f"a number of more than {_MOST_DIGITS} digits"
            if is_huge
            else str(value)
            if may_be_shown
            else "a number"
        )
    if isinstance(value, str):
        return _shorten(value) if may_be_shown else "text" if value else "empty text"
    return f"a {type(value).__name__}"


def _shorten(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


def _unknown_key(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key.lower(), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(known))}"
    return f"expected no such key; {hint}"


def _broker_model(where: tuple[str | int, ...], document: Any) -> type[BrokerConfig]:
    """The model of the broker's section in which a key stands."""
    try:
        return section_model(document["brokers"][where[1]]["type"])
    except (KeyError, IndexError, TypeError):
        return BrokerConfig


def _known_keys(root: type[BaseModel], parent: tuple[str | int, ...], document: Any) -> list[str]:
    model: type[BaseModel] = root
    if parent[:1] == ("brokers",) and len(parent) > 1:
        model, parent = _broker_model(parent, document), parent[2:]
    for part in parent:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), model)
    return [name for name in model.model_fields if name != "name"]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _also_missing(error: ValidationError, document: Any) -> list[str]:
    """What brokers lack for their login, where a wrong value kept their model from saying so."""
    brokers = document.get("brokers") if isinstance(document, Mapping) else None
    if not isinstance(brokers, Mapping):
        return []
    unfinished = {details["loc"][1] for details in error.errors() if len(details["loc"]) > 2}
    lines = []
    for name, broker in brokers.items():
        if name not in unfinished or not isinstance(broker, Mapping) or broker.get("enabled") is False:
            continue
        given = [key for key, value in broker.items() if value is not None]
        kind = str(broker.get("type"))
        problem = section_model(kind).missing_for_login(kind, given)
        if problem:
            lines.append(f"{key_path(('brokers', str(name)))}: {problem}")
    return lines
