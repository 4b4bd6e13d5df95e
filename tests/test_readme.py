"""What the README says is so: its code runs, its config is valid, its commands are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

import dualbroker
from dualbroker.cli import app
from dualbroker.config import parse_config

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_its_python_code_runs() -> None:
    (code,) = _blocks("python")
    assert "dualbroker.demo()" in code
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    feed = names["feed"]
    assert isinstance(feed, dualbroker.Feed)
    assert len(feed.quotes) > 10
    feed.close()


def test_its_config_is_valid_once_the_secrets_are_there() -> None:
    (text,) = _blocks("yaml")
    environment = {name: f"a-{name.lower()}" for name in re.findall(r"\$\{([A-Z_]+)\}", text)}
    config = parse_config(text, environment=environment, keyring_reader=lambda name: f"a-{name}")
    assert [broker.type for broker in config.enabled_brokers] == ["shoonya", "flattrade"]
    assert config.brokers["flattrade"].orders == "poll"
    assert not config.is_simulated


def test_the_examples_of_the_shipped_config_are_valid_when_uncommented() -> None:
    shipped = (ROOT / "config.yaml").read_text(encoding="utf-8")
    example = re.compile(r"^  # (  )?([a-z_]+:.*)$", re.MULTILINE)
    lines = [f"  {indent}{text}" for indent, text in example.findall(shipped)]
    text = "\n".join(["brokers:", *lines])
    environment = {name: f"a-{name.lower()}" for name in re.findall(r"\$\{([A-Z_]+)\}", text)}
    config = parse_config(text, environment=environment, keyring_reader=lambda name: f"a-{name}")
    assert [broker.type for broker in config.enabled_brokers] == ["shoonya", "flattrade"]


def test_it_names_every_command() -> None:
    named = set(re.findall(r"^\| `dualbroker (\w+)[^|]*\|[^|]*\|$", README, re.MULTILINE))
    assert named == set(get_command(app).commands)  # type: ignore[attr-defined]
