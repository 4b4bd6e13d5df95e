"""Bad input, made and judged: what `fuzz_bad_input.py` runs."""
