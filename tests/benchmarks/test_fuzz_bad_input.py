"""A few thousand bad inputs at each run, and proof that the fuzzer would find what it looks for."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from fuzzing import frames, masters, rest  # noqa: E402
from fuzzing.targets import TARGETS, Target, all_targets, shares  # noqa: E402
from fuzzing.watched import chunks, run_watched  # noqa: E402
from fuzzing.work import Tally, input_of, run_inputs, smallest  # noqa: E402

from dualbroker.noren.quotes import TouchlineDelta, TouchlineSnapshot  # noqa: E402
from dualbroker.noren.stream import decode  # noqa: E402


@pytest.mark.slow
def test_a_few_thousand_bad_inputs_do_no_harm() -> None:
    command = [sys.executable, str(BENCHMARKS / "fuzz_bad_input.py"), "--inputs=6000", "--seed=3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300)
    result: dict[str, Any] = json.loads(done.stdout)
    assert [tally["failures"] for tally in result["targets"].values()] == [[]] * len(TARGETS)
    assert done.returncode == 0
    assert result["inputs"] >= 6000
    for name, tally in result["targets"].items():
        assert tally["inputs"] == sum(tally["outcomes"].values()) == shares(6000)[name]
        accepted = sum(
            count for outcome, count in tally["outcomes"].items() if outcome.startswith("accepted")
        )
        assert 0 < accepted < tally["inputs"]


def test_seed_target_and_number_tell_an_input(tmp_path: Path) -> None:
    again = all_targets(tmp_path)
    for name, target in all_targets(tmp_path).items():
        there = [input_of(target, 1, index) for index in range(12)]
        back = [input_of(again[name], 1, index) for index in reversed(range(12))]
        assert back[::-1] == there
        assert len(set(there)) > 6
        assert there != [input_of(target, 2, index) for index in range(12)]


def _other_number(raw: bytes) -> Any:
    message = decode(raw)
    if isinstance(message, TouchlineDelta) and message.ltp:
        message.ltp *= 1.0000001
    return message


def _other_instrument(raw: bytes) -> Any:
    message = decode(raw)
    if isinstance(message, TouchlineDelta | TouchlineSnapshot):
        message.token = "2885"
    return message


def _crash(*_args: Any, **_more: Any) -> Any:
    raise KeyError("norenordno")


def _nothing(*_args: Any, **_more: Any) -> list[Any]:
    return []


@pytest.mark.parametrize(
    ("name", "module", "function", "broken", "kind"),
    [
        ("frames", frames, "decode", _other_number, "WrongValueError"),
        ("frames", frames, "decode", _other_instrument, "WrongValueError"),
        ("frames", frames, "decode", lambda raw: msgspec.json.decode(raw), "DecodeError"),
        ("frames", frames, "to_order_update", _crash, "KeyError"),
        ("client frames", frames, "parse_client_frame", _crash, "KeyError"),
        ("REST rows", rest, "parse_rows", _nothing, "WrongValueError"),
        ("REST rows", rest, "parse_rows", lambda status, body: json.loads(body), "JSONDecodeError"),
        ("REST objects", rest, "parse_object", lambda status, body: json.loads(body), "WrongValueError"),
        ("symbol masters", masters, "parse_master", _crash, "KeyError"),
    ],
)
def test_a_parser_that_is_broken_is_found(
    name: str,
    module: Any,
    function: str,
    broken: Callable[..., Any],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = all_targets(tmp_path)[name]
    assert run_inputs(target, 7, 0, 300).failures == []
    monkeypatch.setattr(module, function, broken)
    failures = run_inputs(target, 7, 0, 300).failures
    assert kind in {failure.kind.split()[0] for failure in failures}
    assert all(failure.reproducer for failure in failures)


def test_what_fails_is_made_as_small_as_it_can_be() -> None:
    assert smallest(b"much and X and more", lambda data: b"X" in data) == b"X"
    assert smallest(b"(" + b"." * 5_000 + b")", lambda data: b"(" in data and b")" in data) == b"()"


class Trap:
    """Hangs at one input and kills its process at another."""

    name: ClassVar[str] = "trap"
    share: ClassVar[int] = 1

    def __init__(self, _material: object = None) -> None: ...

    def make(self, rng: random.Random) -> bytes:
        return rng.randbytes(8)

    def check(self, data: bytes) -> str:
        number = int.from_bytes(data[:1])
        if number < 8:
            time.sleep(60)
        elif number < 16:
            os._exit(3)
        return "accepted"


def traps(_room: Path) -> Mapping[str, Target]:
    return {"trap": Trap()}


@pytest.mark.slow
def test_an_input_that_hangs_or_kills_costs_itself_alone(tmp_path: Path) -> None:
    tally = Tally()
    first = [input_of(Trap(), 4, index)[0] for index in range(60)]
    hang, death = sum(byte < 8 for byte in first), sum(8 <= byte < 16 for byte in first)
    assert hang
    assert death
    run_watched(chunks({"trap": 60}), 4, 2, tmp_path, lambda _, more: tally.add(more), make=traps, hang_s=0.5)
    assert {failure.kind: failure.times for failure in tally.failures} == {
        "the process died": death,
        "hangs: no end after 0.5 s": hang,
    }
    assert tally.outcomes == {"failed": hang + death, "accepted": 60 - hang - death}
    assert tally.inputs == 60
