"""Start-up of `hilferuf --help`: median of ten, after one warm-up."""

import statistics
import subprocess
import sys
import time


def seconds(runs: int = 10) -> float:
    """Median wall time."""
    command = [sys.executable, "-c", "from hilferuf.cli import main; main()", "--help"]
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    """Print the figure."""
    print(f"hilferuf --help: {seconds() * 1000:.0f} ms")


if __name__ == "__main__":
    main()
