"""Bad input made from good input, and from grammars of what is nearly good.

Everything is drawn from the random source given, so that seed, target and running number tell an input.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

__all__ = ["JsonPairs", "json_object", "json_value", "mutate_bytes", "mutate_pairs", "number_text", "quoted"]

JsonPairs = list[tuple[str, str]]
"""An object as pairs of JSON texts: duplicate keys and texts that are no JSON can be said too."""

_LONGEST_INPUT = 200_000

_PIECES = (
    b"",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xc0\x80",
    b"\\ud800",
    b"\\u0000",
    b"\r",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b'"',
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"#",
    b"|",
    b"-",
    b"1e999",
    b"-1",
    b"NaN",
    b"Infinity",
    b"null",
    b"true",
    b"99999999999999999999",
    b"0.1",
    b"9007199254740993",
)


def mutate_bytes(rng: random.Random, seed: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A few of the usual mutations: bits, bytes, pieces, copies, cuts, and parts of other inputs."""
    data = bytearray(seed)
    for _ in range(_few(rng)):
        rng.choice(_BLOWS)(rng, data, others, words)
        if len(data) > _LONGEST_INPUT:
            del data[_LONGEST_INPUT:]
    return bytes(data)


def _few(rng: random.Random) -> int:
    return min(12, 1 + int(rng.expovariate(0.5)))


def _span(rng: random.Random, data: bytearray) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + int(rng.expovariate(1 / 8)))


_Blow = Callable[[random.Random, bytearray, Sequence[bytes], Sequence[bytes]], None]


