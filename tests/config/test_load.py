from __future__ import annotations

import contextlib
import logging
import os
from datetime import date, time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.config import Around, Config, demo_config, find_config, load_config, parse_config
from dualbroker.errors import ConfigError

GOOD = "brokers:\n  broker1: {type: simulated}\n"


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUALBROKER_CONFIG", raising=False)


def write(path: Path, text: str = GOOD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearest_file_upwards_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "config.yaml")
    notebooks = tmp_path / "notebooks" / "deep"
    notebooks.mkdir(parents=True)
    monkeypatch.chdir(notebooks)
    assert find_config() == root
    nearer = write(tmp_path / "notebooks" / "config.yaml")
    assert find_config() == nearer
    assert find_config(tmp_path) == root


def test_the_file_of_another_program_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "config.yaml")
    write(tmp_path / "inner" / "config.yaml", "theme: dark\nlist:\n  brokers: 3\n")
    monkeypatch.chdir(tmp_path / "inner")
    assert find_config() == root
    root.unlink()
    assert find_config() is None
    with pytest.raises(ConfigError, match=r"dualbroker\.demo") as caught:
        load_config()
    assert f"passed by {tmp_path / 'inner' / 'config.yaml'}: no key 'brokers'" in str(caught.value)


def test_the_variable_comes_first_even_when_it_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "config.yaml")
    monkeypatch.chdir(tmp_path)
    other = write(tmp_path / "elsewhere" / "mine.yml")
    monkeypatch.setenv("DUALBROKER_CONFIG", str(other))
    assert load_config().path == other
    other.unlink()
    with pytest.raises(ConfigError, match="found no such file"):
        load_config()


def test_it_says_which_file_it_reads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "config.yaml")
    with caplog.at_level(logging.INFO, logger="dualbroker"):
        config = load_config(str(path))
    assert config.path == path
    assert caplog.messages == [f"Config: {path}"]


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "config.yaml", GOOD + "log: {file: logs/today.log}\ncache: ~/masters\n")
    config = load_config(path)
    assert config.log.file == tmp_path / "logs" / "today.log"
    assert config.cache == Path.home() / "masters"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"brokers: \xff\xfe", "expected UTF-8 text, found the byte 0xff at 9"),
        (b"", "expected keys such as brokers: at the top, found an empty file"),
    ],
)
def test_a_file_that_can_not_be_read_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path}: {expected}"


def test_a_folder_and_a_missing_file_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected a config file, found a folder"
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "no.yaml")
    assert str(caught.value) == f"{tmp_path / 'no.yaml'}: expected a config file, found no such file"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert find_config(tmp_path) == path
    assert list(load_config(path).brokers) == ["broker1"]


@pytest.mark.skipif("CI" not in os.environ, reason="config.yaml is its user's to edit; checked in CI")
@pytest.mark.parametrize("content", [b"x" * 10_000_000, GOOD.encode() + b"#" * 10_000_000, bytes(10_000_000)])
def test_a_file_too_large_for_a_config_is_not_read_through(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="expected a config of at most 2,62,144 bytes, found a larger file"):
        load_config(file)


def test_a_large_file_of_another_program_is_passed_by(tmp_path: Path) -> None:
    write(tmp_path / "config.yaml")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "config.yaml").write_bytes(b"\xff" * 10_000_000 + b"\nbrokers:\n")
    assert find_config(tmp_path / "below") == tmp_path / "config.yaml"


@pytest.mark.parametrize("path", ["~nobody-of-that-name/config.yaml", "a\0b"])
def test_a_path_that_no_system_has_is_one_line(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="expected"):
        load_config(path)
    if "\0" not in path:
        monkeypatch.setenv("DUALBROKER_CONFIG", path)
        with pytest.raises(ConfigError, match="no home folder"):
            find_config()


def test_the_shipped_file_is_the_demo() -> None:
    config = load_config(Path(__file__).parents[2] / "config.yaml")
    assert config.is_simulated
    assert [broker.name for broker in config.enabled_brokers] == ["broker1", "broker2"]
    assert config.fingerprint() == demo_config().fingerprint()
    assert Around(underlying="NIFTY", expiry=0, strikes=5) in config.subscribe


def test_the_commented_examples_of_the_shipped_file_are_right() -> None:
    lines = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  # shoonya:"))
    end = next(number for number, line in enumerate(lines) if line.startswith("# NFO by default"))
    examples = "\n".join(["brokers:", *(line.replace("# ", "", 1) for line in lines[start:end])])
    environment = {
        name: name.lower()
        for name in ("SHOONYA_USER_ID", "SHOONYA_CLIENT_ID", "SHOONYA_API_SECRET", "FLATTRADE_USER_ID")
    }
    config = parse_config(
        examples, environment=environment | {"FLATTRADE_API_KEY": "k"}, keyring_reader=lambda name: "secret"
    )
    assert [broker.type for broker in config.enabled_brokers] == ["shoonya", "flattrade"]
    assert config.brokers["flattrade"].orders == "poll"
    rest = "\n".join(
        line[2:]
        for line in lines[next(n for n, line in enumerate(lines) if line.startswith("# The rest")) :]
        if ": {" in line or line.startswith("# cache")
    )
    defaults = parse_config(GOOD + rest)
    assert defaults.ticks == Config.model_validate({"brokers": {"b": {"type": "simulated"}}}).ticks


def test_the_commented_market_hours_of_the_shipped_file_are_right() -> None:
    lines = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8").splitlines()
    start = lines.index("# market_hours:")
    section = parse_config(GOOD + "\n".join(line[2:] for line in lines[start : start + 4])).market_hours
    assert section.closed == (date(2026, 1, 15),)
    assert section.open == {date(2026, 11, 8): ((time(18), time(19)),)}
    assert section.MCX.hours == ((time(9), time(23, 30)),)


def test_sections_with_everything_commented_out_have_their_defaults() -> None:
    config = parse_config(GOOD + "subscribe:\nsimulator:\nlog:\n  level:\n")
    assert config.fingerprint() == parse_config(GOOD).fingerprint()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
KEYS = st.sampled_from(
    [*Config.model_fields, "b", "type", "enabled", "user_id", "password", "underlying", "strikes", "file"]
) | st.text(max_size=5)
DOCUMENTS = st.recursive(
    SCALARS | st.sampled_from(["simulated", "shoonya", "${X}", "poll"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SCALARS, inner, max_size=4),
    max_leaves=15,
)


def test_a_single_name_needs_no_list() -> None:
    assert parse_config(GOOD + "subscribe: orders").subscribe == ["orders"]
    assert parse_config(GOOD + "subscribe: INDIA VIX").subscribe == ["INDIA VIX"]


@given(DOCUMENTS)
def test_no_structure_raises_anything_but_a_config_error(document: object) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    with contextlib.suppress(ConfigError):
        parse_config(text, environment={}, keyring_reader=lambda name: None)


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=3), st.dictionaries(KEYS, DOCUMENTS, max_size=3))
def test_no_section_raises_anything_but_a_config_error(
    broker: dict[str, object], top: dict[str, object]
) -> None:
    document = {"brokers": {"b": {"type": "simulated"} | broker}} | top
    with contextlib.suppress(ConfigError):
        parse_config(yaml.safe_dump(document), environment={}, keyring_reader=lambda name: None)


@given(st.text(alphabet="ab:{}[]-,'\"#&*!|>%@`\\ \n\t0.~?", max_size=40))
def test_no_text_raises_anything_but_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_config(text)
