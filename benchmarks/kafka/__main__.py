"""`python -m benchmarks.kafka [engines] [latency] [pipeline] [state]`; without a name, all."""

import signal
import sys

from benchmarks.kafka import engines, latency, pipeline, state
from benchmarks.kafka.rig import broker

CASES = {"engines": engines.main, "latency": latency.main, "pipeline": pipeline.main, "state": state.main}

signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the broker goes too
with broker() as found:
    for name in sys.argv[1:] or CASES:
        CASES[name](found)
