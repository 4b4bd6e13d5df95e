"""Makes the package's requirements and extras out of the dependency groups in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

NEEDED = ("core", "service", "notebook", "excel")
"""Groups of what the package itself needs; the others are for those who work on it."""


class Requirements(MetadataHookInterface):
    """``pip install dualbroker`` brings all of ``NEEDED``; each group but ``core`` is an extra."""

    def update(self, metadata: dict[str, Any]) -> None:
        document = tomllib.loads((Path(self.root) / "pyproject.toml").read_text(encoding="utf-8"))
        groups = document["dependency-groups"]
        metadata["dependencies"] = [each for name in NEEDED for each in groups[name]]
        metadata["optional-dependencies"] = {name: _flat(groups, name) for name in groups if name != "core"}


def _flat(groups: dict[str, Any], name: str) -> list[str]:
    return [
        requirement
        for each in groups[name]
        for requirement in ([each] if isinstance(each, str) else _flat(groups, each["include-group"]))
    ]
