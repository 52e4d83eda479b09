"""The bundled story: one day of the invented brand Nordfunk on X and Facebook, 17 March 2026, 07:00 to 22:00 in Berlin.

Everybody in it is invented. Handles of people on X are longer than the 15 characters X allows and ids lie above those it
gives out, so none of them can belong to anybody. Four files, one JSON object a line:

- `story.ndjson`: what happens, by time. `n` counts from 1; `ref` is the `n` of the entry this one answers, quotes,
  reposts, comments, edits or deletes. `need` and `urgency` are the ground truth, judged by hand for the text of the
  entry alone: should the service desk answer this author (0 or 1), and how soon (0 = no need, 1 = question, 2 = own
  problem today or money, 3 = danger, or a vulnerable person without help).
- `people.ndjson`: who writes; `followers` null where the channel does not say.
- `facts.ndjson`: customer facts in the input form of `records.facts`, some of them happening during the day.

`nordfunk.yaml` is the brand's lexicon and `hilferuf.yaml` the settings that the demo starts from.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from config.yaml_file import ConfigError
from records.facts import CustomerFact
from records.times import Timestamp, to_ms

StoryChannel = Literal["x", "facebook"]
Act = Literal["post", "reply", "quote", "repost", "comment", "tagged", "edit", "delete"]
FOLDER = Path(__file__).parent
ACTS: dict[StoryChannel, frozenset[Act]] = {
    "x": frozenset({"post", "reply", "quote", "repost", "edit", "delete"}),
    "facebook": frozenset({"post", "tagged", "comment", "edit", "delete"}),
}
_OPENING = frozenset({"post", "tagged"})
_SAME_AUTHOR = frozenset({"edit", "delete"})
_WITHOUT_TEXT = frozenset({"repost", "delete"})


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that somebody does. `photo`: a picture is attached (only its address exists)."""

    n: Annotated[int, msgspec.Meta(ge=1)]
    at: Timestamp
    channel: StoryChannel
    do: Act
    ref: int | None
    author: str
    text: str
    need: Literal[0, 1]
    urgency: Annotated[int, msgspec.Meta(ge=0, le=3)]
    lang: Literal["de", "en"]
    photo: bool = False


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An author. `key` is the story's name of it, `id` the channel's; `brand`: one of Nordfunk's own accounts."""

    key: str
    channel: StoryChannel
    id: Annotated[str, msgspec.Meta(pattern=r"^\d+$")]
    handle: str | None
    name: str
    followers: Annotated[int, msgspec.Meta(ge=0)] | None
    brand: bool


class Story(msgspec.Struct, frozen=True):
    """The whole story: entries by time, people by key, facts by time."""

    entries: tuple[Entry, ...]
    people: dict[str, Person]
    facts: tuple[CustomerFact, ...]

    @property
    def start(self) -> int:
        """Time of the first entry, milliseconds since 1970."""
        return to_ms(self.entries[0].at)

    @property
    def end(self) -> int:
        """Time of the last entry, milliseconds since 1970."""
        return to_ms(self.entries[-1].at)

    def root(self, entry: Entry) -> Entry:
        """The entry that opens the thread in which this one stands; a quote opens a thread of its own."""
        while entry.ref is not None and entry.do != "quote":
            entry = self.entries[entry.ref - 1]
        return entry


def load_story(folder: Path = FOLDER) -> Story:
    """Reads and checks the story. Raises ConfigError with file and line for anything that does not fit together."""
    entries = _read(folder / "story.ndjson", Entry)
    people = _read(folder / "people.ndjson", Person)
    facts = _read(folder / "facts.ndjson", CustomerFact)
    story = Story(tuple(entries), {person.key: person for person in people}, tuple(facts))
    _check_people(people, str(folder / "people.ndjson"))
    for line in range(1, len(entries) + 1):
        problem = _problem(story, line)
        if problem:
            raise ConfigError(problem, str(folder / "story.ndjson"), line)
    return story


def _read(path: Path, type_: Any) -> list[Any]:
    decoder = msgspec.json.Decoder(type_)
    rows = []
    for line, data in enumerate(path.read_bytes().splitlines(), 1):
        try:
            rows.append(decoder.decode(data))
        except msgspec.DecodeError as error:
            raise ConfigError(str(error), str(path), line) from error
    return rows


def _check_people(people: list[Person], file: str) -> None:
    for name, values in (
        ("key", [person.key for person in people]),
        ("id", [f"{person.channel}:{person.id}" for person in people]),
    ):
        value, times = Counter(values).most_common(1)[0]
        if times > 1:
            raise ConfigError(f"two people share the {name} {value!r}", file, values.index(value) + 1, name)


def _problem(story: Story, line: int) -> str | None:
    """What is wrong with the entry on this line, or None."""
    entry = story.entries[line - 1]
    person = story.people.get(entry.author)
    if entry.n != line:
        return f"n is {entry.n}, but this is entry {line}"
    if line > 1 and entry.at < story.entries[line - 2].at:
        return "is earlier than the entry before it"
    if person is None or person.channel != entry.channel:
        return f"there is no {entry.author!r} on {entry.channel}"
    if entry.do not in ACTS[entry.channel]:
        return f"{entry.channel} knows no {entry.do}"
    if (entry.ref is None) != (entry.do in _OPENING):
        return f"a {entry.do} {'opens a thread and has no ref' if entry.ref else 'needs a ref'}"
    if bool(entry.text) == (entry.do in _WITHOUT_TEXT):
        return f"a {entry.do} {'has no text' if entry.text else 'needs a text'}"
    if bool(entry.urgency) != bool(entry.need):
        return "urgency is above 0 exactly where need is 1"
    return _ref_problem(story, entry)


def _ref_problem(story: Story, entry: Entry) -> str | None:
    if entry.ref is None:
        return None
    if not 1 <= entry.ref < entry.n:
        return f"ref {entry.ref} is no earlier entry"
    target = story.entries[entry.ref - 1]
    if target.channel != entry.channel:
        return f"ref {entry.ref} is on {target.channel}"
    if entry.do in _SAME_AUTHOR and target.author != entry.author:
        return f"only its author can {entry.do} entry {entry.ref}"
    if target.do in {"edit", "delete", "repost"}:
        return f"ref {entry.ref} is a {target.do}; refer to the post itself"
    return None
