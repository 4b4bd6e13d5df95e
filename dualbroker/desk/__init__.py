"""Positions, profit, stops and the books behind them: pure, without I/O and without a clock."""
