"""What a ticket looks like in a helpdesk: subject, posts, the internal note, and the markers by which we know our own.

Every post that we write carries a marker, `hf:KEY:REV`: KEY is a digest of the mention id, REV a digest of its revision
or `gone`. Reading a ticket back, markers say what stands there, so a post is appended once however often a delivery is
tried. A marker that stands in somebody's own text is defused, so nobody can pretend that a post was already delivered.
"""

import math
import re
import unicodedata
from collections.abc import Mapping

import msgspec

from records.ids import digest
from records.tickets import Held, Post, Ticket

GONE = "gone"
NOTE = "note"
_MARKER = re.compile(r"hf:([0-9a-f]{16}|note):([0-9a-f]{8,20}|gone)(?![0-9a-z])")
# Cc but TAB, LF, CR; surrogates; and the two non-characters that XML forbids.
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MEDIA = {
    "de": {
        "image": "Bild", "gif": "GIF", "video": "Video", "audio": "Ton", "voice": "Sprachnachricht", "sticker": "Sticker",
        "document": "Datei", "link": "Link", "location": "Ort", "contact": "Kontakt", "other": "Anhang",
    },
    "en": {
        "image": "Image", "gif": "GIF", "video": "Video", "audio": "Audio", "voice": "Voice message", "sticker": "Sticker",
        "document": "File", "link": "Link", "location": "Place", "contact": "Contact", "other": "Attachment",
    },
}  # fmt: skip
_WORDS = {
    "de": {
        "new": "{who} schrieb am {when}", "edited": "{who} hat den Beitrag vom {when} geändert; neue Fassung:",
        "context": "{who} (weiterer Beitrag) am {when}", "no_text": "(ohne Text)", "no_link": "(ohne Link) Beitrag {id}",
        "original": "Original: {url}", "unknown": "Unbekannt", "private": "privat", "public": "öffentlich",
        "gone": "Der Beitrag vom {when} wurde an der Quelle gelöscht. Sein Text darf nicht länger aufbewahrt werden.",
        "subject": "Hilferuf auf {channel} von {who}", "why": "Warum dieses Ticket hier steht", "score": "Punkte",
        "of": "von höchstens", "due": "Antwort fällig bis", "league": "Vorrang", "not_known": "Nicht bekannt, zählt nicht",
        "follows": "Setzt das gelöste Ticket fort", "related": "Verwandte Tickets", "author": "Verfasser",
        "rules": "Regeln", "customer": "Kunde", "verified": "bestätigt", "maybe": "vielleicht (nicht bestätigt)",
    },
    "en": {
        "new": "{who} wrote on {when}", "edited": "{who} edited the post of {when}; it now says:",
        "context": "{who} (further post) on {when}", "no_text": "(no text)", "no_link": "(no link) post {id}",
        "original": "Original: {url}", "unknown": "Unknown", "private": "private", "public": "public",
        "gone": "The post of {when} was deleted at its source. Its text must not be kept any longer.",
        "subject": "Call for help on {channel} from {who}", "why": "Why this ticket stands here", "score": "Points",
        "of": "of at most", "due": "Answer due by", "league": "Precedence", "not_known": "Not known, counts for nothing",
        "follows": "Continues the solved ticket", "related": "Related tickets", "author": "Author",
        "rules": "Rules", "customer": "Customer", "verified": "verified", "maybe": "maybe (not verified)",
    },
}  # fmt: skip
CHANNELS = {"x": "X", "facebook": "Facebook", "messenger": "Messenger", "whatsapp": "WhatsApp", "youtube": "YouTube"}


class Mark(msgspec.Struct, frozen=True):
    """A marker that was read: `key` of a post or `note`, `revision` digest or `gone`."""

    key: str
    revision: str


def post_key(post_id: str) -> str:
    """16 hex digits that stand for a mention id."""
    return digest(post_id, size=8)


def marker(post: Post) -> str:
    """The marker of this revision of a post, or of its removal."""
    return f"hf:{post_key(post.id)}:{GONE if post.removed else _revision(post)}"


def note_marker(ticket: Ticket) -> str:
    """The marker of the internal note."""
    return f"hf:{NOTE}:{note_digest(ticket)}"


def read_marker(text: str) -> Mark | None:
    """The last marker in a text; None where there is none."""
    found = _MARKER.findall(text)
    return Mark(*found[-1]) if found else None


