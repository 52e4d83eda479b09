"""`hilferuf queue` and `hilferuf explain`: what the engine's file or the topics say, beside a running service."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.settings import QueueSettings
from hilferuf.commands.judge import ticket_line
from hilferuf.editions import running
from hilferuf.engines import view_of
from hilferuf.rules import settings_of
from lexicons.judgement import judge
from records import codec
from records.errors import HilferufError
from records.events import Spoke
from records.mention import Mention
from records.tickets import Ticket
from records.verdict import Verdict
from streams.author import Utterance, merge_utterance
from streams.memory import ranked
from streams.store import Store

EVERYTHING = 1_000_000


def queue(config: Path | None, limit: int, everything: bool, as_json: bool) -> int:
    """The ranked queue."""
    statuses = ("open", "answered", "solved") if everything else ("open",)
    with view_of(settings_of(config)) as (store, _):
        tickets = ranked(store.tickets(statuses, EVERYTHING if everything else limit))[:limit]
        delivered = {ticket.id: _where(store, ticket.id) for ticket in tickets}
    if as_json:
        for rank, ticket in enumerate(tickets, 1):
            line = ticket_line(ticket, rank, ticket.id) | {"delivered": delivered[ticket.id]}
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    else:
        from hilferuf.views import print_queue

        print_queue(tickets, {key: ", ".join(_word(d) for d in value) or "-" for key, value in delivered.items()})
    return 0


def act(config: Path | None, done: dict[str, str | None]) -> int:
    """What a person did with tickets of the local queue; the running service hears of it as of any helpdesk."""
    from sinks.queue import QueueSink

    loaded = settings_of(config)
    sink = QueueSink.from_settings(loaded.settings.sinks.queue or QueueSettings(), loaded.data_dir)
    verbs = {"solve": sink.solve, "answer": sink.answer, "reopen": sink.reopen}
    for verb, ticket in done.items():
        if ticket is not None:
            verbs[verb](ticket)
            print(f"{ticket}: noted; the queue follows when the service observes it")
    return 0


def explain(config: Path | None, what: str, as_json: bool) -> int:
    """Why a ticket stands where it stands, or what was thought of a mention."""
    loaded = settings_of(config)
    with view_of(loaded) as (store, history):
        ticket = store.ticket(what) or _ticket_of(store, what)
        rank = _rank(store, ticket) if ticket else None
        held = store.deliveries_of(ticket.id) if ticket else []
        versions = [] if ticket else history(what)
    if ticket is not None:
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(ticket_line(ticket, rank or 0, ticket.id)) + b"\n")
        else:
            from rich.console import Console

            from hilferuf.views import ticket_panel

            Console().print(ticket_panel(ticket, rank, held))
        return 0
    utterance = _utterance(versions)
    if utterance is None:
        raise HilferufError(f"{what} is neither a ticket nor a mention in the log (mentions leave it after log_days)")
    if utterance.removed or utterance.spoke is None:
        newest = utterance.gone
    else:
        newest = utterance.spoke.mention
    if newest is None:
        raise HilferufError(f"of {what} the log holds counts of reactions only, no text")
    verdict = judge(newest, running(loaded)[1])
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
    elif utterance.removed:
        what_happened = "deleted" if newest.op == "delete" else "hidden"
        print(f"{newest.id} was {what_happened} at its source, so it stands on no ticket.")
    else:
        _print_verdict(verdict)
    return 0


def _ticket_of(store: Store, mention_id: str) -> Ticket | None:
    """The ticket a mention stands on; one that was withdrawn or merged only where there is no other."""
    return min(store.tickets_of(mention_id), key=lambda t: (t.status in ("withdrawn", "merged"), t.id), default=None)


def _utterance(versions: Sequence[bytes]) -> Utterance | None:
    """What the log holds of one mention, put together as the engine does it: newest text, and whether it was taken away."""
    utterance = None
    for version in versions:
        record = codec.mentions.decode(version)
        if isinstance(record, Mention):  # a look-up of an answer stands under the same key
            utterance = utterance or Utterance(id=record.id)
            if record.op != "metrics":
                utterance = merge_utterance(utterance, Spoke(mention=record))
    return utterance


def _print_verdict(verdict: Verdict) -> None:
    print(f"{verdict.id} stands on no ticket. Judged again now, from the log, with lexicons {verdict.lexicon_version}:")
    need = "not judged" if verdict.need is None else f"{verdict.need:.2f}"
    print(
        f"  {'would be kept' if verdict.kept else f'dropped: {verdict.dropped}'}; need {need}; brand {verdict.brand or '-'}"
    )
    for hit in verdict.triggers:
        print(f"  trigger {hit.id} ({hit.weight:+g}): {hit.text!r} at {hit.start}-{hit.end}")
    if verdict.reasons:
        print("  because: " + ", ".join(verdict.reasons))


def _rank(store: Store, ticket: Ticket) -> int | None:
    order = ranked(store.tickets(("open", "answered", "solved"), EVERYTHING))
    return next((rank for rank, other in enumerate(order, 1) if other.id == ticket.id), None)


def _where(store: Store, ticket_id: str) -> list[dict[str, str | None]]:
    return [
        {
            "sink": entry.sink,
            "state": entry.state,
            "remote": entry.held.remote_id if entry.held else None,
            "url": entry.held.url if entry.held else None,
            "error": entry.error,
        }
        for entry in store.deliveries_of(ticket_id)
    ]


def _word(delivery: dict[str, str | None]) -> str:
    state = "" if delivery["state"] == "settled" else f" ({delivery['state']})"
    return f"{delivery['sink']} {delivery['remote'] or '…'}{state}"
