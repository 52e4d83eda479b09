"""The world of the upgrade tests: two builds of Hilferuf, each in a tree of its own, as processes on one broker."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from config.kafka import KafkaSettings
from config.settings import Retention
from records.topics import MENTIONS
from streams.kafka import admin
from tests.crash.desk import BRAND
from tests.servers import free_port
from tests.streams.kafka.desk_rig import Writer, settings_for

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "hilferuf", "lexicons", "listeners", "priority", "records", "sinks", "streams")
MAIN = [sys.executable, "-c", "from hilferuf.cli import main; main()"]
PATIENCE = 60.0  # seconds; the machine may be busy
FOREVER = 3_650.0  # days: nothing is forgotten while the test still asks for it
NORMALISE = """\
import json, os, sys
from records import codec
from records.normalise import normalise_mention
assert codec.__file__.startswith(os.getcwd()), "another build was started"
for line in sys.stdin:
    mention = normalise_mention(line.strip(), observed_at=sys.argv[1], listener="webhook")
    print(json.dumps([mention.id, codec.encode(mention).decode()]))
"""
_RULES = """\
import json, os, sys
from pathlib import Path
from config.settings import load_settings
from hilferuf.rules import rules_of
from lexicons.judgement import judge
from records import codec
from records.normalise import normalise_mention
from streams.memory import MemoryEngine
from streams.topology import stages
assert codec.__file__.startswith(os.getcwd()), "another build was started"
rules = rules_of(load_settings(Path(sys.argv[2])))
mentions = [normalise_mention(line.strip(), observed_at=sys.argv[1], listener="webhook") for line in sys.stdin]
"""
JUDGE = f"""{_RULES}
for mention in mentions:
    verdict = judge(mention, rules.lexicon)
    print(json.dumps([mention.id, verdict.kept, verdict.dropped, verdict.context, verdict.brand]))
"""
DERIVE = f"""{_RULES}
engine = MemoryEngine(stages(rules.lexicon, rules.strategy, rules.loaded.settings))
engine.play(mentions)
for operation in engine.tickets.values():
    print(codec.encode(operation).decode())
"""
# What the newer build adds to every record and state: a field that is never at its default, so it is always written.
ADDED = """
    added: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "added", "newer")

"""
_STRUCT = re.compile(
    r'^class \w+\([^)]*msgspec\.Struct[^)]*kw_only=True[^)]*\):\n    """.*?"""\n', re.DOTALL | re.MULTILINE
)
_FILES = ("records/*.py", "streams/author.py", "streams/screen.py", "streams/profile.py", "streams/kafka/turn.py")


def newer_tree(folder: Path) -> Path:
    """This tree, with one more field in the records and states, nested ones too."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for pattern in _FILES:
        for file in folder.glob(pattern):
            file.write_text(_STRUCT.sub(lambda found: found[0] + ADDED, file.read_text("utf-8")), "utf-8")
    return folder


def archived_tree(commit: str, folder: Path) -> Path:
    """The tree of a commit of this repository. Raises CalledProcessError where the clone has it not."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit, *PACKAGES], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


class Build(NamedTuple):
    """A version of the program."""

    name: str
    tree: Path

    def environment(self) -> dict[str, str]:
        own = {key: value for key, value in os.environ.items() if not key.startswith("HILFERUF_")}
        return {**own, "PYTHONPATH": str(self.tree)}

    def encode(self, events: list[dict[str, Any]], now: str) -> list[tuple[str, bytes]]:
        """Key and value of each event on `mentions`, as this build's listener writes them."""
        return [(key, value.encode()) for key, value in map(json.loads, self._told(NORMALISE, events, now))]

    def judge(self, events: list[dict[str, Any]], now: str, settings: Path) -> list[tuple[Any, ...]]:
        """Id, kept, dropped, context and brand of each event, by this build's rules."""
        return [tuple(json.loads(line)) for line in self._told(JUDGE, events, now, settings)]

    def derive(self, events: list[dict[str, Any]], now: str, settings: Path) -> list[bytes]:
        """The newest operation of every ticket, as this build's engine in memory wants and encodes it."""
        return self._told(DERIVE, events, now, settings)

    def _told(self, script: str, events: list[dict[str, Any]], *words: str | Path) -> list[bytes]:
        lines = "".join(json.dumps(event) + "\n" for event in events)
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)],
            input=lines.encode(),
            cwd=self.tree,
            env=self.environment(),
            check=True,
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
        )
        return done.stdout.splitlines()


