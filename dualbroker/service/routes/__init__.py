"""One router per file; ``app`` puts them together."""
