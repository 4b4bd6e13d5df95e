"""The market: instruments, prices, depth and bars, made up or recorded."""
