"""Noren as data: brokers of this family differ by one row each (protocol: sections 0, 1.1 and 4).

Zebu, TradeSmart and the other siblings have no row: of each the reference page lacks a fact that a
session needs (Zebu's request limits, TradeSmart's login page, how the older ones log in since 2026).
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import msgspec

from dualbroker.errors import ConfigError

__all__ = ["DIALECTS", "FLATTRADE", "SHOONYA", "SHOONYA_LEGACY", "Dialect", "dialect"]


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one broker speaks Noren."""

    name: str
    rest_base: str
    """Requests go to ``<rest_base>/<endpoint>``; no trailing slash."""
    websocket_url: str
    masters_base: str
    """Folder of the symbol masters; no trailing slash."""
    masters_layout: Literal["noren_zip", "flattrade_csv"]
    """``noren_zip``: ``<exchange>_symbols.txt.zip``, one per exchange (protocol: section 3)."""
    authorisation: Literal["jkey", "bearer"]
    """Token of REST calls: in the body, or in the header ``Authorization: Bearer``."""
    hello: Literal["c", "a"]
    """Type of the WebSocket's first frame."""
    login: Literal["password_totp", "oauth", "flattrade"]
    authorise_url: str | None = None
    """Page of the browser login, with ``{client_id}`` in it; None where there is none."""
    token_url: str | None = None
    """Where a login's code becomes a token, when that is not GenAcsTok under ``rest_base``."""
    registered_address: str = ""
    """What the broker asks of the address of a login, in words for a person (protocol: section 9)."""
    content_type: str | None = None
    """Header of REST calls; None sends none, as the official client does."""
    subscribes_orders: bool = True
    """False where order updates come by themselves, without a frame ``o``."""
    requests_per_second: int
    requests_per_minute: int
    subscribe_chunk: int = 100
    """Instruments in one subscribe frame (practice: 30 to 100)."""
    chunk_pause_s: float = 0.1
    """Seconds between two such frames."""
    heartbeat_s: float = 30.0
    """Seconds between two heartbeats (documented by Flattrade)."""

    @property
    def token_name(self) -> Literal["access_token", "susertoken", "token"]:
        """The field of a login's answer that has the token to work with."""
        if self.login == "flattrade":
            return "token"
        by_bearer = self.login == "oauth" and self.authorisation == "bearer"
        return "access_token" if by_bearer else "susertoken"

    @property
    def refusal_may_be(self) -> str:
        """What a login that is refused without a word may lack, the likeliest first."""
        address = (
            f"the address it comes from ({self.registered_address}), " if self.registered_address else ""
        )
        code = "" if self.login == "password_totp" else ", or a login code that was used before or is too old"
        return (
            f"It may be {address}an API key that is not active or belongs to another login{code}; "
            "`dualbroker doctor` says which address it is"
        )

    def authorise_page(self, client_id: str) -> str | None:
        """The address to open in a browser for a login; None where the login needs no browser.

        Parameters
        ----------
        client_id
            ``FA0001_U`` at Shoonya, the API key at Flattrade.
        """
        if self.authorise_url is None:
            return None
        return self.authorise_url.format(client_id=quote(client_id, safe=""))


_SHOONYA_ADDRESS = (
    "Shoonya wants a static IP registered before any login works: trade.shoonya.com, profile, API key"
)

# Hosts: section 1.1, read in a living bridge to many brokers. Authorise page: users in April 2026.
# Limits: section 4; support named 20 a second and 200 a minute, and the rule of 2026 says 10 a second
# of orders, which is left out of account since nothing here places any.
SHOONYA = Dialect(
    name="shoonya",
    rest_base="https://api.shoonya.com/NorenWClientAPI",
    websocket_url="wss://api.shoonya.com/NorenWSAPI/",
    masters_base="https://api.shoonya.com",
    masters_layout="noren_zip",
    authorisation="bearer",
    hello="a",
    login="oauth",
    authorise_url="https://trade.shoonya.com/OAuthlogin/authorize/oauth?client_id={client_id}",
    registered_address=_SHOONYA_ADDRESS,
    content_type="text/plain",
    requests_per_second=20,
    requests_per_minute=200,
)

# The generation until March 2026, answered with 502 since (section 0). Brokers that still run it
# are reached by this row with other addresses, as is the simulator.
SHOONYA_LEGACY = Dialect(
    name="shoonya_legacy",
    rest_base="https://api.shoonya.com/NorenWClientTP",
    websocket_url="wss://api.shoonya.com/NorenWSTP/",
    masters_base="https://api.shoonya.com",
    masters_layout="noren_zip",
    authorisation="jkey",
    hello="c",
    login="password_totp",
    registered_address=_SHOONYA_ADDRESS,
    requests_per_second=20,
    requests_per_minute=200,
)

# Section 1.1 and 1.4: its own browser login; the token goes into REST bodies and the new first frame.
# Limits: 40 a second and 200 a minute.
FLATTRADE = Dialect(
    name="flattrade",
    rest_base="https://piconnect.flattrade.in/PiConnectAPI",
    websocket_url="wss://piconnect.flattrade.in/PiConnectWSAPI/",
    masters_base="https://flattrade.s3.ap-south-1.amazonaws.com/scripmaster",
    masters_layout="flattrade_csv",
    authorisation="jkey",
    hello="a",
    login="flattrade",
    authorise_url="https://auth.flattrade.in/?app_key={client_id}",
    token_url="https://authapi.flattrade.in/trade/apitoken",
    registered_address=(
        "Flattrade gives a token only to the static IP registered for the API key, or to its secondary one"
    ),
    requests_per_second=40,
    requests_per_minute=200,
)

DIALECTS = {row.name: row for row in (SHOONYA, SHOONYA_LEGACY, FLATTRADE)}


def dialect(name: str) -> Dialect:
    """The row of that name.

    Raises
    ------
    ConfigError
        There is none.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        raise ConfigError(f"expected a Noren dialect ({', '.join(DIALECTS)}), found {name!r}") from None
