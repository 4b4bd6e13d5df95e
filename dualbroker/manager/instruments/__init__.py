"""Symbol masters of the brokers: loaded, searched, and one broker's instrument found at another."""
