"""A short form of ``dualbroker chaos``: CI plays a thousand schedules by the command."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dualbroker.chaos.batch import run_batch
from dualbroker.chaos.generate import generate_schedule
from dualbroker.chaos.run import play
from dualbroker.chaos.schedule import write_schedule
from tests.chaos.mutations import HARMLESS, MUTATIONS, Mutation

SEEDS = 12
WITHIN_SEEDS = 60
"""A mutation has to be caught by then; most are at once."""

DIGESTS = """
from dualbroker.chaos.generate import generate_schedule
from dualbroker.chaos.run import play
print(*(play(generate_schedule(seed)).digest for seed in range(4)))
"""


def test_whatever_fails_nothing_is_lost_doubled_or_mixed_up() -> None:
    for seed in range(SEEDS):
        schedule = generate_schedule(seed)
        outcome = play(schedule)
        assert outcome.violations == (), write_schedule(schedule)
        assert outcome.virtual_s > schedule.faults_end_s


@pytest.mark.slow
def test_a_seed_gives_the_same_run_in_every_process_whatever_the_hash_seed() -> None:
    here = [play(generate_schedule(seed)).digest for seed in range(4)]
    assert len(set(here)) == 4
    for hash_seed in ("0", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        answer = subprocess.run(
            [sys.executable, "-c", DIGESTS], env=environment, capture_output=True, text=True, check=True
        )
        assert answer.stdout.split() == here


@pytest.mark.slow
def test_several_processes_come_to_what_one_does() -> None:
    alone = run_batch(4, first_seed=100, processes=1)
    together = run_batch(4, first_seed=100, processes=2)
    assert [each.digest for each in together.outcomes] == [each.digest for each in alone.outcomes]
    figures = together.as_dict()
    assert figures["seeds"] == 4
    assert figures["first_seed"] == 100
    assert figures["processes"] == 2
    assert figures["violations"] == []
    assert figures["ticks"] == sum(outcome.ticks for outcome in alone.outcomes) > 0


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=list(MUTATIONS))
def test_the_schedules_catch_a_client_that_would(mutation: Mutation) -> None:
    """Would drop the reconcile, reuse a token …: each by the rule that it breaks."""
    for seed in range(mutation.first_seed, mutation.first_seed + WITHIN_SEEDS):
        with mutation.breakage():
            broken = play(generate_schedule(seed)).broken_rules
        if set(broken) & mutation.rules:
            return
    pytest.fail(f"no schedule of {WITHIN_SEEDS} broke one of the rules {sorted(mutation.rules)}")


@pytest.mark.slow
@pytest.mark.parametrize("change", HARMLESS.values(), ids=list(HARMLESS))
def test_a_harmless_change_survives(change: Mutation) -> None:
    with change.breakage():
        for seed in range(10):
            assert play(generate_schedule(seed)).violations == ()