def named(held: Held, ticket: Ticket) -> Held:
    """`held` as read by markers (key -> revision digest or `gone`), with mention ids and revisions of this ticket.

    A revision that is not the ticket's becomes `#digest`; posts that the ticket does not know keep their key.
    """
    posts: dict[str, str] = dict(held.posts)
    for post in ticket.posts:
        found = posts.pop(post_key(post.id), None)
        if found is not None:
            posts[post.id] = "" if found == GONE else post.revision if found == _revision(post) else f"#{found}"
    return msgspec.structs.replace(held, posts=posts)


def clean(text: str) -> str:
    """Text that every helpdesk can store: NUL, other control signs and lone surrogates become U+FFFD, markers defused."""
    text = _UNSAFE.sub("\ufffd", text)
    return _MARKER.sub(lambda match: match[0].replace("hf:", "hf;", 1), text)


def cut(text: str, limit: int, *, octets: bool = False) -> str:
    """At most `limit` code points (or bytes of UTF-8), never inside a grapheme (emoji sequence, letter with accents, flag);
    `…` marks a cut. A lone grapheme that is longer than the limit is cut inside: the limit is the helpdesk's and holds."""
    if len(text) <= limit and (not octets or len(text.encode()) <= limit):
        return text
    end = whole = len(text.encode()[: limit - 3].decode("utf-8", "ignore")) if octets else limit - 1
    while end > 0 and _joined(text, end):
        end -= 1
    return text[: end or whole].rstrip() + "…"


def one_line(text: str) -> str:
    """Text for a subject: one line, no control or direction signs, and square brackets round, so that no `[name #12]` of a
    post is taken for a ticket number and pulls somebody's answer into a stranger's ticket."""
    text = re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]", "", clean(text))
    text = re.sub(r"[\s\u0085\u2028\u2029]+", " ", text).strip()
    return text.translate({ord("["): "(", ord("]"): ")", ord("［"): "(", ord("］"): ")"})


def subject(ticket: Ticket, *, limit: int = 200, octets: bool = False, mode: str = "full") -> str:
    """The subject, at most `limit` code points or bytes; under `link_only` it quotes nothing that the author wrote."""
    text = one_line(ticket.subject) if mode == "full" else ""
    if not text:
        text = one_line(_words(ticket)["subject"].format(channel=_channel(ticket), who=author(ticket)))
    return cut(text, limit, octets=octets)


def author(ticket: Ticket) -> str:
    """Who speaks: name and handle, else the author key; people are never told apart by this text."""
    handle = f"@{ticket.author_handle.lstrip('@')}" if ticket.author_handle else None
    text = f"{ticket.author_name} ({handle})" if ticket.author_name and handle else ticket.author_name or handle
    return cut(one_line(text or ticket.author_key), 160, octets=True)


def body(ticket: Ticket, post: Post, *, mode: str = "full", edited: bool = False, limit: int = 4_000_000) -> str:
    """One post for the helpdesk: who, when and where, text and media (or, `link_only`, neither), link, marker."""
    words = _words(ticket)
    opening = "edited" if edited else "context" if post.role == "context" else "new"
    lines = [words[opening].format(who=author(ticket), when=_when(post.occurred_at)) + f" · {_channel(ticket)}, " + words[
        "private" if post.visibility in ("private", "followers") else "public"
    ]]  # fmt: skip
    if mode == "full":
        text = clean(post.text) if post.text else words["no_text"]
        lines += ["", text if len(text) <= limit else cut(text, limit), ""]
        lines += [f"{_media(ticket)[item.type]}: {_reference(item.url, item.name or item.ref)}" for item in post.media]
    if post.permalink:
        lines.append(words["original"].format(url=one_line(post.permalink)))
    elif mode != "full":
        lines.append(words["no_link"].format(id=one_line(post.id)))
    return "\n".join([*lines, marker(post)])


def removal(ticket: Ticket, post: Post) -> str:
    """What stands on a ticket in place of a post that was deleted at its source."""
    return _words(ticket)["gone"].format(when=_when(post.occurred_at)) + "\n" + marker(post)


def note(ticket: Ticket, *, mode: str = "full") -> str:
    """The internal note: why the ticket stands where it stands. Ends with its marker. Under `link_only` the points of each
    factor without its reason, which quotes the author."""
    return f"{_note_text(ticket, mode)}\n{note_marker(ticket)}"


