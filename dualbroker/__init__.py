"""Quotes from one broker, orders from every broker, each message tagged with its broker."""
