"""Find config.yaml and read it; whatever is wrong with it becomes one ``ConfigError``."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dualbroker.errors import ConfigError
from dualbroker.figures import number

from .problems import file_message, problem_lines
from .schema import Config
from .secrets import SecretSources, SecretText, fill_in, literal_secrets, read_keyring
from .yaml_text import LONGEST_TEXT, parse_yaml

__all__ = ["CONFIG_NAME", "CONFIG_VARIABLE", "find_config", "load_config", "parse_config"]

CONFIG_NAME = "config.yaml"
CONFIG_VARIABLE = "DUALBROKER_CONFIG"

_logger = logging.getLogger("dualbroker")

_OURS = re.compile(r"""^(\{\s*)?["']?brokers["']?\s*:""", re.MULTILINE)


def find_config(start: Path | None = None) -> Path | None:
    """The config file that ``load_config()`` would read; None when there is none.

    ``DUALBROKER_CONFIG`` names it; else it is the nearest ``config.yaml`` from the folder ``start``
    (the working directory) upwards that has a key ``brokers``: that name is common, and another
    program's file is passed by.
    """
    return _search(start)[0]


def load_config(path: Path | str | None = None) -> Config:
    """Read and check a config file, and log (INFO) which one it is.

    Parameters
    ----------
    path
        The file; when not given, the one that ``find_config()`` finds.

    Raises
    ------
    ConfigError
        No file is found or it can't be read, or its values are wrong: every problem has a line with
        its key, what is expected and what was found. Secrets are never part of a message.
    """
    passed_by: list[Path] = []
    if path is None:
        found, passed_by = _search(None)
        if found is None:
            raise ConfigError(_nothing_found(passed_by))
        path = found
    path = _expanded(path).absolute()
    config = parse_config(_read(path), source=str(path), folder=path.parent)
    config._path = path
    _logger.info("Config: %s", path)
    return config


def parse_config(
    text: str,
    *,
    source: str = "config",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    keyring_reader: Callable[[str], str | None] = read_keyring,
) -> Config:
    """Check the text of a config file.

    Parameters
    ----------
    text
        YAML.
    source
        Begins an error's message.
    folder
        Where relative paths start; unchanged when None.
    environment
        What ``${NAME}`` is read from; this process's own unless given.
    keyring_reader
        What ``${keyring:NAME}`` is read with.

    Raises
    ------
    ConfigError
        As ``load_config`` does.
    """
    config: Config | None = None
    document = _document(text, source)
    sources = SecretSources(os.environ if environment is None else environment, keyring_reader, folder)
    filled_in, problems = fill_in(document, sources)
    try:
        config = Config.model_validate(filled_in, context={"folder": folder})
    except ValidationError as error:
        problems = problem_lines(error, Config, document) + problems
    if config is None or problems:
        raise ConfigError(file_message(source, problems))
    for broker in config.enabled_brokers:
        written = document["brokers"][broker.name].get("token")
        if isinstance(written, str):
            broker._read_token = SecretText(f"brokers.{broker.name}.token", written, sources)
    literal = literal_secrets(document)
    if literal:
        _logger.warning(
            "%s: %s in plain text; ${ENV_VAR}, ${keyring:NAME} or ${file:PATH} keeps it out of the file",
            source,
            ", ".join(literal),
        )
    return config


def _search(start: Path | None) -> tuple[Path | None, list[Path]]:
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return _expanded(named), []
    passed_by: list[Path] = []
    folder = (start or Path.cwd()).absolute()
    for candidate in (parent / CONFIG_NAME for parent in (folder, *folder.parents)):
        try:
            if _OURS.search(_beginning(candidate).decode("utf-8-sig", "replace")):
                return candidate, passed_by
            passed_by.append(candidate)
        except OSError:
            continue
    return None, passed_by


def _nothing_found(passed_by: list[Path]) -> str:
    others = f" (passed by {', '.join(map(str, passed_by))}: no key 'brokers')" if passed_by else ""
    return (
        f"expected a {CONFIG_NAME} in {Path.cwd()} or above it, found none{others}; name one with --config "
        f"or {CONFIG_VARIABLE}, or start the built-in simulated brokers with dualbroker.demo()"
    )


def _expanded(path: Path | str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: expected a config file, found no home folder for its ~") from None


def _beginning(path: Path) -> bytes:
    """A byte more than a config may have, of whatever file it is."""
    with path.open("rb") as file:
        return file.read(LONGEST_TEXT + 1)


def _read(path: Path) -> str:
    try:
        content = _beginning(path)
        if len(content) > LONGEST_TEXT:
            raise ConfigError(
                f"{path}: expected a config of at most {number(LONGEST_TEXT)} bytes, found a larger file"
            )
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        problem = "expected a config file, found no such file"
    except IsADirectoryError:
        problem = "expected a config file, found a folder"
    except UnicodeDecodeError as error:
        problem = f"expected UTF-8 text, found the byte 0x{error.object[error.start]:02x} at {error.start}"
    except ValueError as error:
        problem = f"expected the path of a config file, found one that can't be: {error}"
    except OSError as error:
        problem = (
            "expected a config file, found a folder"
            if path.is_dir()
            else f"expected a file that can be read, found: {error.strerror or type(error).__name__}"
        )
    raise ConfigError(f"{path}: {problem}")


def _document(text: str, source: str) -> Any:
    try:
        document = parse_yaml(text)
    except ConfigError as error:
        problem = str(error)
    else:
        if isinstance(document, Mapping):
            return document
        found = {type(None): "an empty file", list: "a list"}.get(type(document), "a single value")
        problem = f"expected keys such as brokers: at the top, found {found}"
    raise ConfigError(f"{source}: {problem}")
