"""What a person sees of the queue: a Rich table, and a ticket's explanation."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from records.ids import ticket_id
from records.tickets import Delivery, Ticket

WIDE = 110  # columns from which there is room to say where a ticket was delivered
_LEAGUE_STYLE = "bold red"
_PRIORITY_STYLE = {"urgent": "bold red", "high": "yellow", "normal": "", "low": "dim"}


def queue_table(tickets: Sequence[Ticket], delivered: dict[str, str] | None = None, first: int = 1) -> Table:
    """The ranked queue; `delivered`: ticket id -> where it stands in the helpdesk. Times are UTC."""
    table = Table(box=None, header_style="bold", pad_edge=False, expand=True)
    table.add_column("#", justify="right", width=max(3, len(str(first + len(tickets)))))
    table.add_column("ticket", width=len(ticket_id("", "")))
    table.add_column("score", justify="right", width=5)
    table.add_column("due (UTC)", width=11)
    table.add_column("from", no_wrap=True, overflow="ellipsis", width=14)
    table.add_column("what", no_wrap=True, overflow="ellipsis", ratio=1)
    if delivered is not None:
        table.add_column("delivered", no_wrap=True, overflow="ellipsis", width=20)
    for rank, ticket in enumerate(tickets, first):
        what = Text(f"{ticket.league_name}: " if ticket.league_name else "", style=_LEAGUE_STYLE)
        what.append(
            (f"[{ticket.status}] " if ticket.status != "open" else "") + ticket.subject, style="not bold default"
        )
        row: list[Text | str] = [
            str(rank),
            ticket.id,
            Text(f"{ticket.score:.1f}", style=_PRIORITY_STYLE[ticket.priority]),
            ticket.due_at[5:16].replace("T", " "),
            escape(f"{ticket.channel}:{ticket.author_handle or ticket.author_name or '?'}"),
            what,
        ]
        if delivered is not None:
            row.append(escape(delivered.get(ticket.id, "-")))
        table.add_row(*row)
    return table


def print_queue(tickets: Sequence[Ticket], delivered: dict[str, str] | None = None) -> None:
    """Print the queue, or say that it is empty."""
    console = Console()
    if tickets:
        console.print(queue_table(tickets, delivered if console.width >= WIDE else None))
    else:
        console.print("The queue is empty: nobody waits for an answer.")


def ticket_panel(ticket: Ticket, rank: int | None, deliveries: Sequence[Delivery] = ()) -> Panel:
    """Why a ticket stands where it stands: its factors add up to its score; and what became of it in the helpdesks."""
    body = Text()
    for post in ticket.posts:
        mark = {"candidate": "asks", "context": "adds"}[post.role]
        what = "(taken back by its author)" if post.removed else (post.text or "(no text: " + _media(post.media) + ")")
        body.append(f"{post.occurred_at[:16].replace('T', ' ')} {mark}: ", style="dim")
        body.append(what + "\n")
    body.append("\n")
    for factor in ticket.factors:
        body.append(f"{factor.points:6.1f} of {factor.cap:<5g}{factor.name:<12}", style="bold")
        body.append(f"{factor.why}\n")
    body.append(f"{ticket.score:6.1f} points", style="bold")
    body.append(f", league {ticket.league_name or 'none'}, due {ticket.due_at[:16].replace('T', ' ')} UTC, ")
    body.append(f"status {ticket.status}\n")
    if ticket.unknown:
        body.append("unknown, so counted for nothing: " + "; ".join(ticket.unknown) + "\n", style="dim")
    body.append(f"strategy {ticket.strategy}, lexicons {ticket.lexicon_version}", style="dim")
    for entry in deliveries:
        body.append(_delivered(entry))
    title = f"{ticket.id}" + (f", rank {rank}" if rank else "") + f": {ticket.author_handle or ticket.author_key}"
    return Panel(body, title=escape(title), title_align="left")


def _delivered(entry: Delivery) -> str:
    """Where it stands, what went wrong, and what a person must do by hand there."""
    held = entry.held
    text = f"\n{entry.sink}: {entry.state}" + (
        f", ticket {held.remote_id} {held.url or ''}" if held and held.remote_id else ""
    )
    if entry.error:
        text += f"\n  error: {entry.error}"
    if held and held.human:
        text += f"\n  changed there by a person, so never written again: {', '.join(held.human)}"
    for line in held.receipt if held else ():
        text += f"\n  to be done by hand: {line}"
    return text


def _media(media: Sequence[object]) -> str:
    return ", ".join(getattr(item, "type", "?") for item in media) or "nothing"
