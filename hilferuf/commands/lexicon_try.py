"""`hilferuf lexicon try`: the whole judgement of a text, with what was heard in it and what was not."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from hilferuf.commands.judge import error_line
from hilferuf.commands.lexicon_test import because
from hilferuf.lexicon_choice import near_settings
from hilferuf.rules import rules_of
from lexicons.judgement import Lexicon, judge
from lexicons.silenced import Hearing, hear
from lexicons.text import cut
from listeners.clock import SystemClock
from listeners.contract import Bad
from listeners.replay import read_mentions
from records.mention import Mention
from records.times import from_ms
from records.verdict import Dropped, Verdict

# What would move the cursor or turn the line round is shown as a picture of it, or as a replacement character.
_VISIBLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_VISIBLE |= dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
# Longer than here it is told in docs/lexicons.md.
WHY_DROPPED: dict[Dropped, str] = {
    "own_post": "one of your own accounts wrote it",
    "repost": "somebody else's words again",
    "bot": "a bot wrote it",
    "spam": "reads like a giveaway or a job advert",
    "no_brand": "speaks to no brand of yours, or every trigger stands too far from its name",
    "no_need": "asks for nothing",
    "no_content": "nothing to read",
    "deleted": "deleted or hidden",
}


def try_texts(text: str | None, config: Path | None, as_json: bool) -> int:
    """Exit code 1 where a line could not be read."""
    lexicon = rules_of(near_settings(config)).lexicon
    console = Console(highlight=False)
    failed = 0
    for number, given in enumerate([text] if text is not None else _lines(), 1):
        item = _mention(given, number)
        if isinstance(item, Bad):
            failed = 1
            if not as_json:
                sys.stderr.write(f"hilferuf: {item.origin}: {item.reason}\n")
                continue
            sys.stdout.buffer.write(msgspec.json.encode(error_line(item)) + b"\n")
        elif as_json:
            sys.stdout.buffer.write(msgspec.json.encode(judge(item, lexicon)) + b"\n")
        else:
            console.print(shown_verdict(item, judge(item, lexicon), lexicon), soft_wrap=True)
        sys.stdout.flush()
    return failed


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        if line.strip():
            yield line.decode("utf-8", "replace").rstrip("\r\n")


def _mention(given: str, number: int) -> Mention | Bad:
    """A line that begins like a JSON object is a mention, everything else the text of a post."""
    given = given.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # an argument may be no UTF-8
    document = (
        given
        if given.lstrip().startswith("{")
        else msgspec.json.encode({"id": f"file:{number}", "text": given}).decode()
    )
    stream = io.BytesIO(document.replace("\n", " ").encode())
    item = next(read_mentions(stream, observed_at=from_ms(SystemClock().now()), name="stdin"))
    return msgspec.structs.replace(item, origin=f"line {number}") if isinstance(item, Bad) else item


def shown_verdict(mention: Mention, verdict: Verdict, lexicon: Lexicon) -> Text:
    """What a person sees of a judgement: the text with its hits, the numbers, what moved them, and what did not count."""
    body = Text()
    heard = _hear(mention, verdict, lexicon)
    body.append_text(_highlighted(mention.text or "", verdict, heard))
    body.append("\n\n")
    if verdict.kept:
        body.append("kept", style="bold green")
    else:
        assert verdict.dropped is not None
        body.append(f"not kept ({verdict.dropped})", style="bold red")
        body.append(f": {WHY_DROPPED[verdict.dropped]}")
        if verdict.context:
            body.append("; may join an open conversation")
    need = "not judged" if verdict.need is None else f"{verdict.need:.2f}"
    body.append(
        f"\nneed {need} (kept from {lexicon.need_threshold:g}), urgency {verdict.urgency:.1f}, anger {verdict.anger:.1f}"
    )
    body.append(f", sentiment {verdict.sentiment:+.1f}, language {verdict.language or 'unknown'}")
    body.append(f"\nbrand {verdict.brand or 'none'}, spoken to by: {verdict.addressed}")
    if verdict.league:
        body.append(f", league {verdict.league}", style="bold red")
    body.append("\n")
    for hit in verdict.triggers:
        body.append(f"  {hit.weight:+5g}  {hit.id}", style="bold")
        body.append(f"  {hit.text!r} at {hit.start}-{hit.end}\n")
    for line in _not_counted(verdict, heard, lexicon):
        body.append(f"      -  {line}\n", style="dim")
    for waiting in verdict.pending:
        body.append(f"waits for the author or thread to be known: {waiting}\n", style="yellow")
    body.append("reasons: " + (", ".join(verdict.reasons) or "none"))
    body.append(f"\nlexicons {verdict.lexicon_version}\n", style="dim")
    return body


def _hear(mention: Mention, verdict: Verdict, lexicon: Lexicon) -> Hearing:
    """What stands in the text, in the language it was judged in."""
    if verdict.dropped in ("own_post", "repost", "bot", "deleted", "no_content"):
        return Hearing((), ())
    told = frozenset([verdict.language]) if verdict.language in lexicon.languages else None
    return hear(lexicon, cut(mention.text or ""), told)


def _highlighted(text: str, verdict: Verdict, heard: Hearing) -> Text:
    shown = Text(text.translate(_VISIBLE))  # one for one, so that places stay
    counting = {hit.id for hit in verdict.triggers}
    for silent in heard.silenced:
        shown.stylize("strike dim", silent.start, silent.end)
    for hit in (*verdict.triggers, *heard.hits):
        shown.stylize("bold reverse" if hit.id in counting else "strike dim", hit.start, hit.end)
    return shown


def _not_counted(verdict: Verdict, heard: Hearing, lexicon: Lexicon) -> Iterator[str]:
    counting = {hit.id for hit in verdict.triggers}
    for hit in heard.hits:
        if hit.id not in counting:
            trigger = lexicon.trigger(hit.id)
            conditional = trigger is not None and trigger.when is not None
            why = "its conditions (`when:`) do not hold" if conditional else "it stands too far from the brand's name"
            yield f"{hit.id}  {hit.text!r} at {hit.start}-{hit.end}: {why}"
    for each in heard.silenced:
        yield f"{each.id}  {each.text!r} at {each.start}-{each.end}: {because(each)}"
