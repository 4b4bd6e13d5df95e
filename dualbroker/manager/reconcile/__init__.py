"""The ledger made equal to the brokers' books, and the journal that keeps it over restarts."""