class Process:
    """A worker or a deliverer of one build."""

    def __init__(self, build: Build, role: str, folder: Path, kafka: KafkaSettings) -> None:
        self.name = f"{role}-{build.name}"
        self.port = free_port()
        self._log = folder / f"{self.name}.log"
        settings = settings_file(self.name, folder, kafka)
        words = [role, "--config", str(settings), "--health-port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*MAIN, *words], cwd=build.tree, env=build.environment(), stdout=log, stderr=log, start_new_session=True
            )

    def get(self, path: str) -> str:
        """Empty where nobody answers, or says no."""
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
        return ""

    def ready(self) -> None:
        until(lambda: self.get("/readyz"), self.said)

    def taken_in(self) -> float:
        """Records of its input that it has worked."""
        return sum(map(float, re.findall(r"^hilferuf_partition_records_total\S* (\S+)$", self.get("/metrics"), re.M)))

    def said(self) -> str:
        assert self._process.poll() is None, f"{self.name} ended with {self._process.returncode}\n" + self.log()
        return f"{self.name}\n{self.log()}"

    def log(self) -> str:
        return self._log.read_text("utf-8")[-3_000:]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(PATIENCE)


def settings_file(name: str, folder: Path, kafka: KafkaSettings) -> Path:
    settings = {
        "data_dir": str(folder / f"data-{name}"),
        "lexicons": ["de", "en", str(folder / "brand.yaml")],
        "sinks": {"queue": {"path": str(folder / "queue.db"), "observe_seconds": 2}},
        "retention": {"route_days": FOREVER, "author_days": FOREVER},
        "kafka": {
            "bootstrap": list(kafka.bootstrap),
            "prefix": kafka.prefix,
            "partitions": kafka.partitions,
            "replication": kafka.replication,
            "min_insync": kafka.min_insync,
            "session_seconds": kafka.session_seconds,
            "snapshot_minutes": 0.1,
        },
        "log": {"level": "info"},
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(settings), "utf-8")  # JSON is YAML
    return path


class Deployment:
    """The broker's topics, and the processes of both builds on them."""

    def __init__(self, addresses: list[str], prefix: str, folder: Path) -> None:
        self.folder = folder
        self.kafka = settings_for(addresses, prefix, session_seconds=6)
        self.running: dict[str, list[Process]] = {}
        (folder / "brand.yaml").write_text(BRAND, "utf-8")
        self.settings = settings_file("judge", folder, self.kafka)  # of no process, for what the builds are asked
        admin.apply(self.kafka, Retention(route_days=FOREVER, author_days=FOREVER))
        self._writer = Writer(self.kafka)

    def start(self, build: Build) -> None:
        """A worker and a deliverer of this build."""
        self.running[build.name] = [Process(build, role, self.folder, self.kafka) for role in ("work", "deliver")]

    def ready(self) -> None:
        for process in [process for pair in self.running.values() for process in pair]:
            process.ready()

    def stop(self, build: Build, number: signal.Signals = signal.SIGTERM) -> None:
        codes = [process.end(number) for process in self.running.pop(build.name)]
        assert number == signal.SIGKILL or codes == [0, 0], codes

    def change_rules(self) -> None:
        """A brand more, that nobody speaks of: from its next start on a build derives every author anew."""
        (self.folder / "brand.yaml").write_text(BRAND.replace("}]", "}, {id: ostfunk, names: [Ostfunk]}]"), "utf-8")

    def publish(self, records: list[tuple[str, bytes]]) -> None:
        for key, value in records:
            self._writer.put(MENTIONS, key, value)

    def discard(self) -> None:
        for pair in self.running.values():
            for process in pair:
                process.end(signal.SIGKILL)


def until(well: Callable[[], Any], trouble: Callable[[], str]) -> None:
    """Ask again until it is so."""
    end = time.monotonic() + PATIENCE
    while not well():
        said = trouble()
        assert time.monotonic() < end, said
        time.sleep(0.2)
