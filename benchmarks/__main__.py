"""Runs every benchmark."""

import os
import platform

from benchmarks import pipeline, score, screen, startup

print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
screen.main()
score.main()
pipeline.main()
startup.main()
