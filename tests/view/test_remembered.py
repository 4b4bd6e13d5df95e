"""What is kept between two views."""

from __future__ import annotations

import gc
import itertools
import weakref

from dualbroker.view.remembered import MOST_NAMES, Remembered


class Owner:
    pass


def test_a_value_is_made_once_for_a_mark_and_anew_for_another() -> None:
    owner, remembered = Owner(), Remembered()
    numbers = itertools.count(1)

    def value(mark: int) -> int:
        return remembered.of(owner, "name", mark, lambda: next(numbers))

    assert [value(1), value(1), value(2), value(1)] == [1, 1, 2, 3]
    assert remembered.of(Owner(), "name", 1, lambda: 9) == 9, "another owner's"


def test_it_is_bounded_and_keeps_no_owner_alive() -> None:
    owner, remembered = Owner(), Remembered()
    for name in range(MOST_NAMES + 1):
        remembered.of(owner, name, 0, lambda: "old")
    assert remembered.of(owner, 0, 0, lambda: "new") == "new", "the first was let go"
    assert remembered.of(owner, MOST_NAMES, 0, lambda: "new") == "old"
    alive = weakref.ref(owner)
    del owner
    gc.collect()
    assert alive() is None