def note_digest(ticket: Ticket) -> str:
    """Digest of the internal note; another digest = the note is to be written again."""
    return digest(_note_text(ticket), size=8)


def rank_number(rank: float | None) -> int:
    """A rank as an integer of 0 to 2³¹−1, whatever came in: NaN and less than nothing count as 0."""
    if rank is None or math.isnan(rank) or rank < 0:
        return 0
    return int(min(rank, 2**31 - 1))


def same_text(one: str, other: str) -> bool:
    """Equal but for line ends and trailing blanks, which helpdesks change."""
    return (
        "\n".join(map(str.rstrip, one.splitlines())).strip() == "\n".join(map(str.rstrip, other.splitlines())).strip()
    )


def standing(texts: Mapping[int, str]) -> tuple[dict[str, str], str | None]:
    """Posts (key -> revision digest or `gone`) and note digest that stand on a ticket, from texts with markers by their
    order; the last one of a key counts."""
    posts: dict[str, str] = {}
    note_found: str | None = None
    for order in sorted(texts):
        mark = read_marker(texts[order])
        if mark is None:
            continue
        if mark.key == NOTE:
            note_found = mark.revision
        else:
            posts[mark.key] = mark.revision
    return posts, note_found


def _revision(post: Post) -> str:
    return digest(post.id, post.revision, size=4)


def _language(ticket: Ticket) -> str:
    return "de" if (ticket.language or "").lower().split("-")[0] == "de" else "en"


def _words(ticket: Ticket) -> dict[str, str]:
    return _WORDS[_language(ticket)]


def _media(ticket: Ticket) -> dict[str, str]:
    return _MEDIA[_language(ticket)]


def _channel(ticket: Ticket) -> str:
    return CHANNELS.get(ticket.channel, ticket.channel.replace("_", " ").title())


def _when(timestamp: str) -> str:
    return timestamp[:16].replace("T", " ") + " UTC"


def _reference(url: str | None, name: str | None) -> str:
    return one_line(url or name or "–")


def _note_text(ticket: Ticket, mode: str = "full") -> str:
    words = _words(ticket)
    lines = [words["why"], ""]
    if mode != "full":
        lines += [
            f"{factor.name}: {_points(factor.points)} {words['of']} {_points(factor.cap)}" for factor in ticket.factors
        ]
    elif ticket.explanation:
        lines += [clean(line) for line in ticket.explanation]
    else:
        lines += [
            f"{_points(factor.points)} {words['of']} {_points(factor.cap)}: {clean(factor.why)}"
            for factor in ticket.factors
        ]
    lines += ["", f"{words['score']}: {_points(ticket.score)}/100", f"{words['due']}: {_when(ticket.due_at)}"]
    if ticket.league:
        lines.append(f"{words['league']}: {one_line(ticket.league_name or str(ticket.league))}")
    lines.append(
        f"{words['author']}: {author(ticket)}" + (f", {one_line(ticket.author_url)}" if ticket.author_url else "")
    )
    if ticket.customer:
        lines.append(f"{words['customer']}: {words[ticket.customer]}")
    if ticket.unknown:
        lines.append(f"{words['not_known']}: {', '.join(map(one_line, ticket.unknown))}")
    if ticket.follows:
        lines.append(f"{words['follows']}: {ticket.follows}")
    if ticket.related:
        lines.append(f"{words['related']}: {', '.join(ticket.related)}")
    lines.append(f"{words['rules']}: {one_line(ticket.strategy)}, {one_line(ticket.lexicon_version)}")
    return "\n".join(lines)


def _points(value: float) -> str:
    return f"{value:.1f}"


def _joined(text: str, at: int) -> bool:
    """Whether no cut may be made before text[at] (extended grapheme clusters, Unicode annex 29, without Hangul jamo)."""
    sign, before = text[at], text[at - 1]
    if before == "\u200d" or sign == "\u200d" or "\ufe00" <= sign <= "\ufe0f" or "\U0001f3fb" <= sign <= "\U0001f3ff":
        return True
    if unicodedata.category(sign) in ("Mn", "Me", "Mc") or "\U000e0020" <= sign <= "\U000e007f":
        return True
    if _is_flag(sign) and _is_flag(before):
        start = at
        while start > 0 and _is_flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return before == "\r" and sign == "\n"


def _is_flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"
