"""Gathers what `lexicon suggest` learns from: outcomes, the posts that they name, and ordinary posts beside them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from config.settings import Loaded
from hilferuf.engine_file import path_of
from hilferuf.recorded import recorded
from lexicons.compiler import Lexicon
from lexicons.hits import NOT_JUDGED
from lexicons.judgement import judge
from lexicons.outcomes import Outcome, Settled, read_outcomes, settle
from lexicons.suggest import Hit, Judged, Side
from lexicons.terms import Words
from listeners.ndjson import read_lines
from records.errors import HilferufError
from records.ids import digest
from records.mention import Mention, Op, revision_order
from records.normalise import normalise_mention
from records.times import from_ms
from records.topics import WHOLE, state_of
from streams.author import AuthorState
from streams.outcomes import outcomes_of
from streams.store import Store, connect

ORDINARY = 10_000  # posts beside the outcomes: enough for what is usual, few enough to be judged in seconds
STEP = 500
OPS: tuple[Op, ...] = ("create", "update", "delete", "hide")

_states = msgspec.json.Decoder(AuthorState)


class Post(NamedTuple):
    """A post with its language as the judgement tells it, None = unknown."""

    judged: Judged
    language: str | None
    text: str


class Gathered(NamedTuple):
    """posts: outcomes, and ordinary posts (side `other`). unclear: posts of which people said both. lost: ids that the log
    does not know (any more)."""

    posts: list[Post]
    unclear: int
    lost: int


def from_files(loaded: Loaded, lexicon: Lexicon, files: list[Path], over: list[str], now: int) -> Gathered:
    """Outcomes of NDJSON files. The log (`over`, or the running one) is read where it was named, or where an outcome has
    nothing but an id. Raises HilferufError, ConfigError with the line."""
    outcomes = [outcome for file in files for outcome in _read(file)]
    settled = settle(outcomes)
    named = {key for key, (outcome, _) in settled.posts.items() if outcome.text is None}
    log = _Log(frozenset(settled.posts), named)
    if over or named:
        log.read(recorded(loaded, over, now, ops=OPS))
    posts = []
    for key, (outcome, side) in settled.posts.items():
        mention = log.named.get(key) if outcome.text is None else _mention(key, outcome, now)
        if mention is not None:
            posts.append(_post(mention, side, lexicon, outcome.author))
    return _gathered(posts, log, lexicon, settled, len(named - log.named.keys()))


def from_helpdesks(loaded: Loaded, lexicon: Lexicon, over: list[str], now: int, say: Callable[[str], None]) -> Gathered:
    """What people did in the helpdesks, from the states of the running engine. Raises HilferufError."""
    mentions: dict[str, Mention] = {}
    outcomes: list[Outcome] = []
    states = _topic(loaded) if loaded.settings.kafka else _file(loaded)
    for number, state in enumerate(states, 1):
        for mention, what in outcomes_of(state):
            mentions[mention.id] = mention
            outcomes.append(Outcome(outcome=what, id=mention.id))
        say(f"{number:,} authors looked at")
    settled = settle(outcomes)
    log = _Log(frozenset(settled.posts), set())
    log.read(recorded(loaded, over, now, ops=OPS))
    posts = [_post(mentions[key], side, lexicon, None) for key, (_, side) in settled.posts.items()]
    return _gathered(posts, log, lexicon, settled, 0)


def _gathered(posts: list[Post], log: "_Log", lexicon: Lexicon, settled: Settled, lost: int) -> Gathered:
    for mention in log.ordinary():
        verdict = judge(mention, lexicon)
        if not verdict.kept and verdict.dropped not in NOT_JUDGED:  # what is kept may well need somebody
            posts.append(_post(mention, "other", lexicon, None))
    return Gathered(posts, settled.unclear, lost)


def _post(mention: Mention, side: Side, lexicon: Lexicon, author: str | None) -> Post:
    verdict = judge(mention, lexicon)
    text = mention.text or ""
    names = (mention.author.handle, mention.author.name, author)
    judged = Judged(
        id=mention.id,
        author=author or mention.author_key,
        side=side,
        words=Words(text, [name for name in names if name]),
        hits=tuple(Hit(hit.id, hit.start, hit.end) for hit in verdict.triggers),
    )
    return Post(judged, verdict.language, text)


def _mention(key: str, outcome: Outcome, now: int) -> Mention:
    document: dict[str, Any] = {"id": key, "text": outcome.text}
    if outcome.language is not None:
        document |= {"language": {"tag": outcome.language, "source": "platform"}}
    return normalise_mention(msgspec.json.encode(document), observed_at=from_ms(now), listener="outcomes")


def _read(file: Path) -> list[Outcome]:
    try:
        with file.open("rb") as stream:
            return read_outcomes(((line.number, line.data) for line in read_lines(stream)), str(file))
    except OSError as error:
        raise HilferufError(f"{file}: cannot be read: {error.strerror}") from error


class _Log:
    """The newest revision of each post that an outcome names, and a sample of the others: by digest of their ids, so that the
    order in which they come changes nothing. What its source took back, also if it was shown again, teaches nothing."""

    def __init__(self, outcomes: frozenset[str], named: set[str]) -> None:
        self._outcomes, self._wanted = outcomes, named
        self.named: dict[str, Mention] = {}
        self._sample: dict[str, Mention] = {}
        self._gone: set[str] = set()
        self._bound = "g"  # above every hex digest

    def read(self, mentions: Iterator[Mention]) -> None:
        """Take them all in."""
        for mention in mentions:
            if mention.op in ("delete", "hide"):
                self._gone.add(mention.id)
            elif mention.id in self._wanted:
                _keep_newest(self.named, mention.id, mention)
            elif mention.id not in self._outcomes and (mark := digest(mention.id)) < self._bound:
                _keep_newest(self._sample, mark, mention)
                if len(self._sample) >= 2 * ORDINARY:
                    self._thin()
        for key in self.named.keys() & self._gone:
            del self.named[key]

    def ordinary(self) -> list[Mention]:
        """The sample."""
        self._thin()
        return [mention for _, mention in sorted(self._sample.items()) if mention.id not in self._gone]

    def _thin(self) -> None:
        marks = sorted(self._sample)
        for mark in marks[ORDINARY:]:
            del self._sample[mark]
        if len(marks) > ORDINARY:
            self._bound = marks[ORDINARY]


def _keep_newest(held: dict[str, Mention], key: str, mention: Mention) -> None:
    if key not in held or _order(mention) > _order(held[key]):
        held[key] = mention


def _order(mention: Mention) -> tuple[object, ...]:
    return (*revision_order(mention), mention.text or "")


def _file(loaded: Loaded) -> Iterator[AuthorState]:
    path = path_of(loaded)
    if not path.exists():
        raise HilferufError(f"{path} does not exist yet: `hilferuf run` makes it; or name a file with --outcomes")
    connection = connect(path)
    try:
        store, after = Store(connection), ""
        while keys := store.all_keys("assess", after, STEP):
            after = keys[-1]
            yield from (_states.decode(data) for data in store.states("assess", keys).values())
    finally:
        connection.close()


def _topic(loaded: Loaded) -> Iterator[AuthorState]:
    from streams.kafka.reading import Reader

    assert loaded.settings.kafka is not None
    newest: dict[str, bytes] = {}
    with Reader(loaded.settings.kafka) as reader:
        places = reader.places(state_of("assess"))
        for records in reader.read(reader.starts(places), reader.ends(places)):
            for record in records:
                if record.key is None or record.key == WHOLE:
                    continue
                # Most authors have no ticket that anybody worked on; of the others only the bytes are kept.
                if record.value is not None and b'"helpdesk":' in record.value:
                    newest[record.key] = record.value
                else:
                    newest.pop(record.key, None)
    for key in sorted(newest):
        yield _states.decode(newest.pop(key))
