"""`hilferuf` as a process whose wall clock jumps: before anything else is imported, the time of day is moved by as many seconds
as the file HILFERUF_TEST_CLOCK says, which the test writes. Monotonic time stays, as it does when a real clock is set."""

import os
import time
from pathlib import Path

_FILE = Path(os.environ["HILFERUF_TEST_CLOCK"])
_LOOK = 0.2  # seconds
_time_ns = time.time_ns


class _Offset:
    ns, looked = 0, -1.0

    def now(self) -> int:
        if time.monotonic() - self.looked > _LOOK:
            self.looked = time.monotonic()
            self.ns = int(float(_FILE.read_text() or 0) * 1e9) if _FILE.exists() else 0
        return _time_ns() + self.ns


_offset = _Offset()
time.time_ns = _offset.now
time.time = lambda: _offset.now() / 1e9


def main() -> None:
    from hilferuf.cli import main

    main()
