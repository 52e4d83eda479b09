"""`hilferuf screen` and `hilferuf replay`: the machine-readable way in (docs/cli.md)."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from hilferuf.rules import judging_rules
from lexicons.judgement import judge
from listeners.clock import SystemClock
from listeners.contract import Bad
from listeners.replay import read_facts, read_mentions
from records.errors import HilferufError
from records.facts import CustomerFact
from records.mention import Mention
from records.tickets import Factor, Ticket
from records.times import from_ms, to_ms
from records.verdict import Verdict
from streams.memory import MemoryEngine, ranked
from streams.topology import stages

_encode = msgspec.json.Encoder().encode


def screen(config: Path | None) -> int:
    """Verdicts for standard input, line by line."""
    rules = judging_rules(config)
    lexicon = rules.lexicon
    out = sys.stdout.buffer
    for item in read_mentions(sys.stdin.buffer, observed_at=from_ms(SystemClock().now()), until=None, name="stdin"):
        if isinstance(item, Bad):
            out.write(_encode(error_line(item)) + b"\n")
        elif item.op in ("create", "update"):
            out.write(_encode(judge(item, lexicon)) + b"\n")
        else:
            out.write(_encode(_not_judged(item, lexicon.version)) + b"\n")
        out.flush()  # each line at once: somebody may be talking to us through a pipe
    return 0


def error_line(bad: Bad) -> dict[str, Any]:
    """What stands in the place of a line that could not be read."""
    return {"id": _id_of(bad.original), "error": {"origin": bad.origin, "field": bad.field, "reason": bad.reason}}


def _id_of(original: bytes) -> str | None:
    """The id of a line that is no usable mention, where it can be made out."""
    try:
        document = msgspec.json.decode(original)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None


def _not_judged(mention: Mention, version: str) -> Verdict:
    return Verdict(
        id=mention.id,
        kept=False,
        dropped="deleted" if mention.op == "delete" else "no_content",
        brand=mention.account.brand,
        need=None,
        service_request=False,
        urgency=0.0,
        anger=0.0,
        sentiment=0.0,
        language=None,
        lexicon_version=version,
    )


def replay(config: Path | None, mentions: list[str], facts: list[str], until: str | None, as_json: bool) -> int:
    """The ranked queue of recorded mentions."""
    rules = judging_rules(config)
    try:
        now = from_ms(to_ms(until)) if until else from_ms(SystemClock().now())
    except ValueError as error:
        raise HilferufError(f"--until {until!r} is no UTC time such as 2026-03-17T12:00:00Z") from error
    engine = MemoryEngine(stages(rules.lexicon, rules.strategy, rules.loaded.settings))
    bad: list[Bad] = []
    engine.play(_good(_mentions(mentions, now), bad), _good(_facts(facts, now), bad))
    for item in bad:
        print(f"hilferuf: {item.origin}: {item.reason}", file=sys.stderr)
    tickets = ranked(operation.ticket for operation in engine.tickets.values())
    if as_json:
        for rank, ticket in enumerate(tickets, 1):
            sys.stdout.buffer.write(_encode(ticket_line(ticket, rank, ticket.canonical_id)) + b"\n")
        sys.stdout.buffer.flush()
    else:
        from hilferuf.views import print_queue

        print_queue(tickets)
    return 0


def ticket_line(ticket: Ticket, rank: int, ticket_id: str) -> dict[str, Any]:
    """One ticket as `replay --json` and `queue --json` print it; stable names, see docs/cli.md."""
    return {
        "ticket": ticket_id,
        "rank": rank,
        "score": ticket.score,
        "league": ticket.league,
        "due_at": ticket.due_at,
        "status": ticket.status,
        "channel": ticket.channel,
        "author": ticket.author_key,
        "mentions": [post.id for post in ticket.posts if not post.removed],
        "factors": [_factor(factor) for factor in ticket.factors],
        "strategy": ticket.strategy,
        "lexicon_version": ticket.lexicon_version,
        "brand": ticket.brand,
        "priority": ticket.priority,
        "rank_key": ticket.rank_key,
        "opened_at": ticket.opened_at,
        "unknown": ticket.unknown,
    }


def _factor(factor: Factor) -> dict[str, Any]:
    return {"name": factor.name, "points": factor.points, "cap": factor.cap, "why": factor.why}


def _mentions(files: list[str], now: str) -> Iterator[Mention | Bad]:
    with ExitStack() as stack:
        for name in files:
            yield from read_mentions(_open(stack, name), observed_at=now, until=now, name=_name(name))


def _facts(files: list[str], now: str) -> Iterator[CustomerFact | Bad]:
    with ExitStack() as stack:
        for name in files:
            yield from read_facts(_open(stack, name), observed_at=now, name=_name(name))


def _open(stack: ExitStack, name: str) -> BinaryIO:
    if name == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(name).open("rb"))
    except OSError as error:
        raise HilferufError(f"{name}: cannot be read: {error.strerror}") from error


def _name(name: str) -> str:
    return "stdin" if name == "-" else name


def _good(items: Iterator[Any], bad: list[Bad]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, Bad):
            bad.append(item)
        else:
            yield item
