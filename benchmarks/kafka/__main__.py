"""`python -m benchmarks.kafka [engines] [latency] [pipeline] [state]`; without a name, all."""

import sys

from benchmarks.kafka import engines, latency, pipeline, state
from benchmarks.kafka.rig import broker

CASES = {"engines": engines.main, "latency": latency.main, "pipeline": pipeline.main, "state": state.main}

with broker() as found:
    for name in sys.argv[1:] or CASES:
        CASES[name](found)
