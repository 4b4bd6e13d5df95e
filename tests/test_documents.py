"""What the documentation says is so: its code runs, its config is valid, its links lead somewhere."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import dualbroker
from dualbroker.config import parse_config
from dualbroker.feed.feed import Feed
from tests.documents.generated import DOCS, PARTS, with_generated

ROOT = DOCS.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
RUN = ("notebook.md", "desk.md", "cookbook.md", "simulator.md", "alerts.md")
"""Pages whose examples run one after the other, as in a notebook."""
IN_WORDS = {"config", "manager", "submit", "closed", "is_of_another_process"}
"""What a person seldom needs; its docstring is enough."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory for examples that write files."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", RUN)
@pytest.mark.usefixtures("folder")
def test_the_examples_of_a_page_run_from_top_to_bottom(name: str) -> None:
    names: dict[str, object] = {}
    try:
        for block in blocks(DOCS / name, "python"):
            exec(compile(block, name, "exec"), names)
    finally:
        feed = names.get("feed")
        assert isinstance(feed, dualbroker.Feed)
        was_closed = feed.closed
        feed.close()
    assert was_closed, "the last example closes the feed"


def test_everything_public_of_a_feed_has_an_example_that_runs() -> None:
    code = "\n".join(block for name in RUN for block in blocks(DOCS / name, "python"))
    public = {name for name in dir(Feed) if not name.startswith("_") and not name.endswith("_async")}
    assert [name for name in sorted(public - IN_WORDS) if f"feed.{name}" not in code] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_that_is_shown_can_be_read_as_python(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, page.name, "exec")


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_config_that_is_shown_is_valid(page: Path) -> None:
    for text in blocks(page, "yaml"):
        if text.startswith("brokers:"):
            environment = {name: f"a-{name.lower()}" for name in re.findall(r"\$\{([A-Z_]+)\}", text)}
            parse_config(text, environment=environment, keyring_reader=lambda name: f"a-{name}")


@pytest.mark.parametrize("path", sorted({part.path for part in PARTS}), ids=lambda path: path.name)
def test_generated_parts_are_those_that_the_code_gives(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == with_generated(path, text), "write it again: python -m tests.documents"


def test_the_index_names_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    missing = [
        page.name for page in DOCS.glob("*.md") if page.name != "index.md" and f"({page.name})" not in index
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_exists(page: Path) -> None:
    links = [
        link for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")) if "://" not in link
    ]
    for link in links:
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def headings(page: Path) -> set[str]:
    """As the addresses of their places name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


def test_the_page_on_architecture_names_only_modules_that_there_are() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("```")[1]
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", page) + re.findall(
        r"\b([a-z_]+(?:\.[a-z_]+)+)\b", drawing
    )
    modules = {name for name in named if not name.startswith("feed.") and name != "pyproject.toml"}
    assert len(modules) > 20
    assert [name for name in sorted(modules) if find_spec(f"dualbroker.{name}") is None] == []
