"""Target: the file of a saved session."""

from __future__ import annotations

import contextlib
import random
import tempfile
from pathlib import Path
from typing import ClassVar

from dualbroker.storage.private_files import name_for
from dualbroker.storage.tokens import SessionTokens

from .material import Material
from .mutation import json_object, mutate_bytes, mutate_pairs
from .reference import expect, read_json
from .said import Said

__all__ = ["Tokens"]


class Tokens:
    """`SessionTokens.load` on a file that anything may have written."""

    name: ClassVar[str] = "saved tokens"
    share: ClassVar[int] = 5
    _login = "shoonya-FA0001"
    _keys = ("token", "user_id", "account_id", "obtained_ns", "expires_ns", "x")

    def __init__(self, material: Material) -> None:
        self._seed = (
            b'{"token":"%s","user_id":"FA0001","account_id":"FA0001","obtained_ns":1800000000000000000,'
            b'"expires_ns":1800050000000000000}' % (b"ab12" * 16)
        )
        self._pairs = material.pairs(self._seed)
        self._now_ns = 1_800_000_001_000_000_000
        self._folder = Path(tempfile.mkdtemp(dir=material.room))
        self._tokens = SessionTokens(self._folder, in_keyring=False)
        self._file = self._folder / f"session-{name_for(self._login)}.json"
        self._log = Said()

    def make(self, rng: random.Random) -> bytes:
        if rng.random() < 0.4:
            return mutate_bytes(rng, self._seed, [self._seed], ())
        return json_object(rng, mutate_pairs(rng, self._pairs, self._keys)).encode("utf-8", "replace")

    def check(self, data: bytes) -> str:
        self._log.lines.clear()
        self._file.write_bytes(data)
        session = self._tokens.load(self._login, self._now_ns)
        if session is None:
            with contextlib.suppress(ValueError, RecursionError, TypeError, AttributeError):
                expires = read_json(data).get("expires_ns")
                if int(expires) <= self._now_ns:
                    return "expired, or can't be read"
            expect(self._log.lines, "a file set aside in silence")
            return "can't be read (logged)"
        wire = read_json(data)
        for name in ("token", "user_id", "account_id"):
            expect(getattr(session, name) == wire[name], name, "is another than in the file")
        expect(session.token.isascii() and session.token.isprintable(), "a token that no header takes")
        expect(
            session.expires_ns == int(float(wire["expires_ns"]))
            or str(session.expires_ns) == wire["expires_ns"]
        )
        expect(session.expires_ns > self._now_ns, "an expired session")
        expect(len(session.token) < 8 or session.token not in repr(session), "a token in a repr")
        return "accepted"
