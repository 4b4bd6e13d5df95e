"""One broker of config.yaml: its type, its login, and what may be overridden."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from .sections import Section

__all__ = ["BUILT_IN_TYPES", "PRIVATE_KEYS", "BrokerConfig", "broker_types", "mask", "missing_for_login"]

BUILT_IN_TYPES = ("flattrade", "shoonya", "simulated")

PRIVATE_KEYS = frozenset(
    {
        "password",
        "totp_secret",
        "api_key",
        "api_secret",
        "token",
        "user_id",
        "account_id",
        "vendor_code",
        "client_id",
        "imei",
    }
)
"""Keys whose value no message and no repr ever shows."""


def mask(identifier: str) -> str:
    """An account id as it may be shown: ``FA0001`` becomes ``FA**01``."""
    if len(identifier) < 6:
        return "*" * len(identifier)
    return f"{identifier[:2]}{'*' * (len(identifier) - 4)}{identifier[-2:]}"


def broker_types() -> tuple[str, ...]:
    """The broker types that exist here: the built-in ones, and entry points of other packages."""
    found = {entry.name for entry in importlib.metadata.entry_points(group="dualbroker.brokers")}
    return tuple(sorted(found.union(BUILT_IN_TYPES)))


def missing_for_login(broker_type: str, given: Iterable[str]) -> str | None:
    """What the keys given lack for a login at a broker of that type, in words; None when nothing.

    Sources: protocol section 1.3 (password and TOTP) and 1.4 (OAuth).
    """
    present = set(given)
    needed: tuple[str, ...]
    if broker_type not in ("flattrade", "shoonya"):
        return None
    if "token" in present:
        needed = ("user_id", "token")
    elif broker_type == "flattrade":
        needed = ("user_id", "api_key", "api_secret")
    else:
        by_password = ("user_id", "password", "totp_secret", "api_key")
        by_oauth = ("user_id", "client_id", "api_secret")
        if not present & {*by_password, *by_oauth} - {"user_id"}:
            return (
                "a shoonya broker logs in with user_id, client_id and api_secret (OAuth), "
                "or with user_id, password, totp_secret and api_key; expected one of these, found neither"
            )
        needed = by_oauth if present & {"client_id", "api_secret"} else by_password
    missing = [key for key in needed if key not in present]
    if not missing:
        return None
    return f"a {broker_type} broker logs in with {', '.join(needed)}; missing: {', '.join(missing)}"


class BrokerConfig(Section):
    """One entry of ``brokers``. What a type does not use it ignores."""

    name: str = ""
    """The key under ``brokers``; every quote and order of this broker is tagged with it."""
    type: str
    """Name of an entry point in the group ``dualbroker.brokers``."""
    enabled: bool = True
    """False leaves it out, and its secrets unread."""
    orders: Literal["stream", "poll"] = "stream"
    """``poll`` reads them by REST and opens no socket: that one belongs to another program."""
    poll_every: float = Field(default=3.0, gt=0)
    """Seconds between two polls."""

    user_id: str | None = Field(default=None, min_length=1)
    """The client code at the broker."""
    account_id: str | None = Field(default=None, min_length=1)
    """The user id unless told."""
    password: SecretStr | None = Field(default=None, min_length=1)
    """Of the login by password and TOTP."""
    totp_secret: SecretStr | None = Field(default=None, min_length=1)
    """The base32 secret behind the six digits."""
    api_key: SecretStr | None = Field(default=None, min_length=1)
    """As the broker's API page shows it; Flattrade's browser login needs it, too."""
    vendor_code: str | None = Field(default=None, min_length=1)
    """``<user_id>_U`` unless told."""
    imei: str | None = Field(default=None, min_length=1)
    """Any name of this device, for the login by password."""
    client_id: str | None = Field(default=None, min_length=1)
    """Of the OAuth login."""
    api_secret: SecretStr | None = Field(default=None, min_length=1)
    """The OAuth secret."""
    token: SecretStr | None = Field(default=None, min_length=1)
    """One that another program of yours obtained today, such as ``${file:token.txt}``: used in place of a
    login, read again when the broker refuses it, and never logged out or kept."""
    redirect_url: str | None = Field(default=None, pattern="^https?://")
    """Registered with the broker; a loopback one lets ``dualbroker login`` catch the code by itself."""

    dialect: str | None = None
    """Another row of the table of Noren brokers than the type's own."""
    rest_base: str | None = Field(default=None, pattern="^https?://")
    """Where REST calls go; the type's own address unless told."""
    websocket_url: str | None = Field(default=None, pattern="^wss?://")
    """Where the stream is; the type's own address unless told."""
    masters_base: str | None = Field(default=None, pattern="^https?://")
    """Where the symbol masters are; the type's own address unless told."""

    requests_per_second: float | None = Field(default=None, gt=0)
    """REST calls of this login, all together; the broker's own limit unless told."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    """As above, for each minute."""
    subscribe_chunk: int | None = Field(default=None, ge=1, le=100_000)
    """Instruments per subscribe frame."""
    chunk_pause: float | None = Field(default=None, ge=0)
    """Seconds between two subscribe frames."""

    _read_token: Callable[[], str] | None = PrivateAttr(default=None)
    """Looks the references in ``token`` up again; None when the section was made in code."""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_user_id(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("user_id"), str):
            return data
        user_id = data["user_id"]
        return {"account_id": user_id, "vendor_code": f"{user_id}_U", **data}

    @field_validator("type")
    @classmethod
    def _type_exists(cls, value: str) -> str:
        types = broker_types()
        if value not in types:
            raise PydanticCustomError("broker_type", "expected one of {types}", {"types": ", ".join(types)})
        return value

    @field_validator("password", "totp_secret", "api_key", "api_secret", "token")
    @classmethod
    def _is_text(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            (value.get_secret_value() if value else "").encode("utf-8")
        except UnicodeEncodeError:
            pass
        else:
            return value
        # Raised here, for the error above quotes the secret.
        raise ValueError("expected readable text, found characters that are none")

    @model_validator(mode="after")
    def _can_log_in(self) -> BrokerConfig:
        given = [key for key in PRIVATE_KEYS if getattr(self, key) is not None]
        problem = missing_for_login(self.type, given) if self.enabled else None
        if problem:
            raise ValueError(problem)
        return self

    @property
    def is_simulated(self) -> bool:
        return self.type == "simulated"

    def token_now(self) -> str | None:
        """The token as what it refers to has it now; None where the config has none. It may wait for that.

        Raises
        ------
        ConfigError
            What it refers to can't be read any more.
        """
        if self._read_token is not None:
            return self._read_token()
        return None if self.token is None else self.token.get_secret_value()

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What was given, account ids masked."""
        for key in type(self).model_fields:
            value = getattr(self, key)
            if key in self.model_fields_set and value is not None:
                yield key, mask(value) if key in PRIVATE_KEYS and isinstance(value, str) else value
