"""Target: config.yaml."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import yaml

from dualbroker.config.load import load_config, parse_config
from dualbroker.config.schema import Config
from dualbroker.errors import ConfigError

from .material import Material
from .mutation import json_value, mutate_bytes, number_text
from .reference import expect
from .said import Said

__all__ = ["Configs"]

_SECRET = "s3cret-Marker-7f"
_ENVIRONMENT = {"SECRET": _SECRET, "EMPTY": ""}

_SEEDS = (
    "brokers:\n  broker1:\n    type: simulated\n  broker2:\n    type: simulated\n",
    f"""\
brokers:
  broker1:
    type: shoonya
    user_id: FA0001
    password: {_SECRET}
    totp_secret: ${{SECRET}}
    api_key: ${{keyring:key}}
    enabled: true
  broker2: {{type: flattrade, user_id: FZ0002, api_key: "${{SECRET}}", api_secret: '{_SECRET}'}}
  broker3:
    type: shoonya
    enabled: false
    password: $${{not a reference}}
subscribe:
  - NIFTY
  - NSE:RELIANCE-EQ
  - {{underlying: NIFTY, expiry: 0, strikes: 5}}
primary: broker1
""",
    """\
brokers: {a: {type: simulated, requests_per_second: 20, subscribe_chunk: 30, chunk_pause: 0.1, orders: poll}}
simulator: {market: synthetic, seed: 7, ticks_per_second: 600.5, strikes: 10, expiries: 2, hold: false}
liveness: {ping_every: 10, quotes_silent_after: 5.5}
ticks: {max_rows: 1000}
order_events: {max_rows: 1000}
orders: {reconcile_every: 60}
server: {host: 127.0.0.1, port: 8000}
log: {level: info, file: ~/dualbroker.log}
cache: cache
start_timeout: 10.0
""",
    """\
brokers: {broker1: {type: simulated}, broker2: {type: simulated}}
primary: auto
market_hours:
  closed: [2026-01-15]
  open: {2026-11-08: 18:00-19:00, 2027-03-06: [09:15-10:00, 11:30-12:30]}
  MCX: {closed: [2026-03-03], open: {2026-01-15: 17:00-23:55}, hours: 09:00-23:30}
