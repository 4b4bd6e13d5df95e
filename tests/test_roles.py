from __future__ import annotations

from dualbroker.roles import LoginOutcome, choose_primary

IN, FAILED, WAITING = LoginOutcome.IN, LoginOutcome.FAILED, LoginOutcome.WAITING


def test_the_first_in_the_file_carries_quotes_however_late_the_others_are() -> None:
    choice = choose_primary(["a", "b"], {"a": IN, "b": WAITING}, time_is_up=False)
    assert (choice.primary, choice.final) == ("a", True)


def test_a_quick_second_waits_for_the_first_until_the_time_is_up() -> None:
    outcomes = {"a": WAITING, "b": IN}
    assert choose_primary(["a", "b"], outcomes, time_is_up=False).primary is None
    choice = choose_primary(["a", "b"], outcomes, time_is_up=True)
    assert choice.primary == "b"
    assert "a did not log in" in choice.reason


def test_a_failed_first_is_passed_over_at_once() -> None:
    assert choose_primary(["a", "b", "c"], {"a": FAILED, "b": IN}, time_is_up=False).primary == "b"


def test_nobody_in_is_final_only_when_nobody_is_on_the_way() -> None:
    assert not choose_primary(["a", "b"], {"a": FAILED, "b": WAITING}, time_is_up=True).final
    assert choose_primary(["a", "b"], {"a": FAILED, "b": FAILED}, time_is_up=False).final
    assert choose_primary([], {}, time_is_up=False).final
