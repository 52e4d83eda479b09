"""What people did with an author's tickets in the helpdesks, as outcomes of the posts on them: pure, from the author's state.

Helpdesks tell of our own tickets only, so what a person opened by hand is not among them.
"""

from typing import NamedTuple

from lexicons.outcomes import What
from records.events import Helpdesk
from records.mention import Mention
from records.tickets import Priority
from streams.author import AuthorState, Emitted

_ORDER: tuple[Priority, ...] = ("low", "normal", "high", "urgent")


class Happened(NamedTuple):
    """A post, and what became of its ticket."""

    mention: Mention
    what: What


def outcomes_of(state: AuthorState) -> list[Happened]:
    """Posts that opened a ticket with which somebody did something that says whether it was needed.

    raised: its priority was set above ours. no_need: it was closed and nobody had answered, neither there nor on the channel.
    solved: it was closed after an answer.
    """
    found: list[Happened] = []
    for ticket_id, emitted in sorted(state.tickets.items()):
        events = [event for event in state.helpdesk.values() if event.ticket_id == ticket_id]
        what = _what(state, emitted, sorted(events, key=lambda event: (event.at, event.sink, event.id)))
        if what is None:
            continue
        for member in emitted.members:
            utterance = state.utterances.get(member)
            if utterance is None or utterance.removed or utterance.spoke is None:
                continue  # what was deleted at its source teaches nothing
            if utterance.spoke.verdict is not None and utterance.spoke.verdict.kept:
                found.append(Happened(utterance.spoke.mention, what))
    return found


def _what(state: AuthorState, emitted: Emitted, events: list[Helpdesk]) -> What | None:
    ours = _ORDER.index(emitted.last.priority)
    if any(event.what == "priority" and event.value in _ORDER[ours + 1 :] for event in events):
        return "raised"
    ends = [event.what for event in events if event.what in ("solved", "closed", "reopened")]
    if not ends or ends[-1] == "reopened":
        return None
    on_channel = any(
        answer.op != "delete" and (answer.parent_id is None or answer.parent_id in emitted.members)
        for answer in state.answers.values()
    )
    return "solved" if on_channel or any(event.what == "answered" for event in events) else "no_need"