simulator: {faults: {broker2: {delay_s: 0.2, lacks: [X], first_scrips_only: 100}, all: {no_data: true}}}
""",
    "base: &base {type: simulated}\nbrokers:\n  a: *base\n  b: {<<: *base, enabled: false}\n",
    "%YAML 1.1\n---\nbrokers: !!map\n  ? a\n  : type: !!str simulated\n...\n",
)

_WORDS = (
    *(
        b"*base",
        b"&base ",
        b"<<: ",
        b"!!int ",
        b"!!float ",
        b"!!binary ",
        b"!!timestamp ",
        b"!!set ",
        b"!!python/x ",
    ),
    *(
        b"? ",
        b"- ",
        b"| ",
        b">- ",
        b"---\n",
        b"...\n",
        b"%TAG ! x\n",
        b"# ",
        b"\t",
        b"{",
        b"}",
        b"[",
        b"]",
        b"~",
    ),
    *(b"${SECRET}", b"${EMPTY}", b"${", b"$${", b"${keyring:key}", b"${keyring:no}", b"~nobody/x", b'"\\0"'),
    *(
        b"null",
        b"yes",
        b"off",
        b".inf",
        b".nan",
        b"0x1F",
        b"0o7",
        b"1:30",
        b"2026-01-01",
        b'"\\ud800"',
        b"\xc2\x85",
    ),
)


class Configs:
    """`parse_config` and `load_config`."""

    name: ClassVar[str] = "config"
    share: ClassVar[int] = 4

    def __init__(self, material: Material) -> None:
        self._seeds = [seed.encode() for seed in _SEEDS]
        self._folder = Path(tempfile.mkdtemp(dir=material.room))
        self._log = Said()

    def make(self, rng: random.Random) -> bytes:
        seed = rng.choice(self._seeds)
        if rng.random() < 0.6:
            return mutate_bytes(rng, seed, self._seeds, _WORDS)[:20_000]
        document = yaml.safe_load(seed)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            self._change(rng, document)
        return self._written(rng, document).encode("utf-8", "surrogatepass")

    def _change(self, rng: random.Random, document: Any) -> None:
        """Another value, or another key, somewhere."""
        place = document
        while isinstance(place, dict) and place:
            key = rng.choice(list(place))
            if isinstance(place[key], dict) and rng.random() < 0.8:
                place = place[key]
                continue
            if rng.random() < 0.8:
                place[key] = _Raw(rng.choice((number_text, _odd_scalar, _usual_scalar))(rng))
            else:
                place[rng.choice(_FIELDS)] = _Raw(number_text(rng))
            return

    def _written(self, rng: random.Random, value: Any) -> str:
        if isinstance(value, _Raw):
            return value
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key}: {self._written(rng, held)}" for key, held in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self._written(rng, held) for held in value) + "]"
        return json.dumps(value) if not isinstance(value, date) else str(value)

    def check(self, data: bytes) -> str:
        self._log.lines.clear()
        try:
            if len(data) % 4:
                config = parse_config(
                    data.decode("utf-8", "surrogateescape"),
                    folder=self._folder,
                    environment=_ENVIRONMENT,
                    keyring_reader=_keyring,
                )
            else:
                file = self._folder / "config.yaml"
                file.write_bytes(data)
                config = load_config(file)
        except ConfigError as error:
            said = f"{error} {error.__cause__} {error.__context__}"
            expect(_SECRET not in said or _is_in_a_key(data, said), "a secret in an error")
            expect(said.encode("utf-8") and 0 < len(str(error)) < 100_000, "an error of", len(str(error)))
            return "ConfigError"
        expect(_SECRET not in repr(config) + str(config), "a secret in a repr")
        expect(not any(_SECRET in line for line in self._log.lines), "a secret in the log")
        expect(len(config.fingerprint()) == 64, "no fingerprint")
        self._check_values(config, data)
        return "accepted"

    def _check_values(self, config: Config, data: bytes) -> None:
        document = yaml.safe_load(data.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
        expect(list(config.brokers) == [str(name) for name in document["brokers"]], "other brokers")
        for section in (key for key in document if isinstance(document[key], dict) and key != "brokers"):
            for key, value in document[section].items():
                if isinstance(value, int | float):
                    found = getattr(getattr(config, section), key)
                    expect(
                        found == value or found == float(value), f"{section}.{key}", value, "read as", found
                    )
                    expect(-1e15 < found < 2**63, f"{section}.{key} may be", found)
        for broker in config.enabled_brokers:
            expect(broker.name == broker.name.strip() and broker.name, "a broker named", broker.name)
        for path in (config.cache, config.log.file):
            expect(path is None or "\0" not in str(path), "a path with a NUL byte")


def _is_in_a_key(data: bytes, said: str) -> bool:
    """Whether the secret stands where a key does: keys are shown, or nobody could find what is wrong."""
    try:
        document = yaml.safe_load(data.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
    except Exception:  # what it is that fails is the other loader's to say
        return "expected each key once" in said
    return any(_SECRET in str(key) for key in _keys(document))


def _keys(value: Any, levels: int = 10) -> Iterator[Any]:
    if levels and isinstance(value, dict):
        yield from value
    if levels and isinstance(value, dict | list):
        for held in value.values() if isinstance(value, dict) else value:
            yield from _keys(held, levels - 1)


class _Raw(str):
    """YAML as it stands."""

    __slots__ = ()


def _odd_scalar(rng: random.Random) -> str:
    text = rng.choice(_WORDS).decode() + rng.choice(("", "x", "1", "[a]", "{a: b}", "''", '"-"'))
    return text if rng.random() < 0.7 else json_value(rng)


def _usual_scalar(rng: random.Random) -> str:
    return rng.choice(
        ("1", "20", "2.5", "true", "false", "auto", "poll", "INFO", "NIFTY", "simulated", "~/x")
    )


_FIELDS = (*Config.model_fields, "type", "password", "port", "max_rows", "seed", "nothing", "1", "null")


def _keyring(name: str) -> str | None:
    if name == "no":
        return None
    if name != "key":
        raise RuntimeError("no such store")
    return _SECRET
