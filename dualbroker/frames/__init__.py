"""Stores as pandas frames: columns and dtypes, bars, chains, what was saved, sheets of a workbook."""
