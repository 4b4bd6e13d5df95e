"""Runs the brokers of config.yaml and serves them on port 8000: the same as ``dualbroker serve``."""

from __future__ import annotations

import sys

from dualbroker.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "serve")
    main()
