"""Every key of config.yaml as tables, out of the models that check it."""

from __future__ import annotations

import ast
import inspect
import itertools
import types
import typing
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from dualbroker.config import BrokerConfig, Config
from dualbroker.config.broker import section_model
from dualbroker.config.broker_types import broker_types
from dualbroker.config.faults import FaultsConfig, StrikeConfig
from dualbroker.config.section import Section
from dualbroker.market_hours import Spans
from dualbroker.simulator.faults.faults import Faults, Strike

__all__ = ["config_tables"]

_DESCRIBED_BY: dict[type[Any], type[Any]] = {FaultsConfig: Faults, StrikeConfig: Strike}
"""Models whose keys the simulator itself describes."""
_ELEMENT = {"brokers": "NAME", "faults": "NAME", "subscribe": "-", "at": "-", "prices": "-"}
"""What stands for an entry of these keys."""
_PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    date: "days such as `2026-01-15`",
    SecretStr: "secret text",
}
_BOUNDS = {annotated_types.Ge: "≥", annotated_types.Gt: ">", annotated_types.Le: "≤", annotated_types.Lt: "<"}
_HOURS = "hours such as `09:15-15:30`, or a list of them"


def config_tables() -> str:
    """A heading and a table for each section, in the order of the file."""
    return "\n\n".join(_tables("", Config))


def _tables(path: str, section: type[Section]) -> Iterator[str]:
    lines = [f"## {path or 'At the top'}", ""]
    if path:
        lines += [_in_a_cell(_first_line(section)), ""]
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    below: dict[type[Section], str] = {}
    words = _docstrings(section)
    for name, field in section.model_fields.items():
        inner = _section_in(field.annotation)
        if name == "name" or inner in below:
            continue
        names = [name]
        if inner is not None:
            names = [
                other for other, its in section.model_fields.items() if _section_in(its.annotation) is inner
            ]
            below[inner] = ".".join(filter(None, (path, name, _ELEMENT.get(name, ""))))
        meaning = words.get(name) or (_first_line(inner) if inner else "")
        assert meaning, f"{section.__name__}.{name} needs a docstring that says what it means"
        shown = ", ".join(f"`{each}`" for each in names)
        lines.append(f"| {shown} | {_value(field)} | {_default(field)} | {_in_a_cell(meaning)} |")
    yield "\n".join(lines)
    for inner, place in below.items():
        yield from _tables(place, inner)
        if inner is BrokerConfig:
            yield from _tables_by_type(place)


def _tables_by_type(path: str) -> Iterator[str]:
    """What brokers of each type have besides; types that share a model share a table."""
    types: dict[type[BrokerConfig], list[str]] = {}
    for name in broker_types():
        model = section_model(name)
        own = [other for other in types if model.model_fields.keys() == other.model_fields.keys()]
        types.setdefault(own[0] if own else model, []).append(name)
    for model, names in types.items():
        *most, last = names
        title = f"{path} of type {', '.join(most)} or {last}" if most else f"{path} of type {last}"
        keys = [key for key in model.model_fields if key not in BrokerConfig.model_fields]
        if keys:
            yield "\n".join(_table(title, model, keys))


def _table(title: str, section: type[Section], keys: list[str]) -> Iterator[str]:
    yield from (f"## {title}", "", _in_a_cell(_first_line(section)), "")
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    words = _docstrings(section)
    for key in keys:
        field = section.model_fields[key]
        yield f"| `{key}` | {_value(field)} | {_default(field)} | {_in_a_cell(words[key])} |"


def _first_line(section: type[Any]) -> str:
    return (inspect.getdoc(section) or "").split("\n\n")[0]


def _in_a_cell(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")


def _docstrings(section: type[Any]) -> dict[str, str]:
    """The text below each field, of the class and of those it extends."""
    if section in _DESCRIBED_BY:
        return _own_docstrings(_DESCRIBED_BY[section]) | _own_docstrings(section)
    found: dict[str, str] = {}
    for owner in reversed(section.__mro__):
        if owner.__module__.startswith("dualbroker"):
            found |= _own_docstrings(owner)
    return found


def _own_docstrings(owner: type[Any]) -> dict[str, str]:
    tree = ast.parse(inspect.getsource(owner).lstrip())
    (body,) = [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
    found = {}
    for field, text in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = text.value if isinstance(text, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[field.target.id] = value.value
    return found


def _section_in(kind: Any) -> type[Section] | None:
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind
    inside = [_section_in(part) for part in get_args(kind)]
    return next((part for part in inside if part is not None), None)


def _value(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(rule, kind.__name__.lower()):,}"
        for rule in field.metadata
        for kind, sign in _BOUNDS.items()
        if isinstance(rule, kind)
    ]
    kind = _words(field.annotation)
    return " ".join(filter(None, (kind, ", ".join(bounds)))).replace("|", "\\|")


def _words(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Section):
        return "keys"
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_words(part) for part in parts if part is not type(None)))
    if origin is typing.Annotated:
        return _words(parts[0])
    if kind == Spans:
        return _HOURS
    if origin in (list, tuple, frozenset):
        return f"list of {_words(parts[0])}"
    if origin is dict:
        names = "names" if parts[0] is str else _words(parts[0])
        return f"{names}, each with {_words(parts[1])}"
    raise TypeError(f"expected a type that has words here, found {kind}")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, Section) or value in ((), [], {}, ""):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
