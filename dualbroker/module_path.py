"""Keeps a user's ``secrets.py`` or ``token.py`` from being taken for Python's own module of that name.

Python looks into the working directory, or the script's, before its standard library. In our own programs
the standard library goes first. In somebody else's, such as a notebook, the order is theirs; there
the file that is in the way is named. This module is imported before any other, so it uses nothing but
what Python has loaded already.
"""

import os
import sys

__all__ = ["is_own_program", "standard_library_first", "what_is_in_the_way"]

_OWN_SCRIPTS = ("dualbroker", "dualbroker.exe", "dualbroker-script.py", "start_dual_broker_web.py")
_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__))  # noqa: PTH100, PTH120
_PACKAGE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120


def is_own_program() -> bool:
    """Whether this process runs a program of this package: no other's modules can be meant in it."""
    words = sys.orig_argv
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1].partition(".")[0] == "dualbroker"
    script = os.path.abspath(sys.argv[0]) if sys.argv and sys.argv[0] else ""  # noqa: PTH100
    return os.path.basename(script) in _OWN_SCRIPTS or os.path.dirname(script) == _PACKAGE  # noqa: PTH119, PTH120


def standard_library_first() -> None:
    """Have Python look into its standard library before any other folder."""
    sys.path.sort(key=lambda entry: not _is_standard(entry))


def what_is_in_the_way(problem: Exception | None = None) -> str | None:
    """Names a file that was loaded in the place of a standard module.

    Parameters
    ----------
    problem
        An import that failed: only a file that it speaks of is named. Without one, a file counts that some
        other code uses in good faith.

    Returns
    -------
    str or None
        What it is and what to do, for an error message; None when there is none.
    """
    for name in sorted(sys.stdlib_module_names & sys.modules.keys()):
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        if file is None or not _goes_first(file):
            continue
        if _is_used_elsewhere(module, file) if problem is None else _speaks_of(problem, name):
            return (
                f"{file} was taken for Python's own module {name!r}, which dualbroker or a library of it "
                "needs: rename it, or have Python not look into that folder first (python -P, or the "
                "variable PYTHONSAFEPATH=1, set before Python or the notebook's server starts), and start "
                "Python again"
            )
    return None


def _speaks_of(problem: BaseException | None, name: str) -> bool:
    while problem is not None:
        said = str(problem)
        if f"'{name}'" in said or f"'{name}." in said:
            return True
        # Compiled modules say "cannot import name randbits" and not from where.
        _, found, wanted = said.partition("cannot import name ")
        if found and " from " not in wanted and not hasattr(sys.modules[name], wanted.strip("'")):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _is_standard(entry: str) -> bool:
    path = os.path.abspath(entry or os.curdir)  # noqa: PTH100
    inside = path == _STANDARD_LIBRARY or path.startswith(_STANDARD_LIBRARY + os.sep)
    return inside and os.path.basename(path) not in ("site-packages", "dist-packages")  # noqa: PTH119


def _goes_first(file: str) -> bool:
    """Whether a module's file lies in a folder that Python looks into before its standard library."""
    folder = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120
    if os.path.basename(file) == "__init__.py":  # noqa: PTH119
        folder = os.path.dirname(folder)  # noqa: PTH120
    for entry in sys.path:
        if _is_standard(entry):
            return False
        if os.path.abspath(entry or os.curdir) == folder:  # noqa: PTH100
            return True
    return False


def _is_used_elsewhere(module: object, file: str) -> bool:
    folder = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120
    for other in list(sys.modules.values()):
        place = getattr(other, "__file__", None)
        if other is module or place is None or os.path.dirname(os.path.abspath(place)) == folder:  # noqa: PTH100, PTH120
            continue
        if any(value is module for value in list(vars(other).values())):
            return True
    return False