def _flip(rng: random.Random, data: bytearray, _others: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(
    rng: random.Random, data: bytearray, _others: Sequence[bytes], _words: Sequence[bytes]
) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def _cut(rng: random.Random, data: bytearray, _others: Sequence[bytes], _words: Sequence[bytes]) -> None:
    start, stop = _span(rng, data)
    del data[start:stop]


def _truncate(rng: random.Random, data: bytearray, _others: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if rng.random() < 0.3:
        del data[rng.randint(0, len(data)) :]


def _insert(rng: random.Random, data: bytearray, _others: Sequence[bytes], words: Sequence[bytes]) -> None:
    start, stop = _span(rng, data)
    piece = rng.choice(words) if words and rng.random() < 0.5 else rng.choice(_PIECES)
    data[start : stop if rng.random() < 0.5 else start] = piece


def _number(rng: random.Random, data: bytearray, _others: Sequence[bytes], _words: Sequence[bytes]) -> None:
    """Another number where one stands."""
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    if places:
        start = stop = rng.choice(places)
        while stop < len(data) and data[stop] in b"0123456789.":
            stop += 1
        data[start:stop] = number_text(rng).encode("utf-8", "replace")


def _repeat(rng: random.Random, data: bytearray, _others: Sequence[bytes], _words: Sequence[bytes]) -> None:
    start, stop = _span(rng, data)
    times = rng.choice((2, 3, 10, 100) + ((5_000,) if rng.random() < 0.05 else ()))
    data[start:start] = bytes(data[start:stop]) * times


def _splice(rng: random.Random, data: bytearray, others: Sequence[bytes], _words: Sequence[bytes]) -> None:
    other = rng.choice(others)
    start, stop = sorted((rng.randint(0, len(other)), rng.randint(0, len(other))))
    here, there = _span(rng, data)
    data[here:there] = other[start : min(stop, start + 2_000)]


_BLOWS: tuple[_Blow, ...] = (
    _flip,
    _overwrite,
    _cut,
    _truncate,
    _insert,
    _insert,
    _number,
    _number,
    _repeat,
    _splice,
)


def number_text(rng: random.Random) -> str:
    """A number, nearly a number, or what some parser somewhere takes for one."""
    choice = rng.randrange(12)
    if choice == 0:
        return rng.choice(_ODD_NUMBERS)
    if choice == 1:
        return rng.choice(("", "-", "+", " ")) + str(rng.getrandbits(rng.choice((1, 31, 53, 54, 64, 200))))
    if choice == 2:
        return f"{rng.uniform(-10, 10):.{rng.randrange(20)}f}e{rng.randint(-330, 330)}"
    if choice == 3:
        return "".join(rng.choice("0123456789.eE+-_ ,") for _ in range(rng.randrange(1, 12)))
    if choice == 4:
        return repr(rng.uniform(-1e6, 1e6))
    if choice == 5:
        return "0." + "".join(rng.choice("0123456789") for _ in range(rng.choice((3, 17, 40, 800))))
    if choice == 6:
        return str(2**53 + rng.randint(-3, 3)) + rng.choice(("", ".0", ".5", "e1"))
    return f"{rng.uniform(0, 10 ** rng.randrange(1, 9)):.2f}"


_ODD_NUMBERS = (
    *(
        "",
        " ",
        "-",
        "+",
        ".",
        "e",
        "NA",
        "-0",
        "-0.0",
        "00",
        "007",
        "+5",
        "5.",
        ".5",
        "1e5",
        "1E+5",
        "5e-324",
    ),
    *("nan", "NaN", "-nan", "inf", "-inf", "Infinity", "-Infinity", "1e308", "1.8e308", "1e309", "1e999"),
    *(
        "-1e999",
        "1e-999",
        "1_0",
        "1,000",
        "1 000",
        "0x1F",
        "0b1",
        "0o7",
        "1d5",
        "1f",
        "٣",
        "５",
        "½",
        "\x1f5",
    ),
    *("9007199254740992", "9007199254740993", "-9007199254740993", "18446744073709551616", "1e1000000000"),
    *("null", "true", "None", "1.0.0", "--5", "5-", "1e", "1e+", "0.30000000000000004", "1000000001"),
)


def quoted(text: str) -> str:
    """A JSON text of a string, with nothing escaped that need not be."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def json_value(rng: random.Random, depth: int = 0) -> str:
    """The JSON text of some value, or of nearly one."""
    choice = rng.randrange(14)
    if choice < 4:
        return quoted(number_text(rng))
    if choice < 7:
        return number_text(rng)
    if choice == 7:
        return rng.choice(("true", "false", "null", "NaN", "Infinity", "-Infinity", "undefined", ""))
    if choice == 8:
        return rng.choice(_ODD_TEXTS)
    if choice == 9 and depth < 3:
        return "[" + ",".join(json_value(rng, depth + 1) for _ in range(rng.randrange(4))) + "]"
    if choice == 10 and depth < 3:
        pairs = [(quoted(rng.choice("abtek")), json_value(rng, depth + 1)) for _ in range(rng.randrange(4))]
        return json_object(rng, pairs)
    if choice == 11 and rng.random() < 0.05:
        levels = rng.choice((50, 900, 990, 1_000, 1_100, 20_000))
        opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
        return opening * levels + "1" + closing * levels
    if choice == 12 and rng.random() < 0.1:
        return '"' + rng.choice(("a", "é", "\\u0000", "9", "\\ud83d\\ude00")) * rng.choice((65, 5_000)) + '"'
    return quoted("".join(rng.choice("ABCxyz019 -_/|#:.é✓") for _ in range(rng.randrange(12))))


_ODD_TEXTS = (
    *('""', '" "', '"\\u0000"', '"\\ud800"', '"\\udc00x"', '"\\ud83d\\ude00"', '"\\ufeff"', '"\t"', '"\x00"'),
    *(
        '"NSE|22"',
        '"NSE|22#NSE|22"',
        '"#"',
        '"|"',
        '"NSE||22"',
        '"<b>"',
        '"\\"',
        '"\\x41"',
        '"\u202e"',
        "'a'",
    ),
    *('"OK"', '"Ok"', '"Not_Ok"', '"NOT_OK"', '"COMPLETE"', '"REJECTED"', '"Fill"', '"Rejected"', '"B"'),
    *('"09:15:00 29-02-2025"', '"31-12-9999 23:59:59"', '"00:00:00 01-01-1970"', '"24:00:00 01-01-2026"'),
    *('"31-12-2261 23:59:59"', '"-1"', '"9223372036"', '"253402300799"', '"1700000000"', '"26133100000001"'),
)


def json_object(rng: random.Random, pairs: JsonPairs) -> str:
    """Pairs as one object, sometimes with white space of JSON between."""
    gap = rng.choice(("", "", "", " ", "\n", "\t")) if pairs else ""
    return "{" + f",{gap}".join(f"{key}:{gap}{value}" for key, value in pairs) + "}"


def mutate_pairs(rng: random.Random, pairs: JsonPairs, keys: Sequence[str]) -> JsonPairs:
    """The fields of an object with a few of them other than they were, gone, twice, or new."""
    pairs = list(pairs)
    for _ in range(_few(rng)):
        choice = rng.randrange(8)
        place = rng.randrange(len(pairs)) if pairs else 0
        if choice < 4 and pairs:
            pairs[place] = (pairs[place][0], json_value(rng))
        elif choice == 4 and pairs:
            del pairs[place]
        elif choice == 5 and pairs:
            pairs.insert(rng.randint(0, len(pairs)), (pairs[place][0], json_value(rng)))
        elif choice == 6 and pairs:
            other = rng.randrange(len(pairs))
            pairs[place] = (pairs[place][0], pairs[other][1])
        else:
            pairs.insert(place, (quoted(rng.choice(keys)), json_value(rng)))
    return pairs
