"""Brokers that speak Noren. What differs between them is a row of ``dualbroker.noren.dialects``."""
