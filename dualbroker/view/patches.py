"""What has changed of a value made of dicts and lists, so that a page is not sent again what it has. Pure.

A patch is one of these, each in a dict of one key, so that no value of a state is taken for one:

- ``{"=": value}``: the value itself;
- ``{"keys": {name: patch, …}, "gone": [name, …]}``: of a dict, what has changed and what is gone;
- ``{"at": {place: patch, …}}``: of a list of the same length, places as text;
- ``{"cut": [first, count, [values]]}``: of a list: that many are taken out there, and these put in;
- ``{"shift": [values]}``: of a list: so many at its beginning are gone, and these have come at its end.

``dualbroker/service/static/patch.js`` applies it.
"""

from __future__ import annotations

from typing import Any

__all__ = ["applied", "patch"]

_MOST_SHIFTED = 5
_WORTH_IT = 0.5
"""A patch of more places than this share of a list is no shorter than the list."""


def patch(old: Any, new: Any) -> dict[str, Any] | None:
    """What makes ``new`` of ``old``; None when they are equal."""
    if old is new or old == new:
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        return _of_dict(old, new)
    if isinstance(old, list) and isinstance(new, list) and old and new:
        return _of_list(old, new)
    return {"=": new}


def _of_dict(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    changed = {
        name: found
        for name, value in new.items()
        if (found := patch(old[name], value) if name in old else {"=": value}) is not None
    }
    return {"keys": changed, "gone": [name for name in old if name not in new]}


def _of_list(old: list[Any], new: list[Any]) -> dict[str, Any]:
    if len(old) == len(new):
        for count in range(1, min(_MOST_SHIFTED, len(new) - 1) + 1):
            if old[count:] == new[:-count]:
                return {"shift": new[-count:]}
        places = [place for place, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
        if len(places) <= _WORTH_IT * len(new):
            return {"at": {str(place): patch(old[place], new[place]) for place in places}}
    shorter = min(len(old), len(new))
    first = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    same = shorter - first
    last = next((place for place in range(same) if old[-1 - place] != new[-1 - place]), same)
    put_in = new[first : len(new) - last]
    if len(put_in) > _WORTH_IT * len(new):
        return {"=": new}
    return {"cut": [first, len(old) - last - first, put_in]}


def applied(old: Any, change: dict[str, Any]) -> Any:
    """What a patch makes of ``old``, which stays as it is."""
    if "=" in change:
        return change["="]
    if "keys" in change:
        kept = {name: value for name, value in old.items() if name not in change["gone"]}
        return kept | {name: applied(old.get(name), each) for name, each in change["keys"].items()}
    if "shift" in change:
        return [*old[len(change["shift"]) :], *change["shift"]]
    if "at" in change:
        return [
            applied(value, change["at"][str(place)]) if str(place) in change["at"] else value
            for place, value in enumerate(old)
        ]
    first, count, put_in = change["cut"]
    return [*old[:first], *put_in, *old[first + count :]]
