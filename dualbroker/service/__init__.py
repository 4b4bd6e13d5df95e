"""The headless face: a web API over a running manager, and one page."""
