"""``python -m dualbroker``, the same on every system and from a notebook."""

from dualbroker.cli import main

if __name__ == "__main__":
    main()
