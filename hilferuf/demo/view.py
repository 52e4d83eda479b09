"""What a person sees of the demo: the live queue at a terminal of 100 by 30, plain lines without one, and at the end a
summary and the explanation of the first ticket. Times of the story are shown as Berlin sees them."""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hilferuf.demo.board import Board, Change, Found, Move, Outcome, Said, Standing
from records.tickets import Priority, Ticket

BERLIN = ZoneInfo("Europe/Berlin")
ROWS = 19  # of the live table in 30 lines: the rest are header, counters and the last posts
BAR = 6
_STYLE: dict[Priority, str] = {"urgent": "red", "high": "yellow", "normal": "green", "low": "bright_black"}
_LEAGUES = {"safety": "DANGER", "vulnerable": "PERSON", "legal": "LEGAL"}
_MOVES: dict[Move, tuple[str, str]] = {
    "new": ("●", "bold cyan"),
    "up": ("▲", "bold green"),
    "down": ("▼", "bright_black"),
    "none": (" ", ""),
}
_CHANNELS = {"x": ("X", "bold"), "facebook": ("fb", "blue")}
_OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "ticket": ("needs an answer", "bold yellow"),
    "context": ("noted", "cyan"),
    "own_post": ("our own", "bright_black"),
    "repost": ("repost", "bright_black"),
    "ignored": ("passed by", "bright_black"),
}
_ADDRESS = re.compile(r"^(\s*@\w+)+\s+")
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The story clock when a picture is drawn: milliseconds since 1970. `listeners`: name and state of each."""

    start: int
    end: int
    now: int
    listeners: tuple[tuple[str, str], ...] = ()


def clock(ms: int) -> str:
    """Hour and minute in Berlin."""
    return datetime.fromtimestamp(ms / 1000, BERLIN).strftime("%H:%M")


def due(timestamp: str, now: int) -> str:
    """When a ticket is due: hour and minute today, with the day otherwise."""
    moment = datetime.fromisoformat(timestamp).astimezone(BERLIN)
    today = datetime.fromtimestamp(now / 1000, BERLIN).date()
    return moment.strftime("%H:%M") if moment.date() == today else moment.strftime("%a %H:%M")


def one_line(text: str) -> str:
    """A post without line breaks and double spaces."""
    return " ".join(text.split())


def words(ticket: Ticket) -> str:
    """The newest words of a ticket that ask for something, without the handles they are addressed to."""
    asking = [post.text for post in ticket.posts if post.role == "candidate" and post.text and not post.removed]
    return one_line(_ADDRESS.sub("", asking[-1] if asking else ticket.subject, count=1))


def times_asked(ticket: Ticket) -> int:
    """How many posts of a ticket ask for something."""
    return sum(post.role == "candidate" and not post.removed for post in ticket.posts)


def score_bar(score: float, width: int = BAR) -> str:
    """0 to 100 points as blocks in eighths."""
    eighths = round(max(0.0, min(score, 100.0)) / 100 * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def queue_table(standings: Sequence[Standing], now: int, rows: int = ROWS) -> Table:
    """The first `rows` of the queue; ranks that moved are marked."""
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim", collapse_padding=True)
    table.add_column("#", justify="right", width=2)
    table.add_column("", width=1)
    table.add_column("league", width=6)
    table.add_column("score", width=BAR + 4)
    table.add_column("due", width=9)
    table.add_column("on", width=2)
    table.add_column("from", width=16, no_wrap=True, overflow="ellipsis")
    table.add_column("what they say", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("status", width=8)
    for standing in standings[:rows]:
        table.add_row(*_row(standing, now), style="" if standing.ticket.status == "open" else "dim")
    return table


def _row(standing: Standing, now: int) -> list[Text]:
    ticket = standing.ticket
    style = _STYLE[ticket.priority] if ticket.status == "open" else "bright_black"
    mark, mark_style = _MOVES[standing.move]
    late = ticket.status == "open" and datetime.fromisoformat(ticket.due_at).timestamp() * 1000 < now
    channel, channel_style = _CHANNELS.get(ticket.channel, (ticket.channel[:2], ""))
    return [
        Text(str(standing.rank), style="bold" if standing.rank == 1 else ""),
        Text(mark, style=mark_style),
        Text(_LEAGUES.get(ticket.league_name or "", ticket.league_name or ""), style="bold white on red"),
        Text.assemble((score_bar(ticket.score), style), f"{ticket.score:4.0f}"),
        Text(due(ticket.due_at, now), style="bold red" if late else ""),
        Text(channel, style=channel_style),
        Text(ticket.author_handle or ticket.author_name or "?"),
        _asking(ticket),
        Text(ticket.status, style="bold" if ticket.status == "open" else "green"),
    ]


def _asking(ticket: Ticket) -> Text:
    """The words of a ticket, the brand's name in bold; in front how often its author has asked, if more than once."""
    shown = Text(words(ticket))
    if ticket.brand:
        shown.highlight_words([ticket.brand], style="bold", case_sensitive=False)
    asked = times_asked(ticket)
    return Text.assemble((f"{asked}× ", "bold cyan"), shown) if asked > 1 else shown


