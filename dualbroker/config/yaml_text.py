"""YAML text into plain values: duplicate keys are an error, and no message quotes the text.

What would take minutes or all memory to read is refused: no config of a person looks like it.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from dualbroker.errors import ConfigError
from dualbroker.figures import number

__all__ = ["LONGEST_TEXT", "parse_yaml"]

LONGEST_TEXT = 256 * 1024
"""Characters or bytes. Ten thousand instruments take as much, and a few seconds to read."""
_MOST_LEVELS = 50
_MOST_MERGED = 10_000
"""Keys that all ``<<`` together may bring."""

_QUOTED = re.compile(r"'(?!<)[^']{2,}'|\"[^\"]{2,}\"")


class _StrictLoader(yaml.SafeLoader):
    """A safe loader whose every complaint carries a line and a column."""

    merged = 0
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _MOST_LEVELS:
            raise RecursionError  # each level makes every token below it slower to read
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for mapping in merged:
                    if isinstance(mapping, yaml.MappingNode):
                        self.flatten_mapping(mapping)
                        # Each level of merges of merges multiplies: ten lines can ask for a billion keys.
                        self.merged += len(mapping.value)
                        self._check_merged(node)
        super().flatten_mapping(node)

    def _check_merged(self, node: yaml.MappingNode) -> None:
        if self.merged > _MOST_MERGED:
            raise yaml.constructor.ConstructorError(
                problem=f"found more than {number(_MOST_MERGED)} keys brought by <<",
                problem_mark=node.start_mark,
            )

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        first_lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                identity = (key.tag, key.value)
                if identity in first_lines:
                    raise _Duplicate(key.value, first_lines[identity], key.start_mark)
                first_lines[identity] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        problem = "found a value that is not what its form or tag promises"
        try:
            value = super().construct_object(node, deep)
            if not isinstance(value, int) or abs(value) < 2**63:
                return value
            # Python writes out no number of thousands of digits, not even to say that it is too large.
            problem = "found a whole number beyond 64 bits"
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            pass
        raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)


class _Duplicate(yaml.MarkedYAMLError):
    def __init__(self, key: str, first_line: int, mark: Any) -> None:
        super().__init__(problem=None, problem_mark=mark)
        self.key = key
        self.first_line = first_line


def parse_yaml(text: str) -> Any:
    """The values in a YAML text.

    Raises
    ------
    ConfigError
        With line and column. What stands there is not quoted: it may be a secret.
    """
    if len(text) > LONGEST_TEXT:
        raise ConfigError(f"expected at most {number(LONGEST_TEXT)} characters, found {number(len(text))}")
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        message = _explain(error)
    except RecursionError:
        message = "expected a few levels of keys, found them nested too deeply to read"
    raise ConfigError(message)


def _explain(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    if isinstance(error, _Duplicate):
        return f"{place}expected each key once, found {error.key!r} again (first in line {error.first_line})"
    if isinstance(error, yaml.reader.ReaderError):
        return f"expected readable text, found a control character at {error.position}"
    problem = getattr(error, "problem", None) or "it can't be read"
    return f"{place}expected YAML, but {_QUOTED.sub('…', problem)}"
