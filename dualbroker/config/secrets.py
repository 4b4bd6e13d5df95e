"""``${ENV_VAR}``, ``${keyring:NAME}`` and ``${file:PATH}`` in the values of brokers and the
addresses of alerts.

Only enabled brokers are filled in, so that a disabled one asks for nothing.
``$${`` stands for a plain ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualbroker.errors import ConfigError
from dualbroker.keyring_calls import KEYRING, KeyringSilentError

from .broker import section_model
from .problems import key_path

__all__ = ["KEYRING_SERVICE", "SecretSources", "SecretText", "fill_in", "literal_secrets", "read_keyring"]

KEYRING_SERVICE = "dualbroker"
"""``keyring set dualbroker NAME`` stores what ``${keyring:NAME}`` reads."""

_REFERENCE = re.compile(r"\$(\$\{)|\$\{([^}]*)\}")
_NAME = re.compile(r"(keyring:)?(\S+)")
_LARGEST_FILE_BYTES = 64 * 1024
"""A secret takes a few hundred."""


def read_keyring(name: str) -> str | None:
    """The secret of that name in the operating system's own store; None when there is none.

    Raises
    ------
    KeyringSilentError
        It did not answer in time.
    keyring.errors.KeyringError
        The store can't be read, or this system has none.
    """

    def read() -> str | None:
        import keyring  # takes a while, and most configs do without

        return keyring.get_password(KEYRING_SERVICE, name)

    return KEYRING.call(read)


@dataclass(frozen=True, repr=False)
class SecretSources:
    """Where references are looked up."""

    environment: Mapping[str, str]
    """What ``${NAME}`` is read from."""
    keyring_reader: Callable[[str], str | None] = read_keyring
    """What ``${keyring:NAME}`` is read with."""
    folder: Path | None = None
    """Where the relative path of a ``${file:PATH}`` starts; the working directory when None."""


@dataclass(frozen=True, repr=False)
class SecretText:
    """A value of one broker's section whose references are looked up at each call."""

    key: str
    """Its whole path, for errors."""
    text: str
    sources: SecretSources

    def __call__(self) -> str:
        """The text as it is now.

        Raises
        ------
        ConfigError
            A reference can't be looked up; a line for each.
        """
        value, problems = _fill_in_text(self.text, self.sources)
        if problems:
            raise ConfigError("\n".join(f"{self.key}: {problem}" for problem in problems))
        return value


def fill_in(document: Any, sources: SecretSources) -> tuple[Any, list[str]]:
    """A copy of the document with the references of enabled brokers and of ``alerts.send_to`` filled in, and
    what was wrong.

    A reference that can't be filled in stays as it is, and a line of the second value says why.
    Whatever has not the form of a config comes back unchanged: validation will say so.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("brokers"), Mapping):
        return document, []
    problems: list[str] = []
    brokers: dict[Any, Any] = {}
    for name, broker in document["brokers"].items():
        if not isinstance(broker, Mapping) or broker.get("enabled") is False:
            brokers[name] = broker
            continue
        brokers[name] = {}
        for key, value in broker.items():
            if isinstance(value, str):
                value, failures = _fill_in_text(value, sources)
                problems += [f"{key_path(('brokers', str(name), str(key)))}: {text}" for text in failures]
            brokers[name][key] = value
    return {**document, "brokers": brokers, **_alerts(document, sources, problems)}, problems


def _alerts(document: Mapping[str, Any], sources: SecretSources, problems: list[str]) -> dict[str, Any]:
    """The section ``alerts`` with its addresses filled in, if it has any."""
    section = document.get("alerts")
    addresses = section.get("send_to") if isinstance(section, Mapping) else None
    if not isinstance(section, Mapping) or not isinstance(addresses, list):
        return {}
    filled = []
    for place, address in enumerate(addresses):
        if isinstance(address, str):
            address, failures = _fill_in_text(address, sources)
            problems += [f"{key_path(('alerts', 'send_to', place))}: {text}" for text in failures]
        filled.append(address)
    return {"alerts": {**section, "send_to": filled}}


def literal_secrets(document: Mapping[str, Any]) -> list[str]:
    """The paths of secrets which enabled brokers, and addresses of alerts, have in the file itself."""
    addresses = (document.get("alerts") or {}).get("send_to") or []
    in_alerts = [
        key_path(("alerts", "send_to", place))
        for place, address in enumerate(addresses)
        if not _REFERENCE.search(address)
    ]
    in_brokers = [
        key_path(("brokers", str(name), key))
        for name, broker in document["brokers"].items()
        if broker.get("enabled") is not False
        for key in broker
        if key in section_model(broker["type"]).secret_keys()
        and isinstance(broker[key], str)
        and not _REFERENCE.search(broker[key])
    ]
    return [*in_brokers, *in_alerts]


def _fill_in_text(text: str, sources: SecretSources) -> tuple[str, list[str]]:
    problems: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        try:
            return _look_up(match[2], sources)
        except LookupError as error:
            problems.append(str(error.args[0]))
            return match[0]

    return _REFERENCE.sub(value_of, text), problems


def _look_up(reference: str, sources: SecretSources) -> str:
    kind, _, path = reference.partition(":")
    if kind == "file" and path:
        return _file_content(path, sources.folder)
    name = _NAME.fullmatch(reference)
    if name is None or kind == "file":
        raise LookupError("expected ${NAME}, ${keyring:NAME} or ${file:PATH}, found no name in the braces")
    if not name[1]:
        value = sources.environment.get(name[2])
        if not value:
            found = "it empty" if value == "" else "no such variable"
            raise LookupError(
                f"expected the environment variable {name[2]}, found {found}; set it and start again"
            )
        return value
    try:
        value = sources.keyring_reader(name[2])
    except KeyringSilentError as error:
        raise LookupError(
            f"expected {name[2]} in the system's keyring, found none: {error}, or use an environment "
            "variable or a file: ${NAME}, ${file:PATH}"
        ) from None
    except Exception as error:  # the stores of the systems raise what they like
        raise LookupError(
            f"expected {name[2]} in the system's keyring, found none that can be read "
            f"({type(error).__name__}); an environment variable does as well: ${{NAME}}"
        ) from None
    if not value:
        raise LookupError(
            f"expected {name[2]} in the system's keyring, found no such entry; "
            f"store it with: keyring set {KEYRING_SERVICE} {name[2]}"
        )
    return value


def _file_content(written: str, folder: Path | None) -> str:
    """The one line of a secret's file, as ``echo`` writes it."""
    try:
        path = Path(folder or "", Path(written).expanduser())
        if not path.is_file():  # a pipe would be waited for
            found = "something else" if path.exists() else "no such file"
        else:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE_BYTES + 1)
            text = content.decode("utf-8-sig").rstrip("\r\n")
            if len(content) <= _LARGEST_FILE_BYTES and len(text.splitlines()) == 1:
                return text
            found = "more than one line" if text else "it empty"
    except UnicodeDecodeError:
        found = "text that is not UTF-8"
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        found = f"none that can be read ({reason})"
    raise LookupError(f"expected a file {written} that has the secret as its one line, found {found}")
