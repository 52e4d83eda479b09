"""`hilferuf lexicon suggest`: what people did with posts, as proposals for the lexicons."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from config.yaml_file import Document
from hilferuf import outcomes
from hilferuf.outcomes import Gathered, Post
from hilferuf.progress import progress
from hilferuf.rules import settings_of
from hilferuf.running import Running, running_lexicon
from lexicons.compiler import Lexicon, compile_lexicon
from lexicons.findings import find
from lexicons.format import FORMAT, Cues, LexiconFile, Source, Trigger
from lexicons.inflection import forms
from lexicons.patch import patch
from lexicons.suggest import Judged, Known, Limits, Proposal, Side, suggest
from lexicons.terms import Words
from lexicons.text import Text, cut
from listeners.clock import SystemClock
from records.errors import HilferufError

_LANGUAGE = re.compile("[a-z]{2,3}")


def propose(
    config: Path | None, files: list[Path], over: list[str], language: str | None, limits: Limits, as_json: bool
) -> int:
    """The patch, or one proposal a line, on standard output; what it rests on, on standard error."""
    loaded, now = settings_of(config), SystemClock().now()
    running = running_lexicon(loaded)
    with progress() as line:
        gathered = (
            outcomes.from_files(loaded, running.lexicon, files, over, now)
            if files
            else outcomes.from_helpdesks(loaded, running.lexicon, over, now, line.say)
        )
    chosen = language or _commonest(gathered.posts)
    if not _LANGUAGE.fullmatch(chosen):
        raise HilferufError(
            f"--language {chosen!r} is no language as lexicons name it: two or three small letters, such as de"
        )
    posts = [post for post in gathered.posts if post.language in (chosen, None)]
    found = suggest([post.judged for post in posts], _known(running, chosen, posts), limits)
    _tell(gathered, chosen, found)
    if as_json:
        for one in found:
            sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
    else:
        with_outcome = sum(post.judged.side != "other" for post in posts)
        sys.stdout.buffer.write(patch(found, chosen, with_outcome, f"suggested.{chosen}.yaml").encode())
    sys.stdout.buffer.flush()
    return 0


def _commonest(posts: Sequence[Post]) -> str:
    languages = Counter(post.language for post in posts if post.language and post.judged.side != "other")
    if not languages:
        raise HilferufError(
            "there is no outcome of a post whose language is known: nobody did anything with a ticket yet, or the log has "
            "forgotten the posts; name the language with --language, or outcomes with their text with --outcomes"
        )
    return min(languages, key=lambda language: (-languages[language], language))


def _known(running: Running, language: str, posts: Sequence[Post]) -> Known:
    lexicon = running.lexicon
    triggers = [each.trigger for each in lexicon.triggers if each.language in (language, "any")]
    names = [
        name
        for source in running.sources
        for brand in source.content.brands
        for named in (brand, *brand.products)
        for name in (*named.names, *named.aliases)
    ]
    small = {*(word for word, where in lexicon.stopwords.items() if language in where), *lexicon.cues}
    finder = Finder(language, running.sources, posts)
    return Known(
        language=language,
        weights={trigger.id: trigger.weight for trigger in triggers},
        phrases={trigger.id: tuple(_words(phrase) for phrase in trigger.phrases) for trigger in triggers},
        leagues=frozenset(trigger.id for trigger in triggers if trigger.league),
        stopwords=frozenset(form for word in small for form in (word, *forms(word, language))),
        brands=frozenset(word for name in names for word in _words(name)),
        found=finder.found,
        holds=finder.holds,
    )


def _words(phrase: str) -> frozenset[str]:
    return Words(phrase.replace("…", " ")).keys


class Finder:
    """Which posts a phrase hits, by the matcher that the running service has, with its words of negation and the like."""

    def __init__(self, language: str, sources: Sequence[Source], posts: Sequence[Post]) -> None:
        self._texts: dict[str, Text] = {post.judged.id: cut(post.text) for post in posts}
        spoken = [source.content for source in sources if source.content.language == language]
        self._file = LexiconFile(
            lexicon=FORMAT,
            language=language,
            cues=Cues(negation=tuple(word for content in spoken for word in content.cues.negation)),
            supposed=tuple(phrase for content in spoken for phrase in content.supposed),
            of_others=tuple(phrase for content in spoken for phrase in content.of_others),
            lists={name: words for content in spoken for name, words in content.lists.items()},
        )

    @lru_cache(maxsize=4)  # noqa: B019 - lives as long as the command
    def _lexicon(self, phrase: str) -> Lexicon:
        content = msgspec.structs.replace(self._file, triggers=(Trigger(id="proposed", phrases=(phrase,), weight=1),))
        return compile_lexicon([Source(content, Document({}, {}, "suggested"))])

    def found(self, phrase: str, posts: Sequence[Judged]) -> list[Judged]:
        """The posts that it hits."""
        lexicon = self._lexicon(phrase)
        return [post for post in posts if find(lexicon, self._texts[post.id])[0]]

    def holds(self, phrase: str, text: str) -> bool:
        """Whether it hits a text."""
        return bool(find(self._lexicon(phrase), cut(text))[0])


def _tell(gathered: Gathered, language: str, found: Sequence[Proposal]) -> None:
    """On standard error, so that the patch can be redirected."""
    sides = Counter(post.judged.side for post in gathered.posts if post.language in (language, None))
    words: dict[Side, str] = {
        "missed": "opened by hand", "raised": "raised", "solved": "solved", "no_need": "closed as no need",
        "other": "ordinary posts",
    }  # fmt: skip
    lines = [f"{language}: " + (", ".join(f"{sides[s]} {word}" for s, word in words.items() if sides[s]) or "no posts")]
    others = Counter(
        post.language
        for post in gathered.posts
        if post.language not in (language, None) and post.judged.side != "other"
    )
    lines += [f"{count} outcomes in {other}: --language {other}" for other, count in sorted(others.items()) if other]
    if gathered.unclear:
        lines.append(f"{gathered.unclear} posts left out: said both to need somebody and not to")
    if gathered.lost:
        lines.append(
            f"{gathered.lost} posts left out: not in the log, or taken back by their source; give their text, or --over"
        )
    kinds = Counter(one.kind for one in found)
    lines.append(f"proposed: {kinds['phrase']} phrases, {kinds['exception']} exceptions, {kinds['weight']} weights")
    for text in lines:
        print(text, file=sys.stderr)
