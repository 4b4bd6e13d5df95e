"""The documentation's generated parts, and how its examples are run."""
