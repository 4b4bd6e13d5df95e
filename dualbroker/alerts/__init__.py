"""Alerts: what is worth telling a person, once for each cause, and how it reaches them."""