def rows_for(height: int) -> int:
    """How many tickets fit on a terminal of so many lines."""
    return max(3, height - 30 + ROWS)


def live(board: Board, moment: Moment, rows: int = ROWS) -> RenderableType:
    """The whole picture: clock, counters, queue, and what was just heard."""
    return Group(_header(moment), _counters(board, moment), Text(), _queue(board, moment, rows), Text(), _heard(board))


def _header(moment: Moment) -> Table:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column()
    grid.add_column(justify="right", width=5)
    grid.add_column(ratio=1)
    day = datetime.fromtimestamp(moment.now / 1000, BERLIN).strftime("%A %-d %B %Y")
    done = max(0, moment.now - moment.start)
    grid.add_row(
        Text.assemble(("Hilferuf", "bold white on dark_red"), ("  one day at Nordfunk, ", ""), (day, "")),
        Text(clock(moment.now), style="bold"),
        ProgressBar(total=max(1, moment.end - moment.start), completed=done, width=None, complete_style="dark_red"),
    )
    return grid


def _counters(board: Board, moment: Moment) -> Text:
    counts = _tally(board)
    line = Text.assemble(
        (f"{board.heard}", "bold"), " posts heard   ",
        (f"{board.outcomes['ticket']}", "bold yellow"), " need an answer   ",
        (f"{counts['open']}", "bold"), " tickets open   ",
        (f"{counts['answered'] + counts['solved']}", "bold green"), " answered",
    )  # fmt: skip
    line.append("   ")
    for name, state in moment.listeners:
        line.append(f" {name}", style="green" if state == "live" else "yellow")
        line.append("" if state == "live" else f" {state}", style="yellow")
    return line


def _tally(board: Board) -> dict[str, int]:
    counts = {"open": 0, "answered": 0, "solved": 0}
    for standing in board.standings:
        counts[standing.ticket.status] = counts.get(standing.ticket.status, 0) + 1
    return counts


def _queue(board: Board, moment: Moment, rows: int) -> RenderableType:
    table = queue_table(board.standings, moment.now, rows)
    for _ in range(rows - min(rows, len(board.standings))):
        table.add_row()
    return table


