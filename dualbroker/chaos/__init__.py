"""Thousands of schedules: the real manager, brokers and stores under seeded faults, in virtual time."""
