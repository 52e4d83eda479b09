"""A week of mentions through `hilferuf lexicon plan`: `python -m benchmarks.plan [MENTIONS]`. Wall-clock time, on all cores."""

import os
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.mentions import mentions
from benchmarks.rules import BRAND
from hilferuf.commands.lexicon_plan import Over, plan
from records import codec

WEEK = 500_000
NEW = BRAND.replace("lexicon: 1\n", "lexicon: 1\nlanguage: de\n") + (
    "triggers:\n  - {id: nordfunk.tariff, phrases: [Tarif], weight: 6, examples: {hits: [Tarif], misses: [Wetter]}}\n"
)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else WEEK
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "new").mkdir()
        (folder / "hilferuf.yaml").write_text("lexicons: [de, en, nordfunk.yaml]\n", "utf-8")
        (folder / "nordfunk.yaml").write_text(BRAND, "utf-8")
        (folder / "new" / "nordfunk.yaml").write_text(NEW, "utf-8")
        with (folder / "heard.ndjson").open("wb") as log:
            for mention in mentions(count):
                log.write(codec.encode(mention) + b"\n")
        begin = perf_counter()
        over = Over([str(folder / "heard.ndjson")], [], None)
        plan(folder / "hilferuf.yaml", folder / "new" / "nordfunk.yaml", over, 0, False)
        seconds = perf_counter() - begin
    own, workers = (
        resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    cores = len(os.sched_getaffinity(0))
    print(
        f"plan:     {count:,} mentions in {seconds:.0f} s on {cores} cores; peak memory {own} MB, a worker {workers} MB"
    )


if __name__ == "__main__":
    main()
