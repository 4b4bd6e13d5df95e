"""The wire format of the Noren brokers (Shoonya and its siblings): bytes to typed values and back, no I/O."""
