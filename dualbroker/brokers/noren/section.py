"""What config.yaml says of a broker that speaks Noren, besides what it says of every broker."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator

from dualbroker.config.broker import PRIVATE, SHOWN, BrokerConfig

__all__ = ["NorenSection", "SimulatedSection"]


class NorenSection(BrokerConfig):
    """Of a broker that speaks Noren. What a type does not use it ignores."""

    password: SecretStr | None = Field(default=None, min_length=1)
    """Of the login by password and TOTP."""
    totp_secret: SecretStr | None = Field(default=None, min_length=1)
    """The base32 secret behind the six digits."""
    api_key: SecretStr | None = Field(default=None, min_length=1)
    """As the broker's API page shows it; Flattrade's browser login needs it, too."""
    vendor_code: Annotated[str | None, PRIVATE] = Field(default=None, min_length=1)
    """``<user_id>_U`` by default."""
    imei: Annotated[str | None, PRIVATE] = Field(default=None, min_length=1)
    """Any name of this device, for the login by password."""
    client_id: Annotated[str | None, PRIVATE] = Field(default=None, min_length=1)
    """Of the OAuth login."""
    api_secret: SecretStr | None = Field(default=None, min_length=1)
    """The OAuth secret."""

    dialect: Annotated[str | None, SHOWN] = None
    """Another row of the table of Noren brokers than the type's own."""
    rest_base: str | None = Field(default=None, pattern="^https?://")
    """Where REST calls go; the type's own address by default."""
    websocket_url: str | None = Field(default=None, pattern="^wss?://")
    """Where the stream is; the type's own address by default."""
    masters_base: str | None = Field(default=None, pattern="^https?://")
    """Where the symbol masters are; the type's own address by default."""

    requests_per_second: float | None = Field(default=None, gt=0)
    """REST calls of this login, all together; the broker's own limit by default."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    """As above, for each minute."""
    subscribe_chunk: int | None = Field(default=None, ge=1, le=100_000)
    """Instruments per subscribe frame."""
    chunk_pause: float | None = Field(default=None, ge=0)
    """Seconds between two subscribe frames."""

    @model_validator(mode="before")
    @classmethod
    def _fill_vendor_code(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("user_id"), str):
            return data
        return {"vendor_code": f"{data['user_id']}_U", **data}

    @classmethod
    def missing_for_login(cls, broker_type: str, given: Collection[str]) -> str | None:
        """Sources: protocol section 1.3 (password and TOTP) and 1.4 (OAuth)."""
        needed: tuple[str, ...]
        if "token" in given:
            needed = ("user_id", "token")
        elif broker_type == "flattrade":
            needed = ("user_id", "api_key", "api_secret")
        else:
            by_password = ("user_id", "password", "totp_secret", "api_key")
            by_oauth = ("user_id", "client_id", "api_secret")
            if not {*given} & {*by_password, *by_oauth} - {"user_id"}:
                return (
                    "a shoonya broker logs in with user_id, client_id and api_secret (OAuth), "
                    "or with user_id, password, totp_secret and api_key; expected one of these, found neither"
                )
            needed = by_oauth if {*given} & {"client_id", "api_secret"} else by_password
        missing = [key for key in needed if key not in given]
        if not missing:
            return None
        return f"a {broker_type} broker logs in with {', '.join(needed)}; missing: {', '.join(missing)}"

    def credential_problem(self) -> str | None:
        if self.totp_secret is None or _is_base32(self.totp_secret.get_secret_value()):
            return None
        return (
            "totp_secret: expected the base32 secret (letters A to Z, digits 2 to 7) that was shown when "
            "the authenticator was set up, found something else, such as a code of six digits"
        )


class SimulatedSection(NorenSection):
    """Of a simulated broker: its addresses and its login come from the simulator by default."""

    @property
    def is_simulated(self) -> bool:
        return True

    @property
    def account_words(self) -> list[str]:
        return [*super().account_words, self.rest_base or ""]

    @classmethod
    def missing_for_login(cls, broker_type: str, given: Collection[str]) -> str | None:
        return None


def _is_base32(secret: str) -> bool:
    text = secret.replace(" ", "").upper()
    try:
        return len(base64.b32decode(text + "=" * (-len(text) % 8))) >= 10
    except (binascii.Error, ValueError):
        return False
