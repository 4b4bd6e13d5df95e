"""What is private in a broker's section, kept out of words that others wrote.

Brokers repeat it: a rejected order's reason names the account (``... for C-FA0001``), a refused login the
user. Such words are shown and logged.
"""

from __future__ import annotations

import re

from pydantic import SecretStr

from dualbroker.config.broker import BrokerConfig, mask

__all__ = ["PrivateWords"]

_SHORTEST = 4
"""Characters; what is shorter is no id, and would be found in any word."""
_PAN = r"\b[A-Z]{5}[0-9]{4}[A-Z]\b"
"""India's tax number of a person or company."""
_REMOVED = "[removed]"


class PrivateWords:
    """Masks a section's ids, and removes its secrets and whatever looks like a PAN.

    Parameters
    ----------
    section
        Of the broker whose words are read.
    """

    def __init__(self, section: BrokerConfig) -> None:
        self._instead: dict[str, str] = {}
        secrets: list[str] = []
        ids: list[str] = []
        for key in section.private_keys():
            value = getattr(section, key)
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            if plain is None or len(plain) < _SHORTEST:
                continue
            is_secret = isinstance(value, SecretStr)
            (secrets if is_secret else ids).append(plain)
            self._instead[plain.lower()] = _REMOVED if is_secret else mask(plain)
        # The longest first, for one may begin with another; an id only where it stands by itself.
        wanted = [re.escape(word) for word in sorted(secrets, key=len, reverse=True)]
        wanted += [
            rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])"
            for word in sorted(ids, key=len, reverse=True)
        ]
        self._pattern = re.compile("|".join([*wanted, _PAN]), re.IGNORECASE)

    def __call__(self, words: str) -> str:
        """The words as they may be shown."""
        return self._pattern.sub(lambda found: self._instead.get(found[0].lower(), _REMOVED), words)

    def __repr__(self) -> str:
        return f"PrivateWords({len(self._instead)} kept private)"
