"""What the README says is so: its code runs, its config is valid, its columns and links are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

import dualbroker
from dualbroker.cli import app
from dualbroker.config import parse_config
from dualbroker.feed import columns

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/streams.md", "docs/api.md")

COLUMNS = {
    "quotes": columns.QUOTES,
    "ticks(symbol)": columns.TICKS,
    "bars(symbol, interval)": columns.BARS,
    "depth(symbol)": columns.DEPTH,
    "orders": columns.ORDERS,
    "order_events": columns.ORDER_EVENTS,
    "brokers": columns.BROKERS,
    "bandwidth": columns.BANDWIDTH,
}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_its_python_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # it writes a workbook
    code, attaching = _blocks("python")
    assert "dualbroker.demo()" in code
    compile(attaching, "README.md", "exec")
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


@pytest.mark.parametrize("frame", COLUMNS)
def test_its_columns_are_those_of_the_frame(frame: str) -> None:
    (named,) = re.findall(rf"^\| `feed\.{re.escape(frame)}` \|[^|]*\| ([^|]*) \|$", README, re.MULTILINE)
    assert named.split() == list(COLUMNS[frame])


def test_it_names_every_command() -> None:
    named = set(re.findall(r"^\| `dualbroker (\w+)[^|]*\|[^|]*\|$", README, re.MULTILINE))
    assert named == set(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_it_links_to_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    folder = (ROOT / document).parent
    for link in links:
        name, _, heading = link.partition("#")
        target = folder / name if name else ROOT / document
        assert target.exists(), link
        assert not heading or heading in _headings(target), link


def _headings(document: Path) -> set[str]:
    """As the addresses of their places name them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}
