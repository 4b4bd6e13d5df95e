"""What is live while a kernel runs: widgets, the thread that writes them, controls, charts."""
