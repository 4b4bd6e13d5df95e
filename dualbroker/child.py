"""What a child process of this package runs: ``python -P child.py MODULE ARGUMENT …``.

It finds this very package wherever it lies, though the working directory is not looked into; a folder
that the package shares with a user's files comes last.
"""

import os
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120


def main() -> None:
    """Run ``main`` of the module that the first argument names; it sees the other arguments."""
    sys.path.insert(0, _ROOT)
    import dualbroker  # noqa: F401

    sys.path.remove(_ROOT)
    sys.path.append(_ROOT)
    from importlib import import_module

    import_module(sys.argv.pop(1)).main()


if __name__ == "__main__":
    main()
