"""The stream endpoint: its clients, what they may ask, the streams they choose."""
