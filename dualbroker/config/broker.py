"""One broker of config.yaml: what every type shares. What a type has besides is its own section's model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from .broker_types import broker_types, load_type
from .section import Section

__all__ = ["PRIVATE", "SHOWN", "BrokerConfig", "check_section", "mask", "section_model"]

PRIVATE = "private"
"""Marks a key whose value is an id: no message and no repr shows it. Secrets are private by their type."""
SHOWN = "shown"
"""Marks a text that a message may repeat; all others may be a secret, or an address with one in it."""


def mask(identifier: str) -> str:
    """An account id as it may be shown: ``FA0001`` becomes ``FA**01``."""
    if len(identifier) < 6:
        return "*" * len(identifier)
    return f"{identifier[:2]}{'*' * (len(identifier) - 4)}{identifier[-2:]}"


class BrokerConfig(Section):
    """One entry of ``brokers``: what every type has. Each type adds keys of its own."""

    name: Annotated[str, SHOWN] = ""
    """The key under ``brokers``; every quote and order of this broker is tagged with it."""
    type: Annotated[str, SHOWN]
    """Name of an entry point in the group ``dualbroker.brokers``."""
    enabled: bool = True
    """False leaves it out, and its secrets unread."""
    orders: Literal["stream", "poll"] = "stream"
    """``poll`` reads them by REST and opens no socket: that one belongs to another program."""
    poll_every: float = Field(default=3.0, gt=0)
    """Seconds between two polls."""

    max_subscriptions: int | None = Field(default=None, ge=1)
    """Instruments that it may stream; what is beyond goes to other brokers. Unknown unless set: what the
    broker then refuses shows it."""

    user_id: Annotated[str | None, PRIVATE] = Field(default=None, min_length=1)
    """The client code at the broker."""
    account_id: Annotated[str | None, PRIVATE] = Field(default=None, min_length=1)
    """The user id by default."""
    token: SecretStr | None = Field(default=None, min_length=1)
    """One that another program of yours obtained today, such as ``${file:token.txt}``: used in place of a
    login, read again when the broker refuses it, and never logged out or kept."""
    redirect_url: str | None = Field(default=None, pattern="^https?://")
    """Registered with the broker; a loopback one lets ``dualbroker login`` catch the code by itself."""

    _read_token: Callable[[], str] | None = PrivateAttr(default=None)
    """Looks the references in ``token`` up again; None when the section was made in code."""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_user_id(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("user_id"), str):
            return data
        return {"account_id": data["user_id"], **data}

    @field_validator("type")
    @classmethod
    def _type_exists(cls, value: str) -> str:
        types = broker_types()
        if value not in types:
            raise PydanticCustomError("broker_type", "expected one of {types}", {"types": ", ".join(types)})
        return value

    @field_validator("*")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        try:
            (value.get_secret_value() if isinstance(value, SecretStr) else "").encode("utf-8")
        except UnicodeEncodeError:
            pass
        else:
            return value
        # Raised here, for the error above quotes the secret.
        raise ValueError("expected readable text, found characters that are none")

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        given = [key for key in self.private_keys() if getattr(self, key) is not None]
        problem = self.missing_for_login(self.type, given) if self.enabled else None
        if problem:
            raise ValueError(problem)
        return self

    # What a type's own model may say

    @classmethod
    def missing_for_login(cls, broker_type: str, given: Collection[str]) -> str | None:
        """What the keys given lack for a login at a broker of that type, in words; None when nothing."""
        return None

    def credential_problem(self) -> str | None:
        """What is wrong with the form of a secret, in words without it, for the doctor; None when nothing."""
        return None

    @property
    def is_simulated(self) -> bool:
        """Whether what is shown must carry the word SIMULATED."""
        return False

    @property
    def account_words(self) -> list[str]:
        """What tells this account from all others."""
        return [self.type, self.user_id or "", self.account_id or ""]

    # Which keys may be shown

    @classmethod
    def secret_keys(cls) -> frozenset[str]:
        """Keys that hold a secret."""
        return frozenset(
            key
            for key, field in cls.model_fields.items()
            if field.annotation in (SecretStr, SecretStr | None)
        )

    @classmethod
    def private_keys(cls) -> frozenset[str]:
        """Keys whose value no message and no repr ever shows."""
        ids = (key for key, field in cls.model_fields.items() if PRIVATE in field.metadata)
        return cls.secret_keys().union(ids)

    @classmethod
    def shown_keys(cls) -> frozenset[str]:
        """Keys whose value a message may repeat: what is no free text, and text that is marked so."""
        texts = (str, str | None)
        return frozenset(
            key
            for key, field in cls.model_fields.items()
            if key not in cls.secret_keys() and (field.annotation not in texts or SHOWN in field.metadata)
        )

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
        private = self.private_keys()
        for key in type(self).model_fields:
            value = getattr(self, key)
            if key in self.model_fields_set and value is not None:
                yield key, mask(value) if key in private and isinstance(value, str) else value


def section_model(broker_type: Any) -> type[BrokerConfig]:
    """The model of a section of that type; what every type shares where there is no such type."""
    try:
        return _model_of(broker_type)
    except LookupError:
        return BrokerConfig


def _model_of(broker_type: Any) -> type[BrokerConfig]:
    model = getattr(load_type(str(broker_type)), "section", BrokerConfig)
    if not (isinstance(model, type) and issubclass(model, BrokerConfig)):
        raise LookupError(f"expected a section that is a BrokerConfig in type {broker_type!r}, found another")
    return model


def check_section(data: Any, context: Any = None) -> BrokerConfig:
    """One broker's section, checked by the model of its type.

    Raises
    ------
    pydantic.ValidationError, ValueError
        What is wrong with it.
    """
    if not isinstance(data, Mapping):
        return BrokerConfig.model_validate(data, context=context)
    kind, types = data.get("type"), broker_types()
    if kind in types:
        try:
            return _model_of(kind).model_validate(data, context=context)
        except LookupError as error:
            raise ValueError(str(error)) from None
    # Only the type is wrong then, as far as anybody knows.
    known = {key for name in types for key in section_model(name).model_fields}
    kept = {key: value for key, value in data.items() if key in BrokerConfig.model_fields or key not in known}
    return BrokerConfig.model_validate(kept, context=context)