def _heard(board: Board) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, show_header=False, collapse_padding=True)
    table.add_column(width=5)
    table.add_column(width=2)
    table.add_column(width=17, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(width=15, justify="right", no_wrap=True)
    blank: Sequence[Said | None] = [None] * ((board.recent.maxlen or 0) - len(board.recent))
    for said in [*board.recent, *blank]:
        if said is None:
            table.add_row("", "", "", "", "")
            continue
        label, style = _OUTCOMES[said.outcome]
        label = _LEAGUES.get(said.league or "", label) if said.outcome == "ticket" else label
        time = datetime.fromisoformat(said.at).astimezone(BERLIN).strftime("%H:%M")
        table.add_row(
            Text(time, style="dim"),
            Text(_CHANNELS.get(said.channel, (said.channel[:2], ""))[0], style="dim"),
            Text(said.author, style="dim"),
            Text(one_line(said.text), style="" if said.outcome == "ticket" else "dim"),
            Text(label, style=style),
        )
    return table


def change_line(change: Change, now: int) -> str:
    """One plain line, for where there is no terminal."""
    ticket = change.ticket
    rank = f"rank {change.rank}" if change.rank else "gone"
    rank += f" (was {change.before})" if change.what == "raised" and change.before else ""
    league = f" {_LEAGUES.get(ticket.league_name or '', ticket.league_name)}" if ticket.league_name else ""
    author = ticket.author_handle or ticket.author_name or "?"
    text = words(ticket)
    short = text if len(text) <= 60 else text[:59] + "…"
    return (
        f"{clock(now)} {change.what:9} {rank:17} score {ticket.score:3.0f}{league}  {ticket.channel} {author}: {short}"
    )


def final_queue(board: Board, moment: Moment, rows: int = 12) -> RenderableType:
    """The queue when the day is over, its first `rows` tickets."""
    waiting = [Standing(one.rank, one.ticket) for one in board.standings if one.ticket.status == "open"]
    title = f"The queue at {clock(moment.now)}: the first {min(rows, len(waiting))} of {len(waiting)} that wait"
    return Panel(queue_table(waiting, moment.now, rows), title=title, title_align="left", box=box.ROUNDED)


def summary(board: Board, found: Found, seconds: float) -> RenderableType:
    """What the day came to. `seconds`: how long the demo took."""
    counts = _tally(board)
    silent = board.outcomes["ignored"] + board.outcomes["repost"] + board.outcomes["own_post"]
    body = Text.assemble(
        (f"{board.heard}", "bold"), f" posts from X and Facebook in {seconds:.0f} s: ",
        (f"{silent + board.outcomes['context']}", "bold"), " need nobody (jokes, news, adverts, reposts, our own answers), ",
        (f"{board.outcomes['context']}", "bold"), " of them were noted beside an open conversation.\n",
        (f"{sum(counts.values())}", "bold"), " tickets: ",
        (f"{counts['open']}", "bold red"), " waiting, ",
        (f"{counts['answered'] + counts['solved']}", "bold green"), " answered.\n",
        "The story's author marked ", (f"{found.wanted}", "bold"), " posts as calls for help: ",
        (f"{found.found}", "bold"), " were found, ",
        (f"{len(found.missed)}", "bold"), " missed, ",
        (f"{len(found.extra)}", "bold"), " kept that needed no answer.",
    )  # fmt: skip
    return Panel(body, title="The day in short", title_align="left", box=box.ROUNDED)


def explanation(ticket: Ticket, rank: int) -> Panel:
    """Why a ticket stands where it stands: what was said, and the points of each factor, which add up to its score."""
    said = Text()
    for post in ticket.posts:
        time = datetime.fromisoformat(post.occurred_at).astimezone(BERLIN).strftime("%H:%M")
        text = "(taken back by its author)" if post.removed else one_line(post.text or "(a picture)")
        said.append(f"{time}  ", style="dim")
        said.append(f"{text}{'  (edited)' if post.edited else ''}\n")
    factors = Table(box=None, pad_edge=False, show_header=False, collapse_padding=True)
    for style, justify in (("bold", "left"), ("", "left"), ("bold", "right"), ("dim", "left")):
        factors.add_column(style=style, justify=justify)  # type: ignore[arg-type] # the literals are Rich's
    factors.add_column(ratio=1)
    for factor in ticket.factors:
        share = factor.points / factor.cap * 100 if factor.cap else 0.0
        bar = Text(score_bar(share, 10), style=_STYLE[ticket.priority])
        factors.add_row(factor.name, bar, f"{factor.points:.1f}", f"of {factor.cap:g}", Text(factor.why))
    total = Text.assemble((f"\n{ticket.score:.1f} points", "bold"), f", priority {ticket.priority}, due ")
    due_at = datetime.fromisoformat(ticket.due_at).astimezone(BERLIN)
    total.append(due_at.strftime("%A %H:%M"), style="bold")
    if ticket.league_name:
        total.append(f"; league {ticket.league_name}: stands above every score without one")
    parts: list[RenderableType] = [said, factors, total]
    if ticket.unknown:
        parts.append(Text("unknown, so counted for nothing: " + "; ".join(ticket.unknown), style="dim"))
    parts.append(Text(f"strategy {ticket.strategy}, lexicons {ticket.lexicon_version}", style="dim"))
    who = ticket.author_handle or ticket.author_name or ticket.author_key
    return Panel(
        Group(*parts), title=f"Why rank {rank}: {who} on {ticket.channel} ({ticket.id})", title_align="left",
        box=box.ROUNDED, border_style=_STYLE[ticket.priority],
    )  # fmt: skip
