"""Speed, by hand: `python -m benchmarks` runs all of it and prints one table. Never part of the tests."""
