"""Which broker brings the same price first, and which leaves some out: pure, without I/O or a clock."""
