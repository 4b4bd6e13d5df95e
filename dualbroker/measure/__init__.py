"""Naive against optimised, measured; and a recorded day played through the whole pipeline."""
