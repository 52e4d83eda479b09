"""The one way from the input form of a mention (all but `id` and `text` optional) to its topic form (`mention/1`).

Repair before refusing: what can be mended is mended and marked in `ingest.changes`; `Poison` with a field is for an
unusable id, a text that is no text, an unknown key or operation (a typo there would lose data without a word), and for
what is no JSON. The result depends on the arguments alone, and normalising it again changes nothing.

Where a value is left out: `channel` from the id; `op` create; `direction` inbound; `visibility` public, private on
channels between two people; `kind` by channel and thread; `account.id` "unknown"; `occurred_at` from
`default_occurred_at`, else `observed_at`; `revision` from the edit time in ms, else a hash of the text. Accepted for
convenience: a plain string as `author` (an id, a `@handle`, or a name when it has spaces), `account`, `language` or media
item (an address), and numbers as ids.
"""

from datetime import datetime
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from records import mention as form
from records.channels import CHANNELS, MAX_ID, split_id, unknown_channel
from records.closed import closed
from records.errors import Poison
from records.ids import digest
from records.lenient import read_object
from records.mention import Change, Mention
from records.paths import nearest, shown, unknown_key
from records.repair import Repairs, choose, clean_values, fit
from records.repair_times import EARLIEST, nested_times, settle_times
from records.text import MAX_TEXT, is_nfc, nfc, plain
from records.times import from_ms, read_time

WHAT = "mention"

_decoder = msgspec.json.Decoder(Mention)
_closed = msgspec.json.Decoder(closed(Mention))
_FIELDS = ("schema", *(field.encode_name for field in msgspec.structs.fields(Mention)))
_KNOWN = frozenset(_FIELDS)
_PRIVATE_CHANNELS = frozenset({"messenger", "whatsapp", "sms", "rcs", "email"})
_KIND_BY_CHANNEL = {
    "email": "email", "app_store": "review", "google_play": "review", "trustpilot": "review",
    "google_business": "review", "rss": "article",
}  # fmt: skip
_COMMENT_CHANNELS = frozenset({"facebook", "instagram", "youtube", "tiktok", "linkedin", "reddit"})
_TEXTLESS_OPS = frozenset({"delete", "hide", "restore", "metrics"})
_CHOICES = (("kind", form.Kind), ("visibility", form.Visibility), ("time_quality", form.TimeQuality))
_CONTENT = ("media", "title", "rating", "geo", "text_html")


def normalise_mention(
    data: bytes | str | dict[str, Any],
    *,
    observed_at: str,
    listener: str = "file",
    default_occurred_at: str | None = None,
    replay: bool = False,
) -> Mention:
    """The mention in topic form. Raises Poison.

    observed_at: now, used where the input names none, and the bound of what counts as future (plus 5 minutes).
    default_occurred_at: time of a mention without one (`--until` of a replay). replay: marks it in `ingest`.
    """
    now = _canonical(observed_at)
    mention = _complete(data, now) if not isinstance(data, dict) else None
    if mention is None:
        default = None if default_occurred_at is None else _canonical(default_occurred_at)
        return _mend(data, now, default, listener, replay)
    ingest = mention.ingest
    if ingest.listener is None or (replay and not ingest.replay):
        ingest = replace(ingest, listener=ingest.listener or listener, replay=replay or ingest.replay)
        return replace(mention, ingest=ingest)
    return mention


def _canonical(time: str) -> str:
    return time if len(time) == 24 and time[-1] == "Z" else from_ms(read_time(time).ms)


def _complete(data: bytes | str, now: str) -> Mention | None:
    """The fast path: the mention if it is in topic form and nothing in it needs a second look."""
    if len(data) > MAX_TEXT or (b"\\u0000" in data if isinstance(data, bytes) else "\\u0000" in data):
        return None
    try:
        mention = _decoder.decode(data)
        sound = (
            mention.id.startswith(mention.channel + ":")
            and mention.id.isascii()
            and mention.id.isprintable()
            and len(mention.id) <= MAX_ID
            and EARLIEST <= mention.occurred_at <= mention.observed_at <= now
            and (mention.text is None or is_nfc(mention.text))
            and _times_exist(mention)
        )
        _closed.decode(data)  # an unknown key
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError):
        return None  # the slow path finds out what is wrong, or mends it
    return mention if sound else None


def _times_exist(mention: Mention) -> bool:
    """Raises ValueError for a time that has the right form but is no time, such as the 30th of February."""
    read = datetime.fromisoformat
    read(mention.occurred_at)
    read(mention.observed_at)
    if mention.edited_at is not None and read(mention.edited_at) and mention.edited_at > mention.observed_at:
        return False
    if mention.sent_at is not None and read(mention.sent_at) and mention.sent_at > mention.observed_at:
        return False
    author, metrics, reply = mention.author, mention.metrics, mention.reply
    for time in (
        author.created_at,
        author.as_of,
        None if metrics is None else metrics.as_of,
        None if reply is None else reply.until,
        *(item.expires_at for item in mention.media),
    ):
        if time is not None:
            read(time)
    return True


def _mend(data: bytes | str | dict[str, Any], now: str, default: str | None, listener: str, replay: bool) -> Mention:
    """The slow path, in this order: read, name the mention, clean its strings, fill its gaps, repair its parts."""
    document, suspicious = read_object(data, WHAT)
    document = _given(document)
    for key in document.keys() - _KNOWN:
        raise Poison(f"{WHAT}: {unknown_key(key, _KNOWN)}", shown(key))
    channel = _name(document)
    repairs = Repairs()
    if suspicious:
        clean_values(document, repairs)
        document = _given(document)
    for key, allowed in _CHOICES:
        choose(document, key, allowed, repairs)
    _fill_parts(document, repairs)
    _fill_text(document, repairs)
    settle_times(document, now, default, repairs)
    nested_times(document, repairs)
    _fill_kind(document, channel)
    mention = fit(document, repairs)
    ingest = mention.ingest
    return replace(
        mention,
        ingest=replace(
            ingest,
            listener=ingest.listener or listener,
            replay=replay or ingest.replay,
            changes=_join(ingest.changes, repairs.changes),
        ),
    )


def _given(document: dict[str, Any]) -> dict[str, Any]:
    """Null is the same as left out, but for the text: there it says that the post has none."""
    return {key: value for key, value in document.items() if value is not None or key == "text"}


def _name(document: dict[str, Any]) -> str:
    """Checks and fills what must be right: schema, id, channel, native id, op, direction. Returns the channel."""
    if document.get("schema", "mention/1") != "mention/1":
        raise Poison(f"{WHAT}: `schema` must be mention/1", "schema")
    document["schema"] = "mention/1"
    channel, native = split_id(document.get("id"), WHAT)
    given = document.setdefault("channel", channel)
    if not isinstance(given, str) or given not in CHANNELS:
        raise Poison(f"{WHAT}: {unknown_channel(str(given))} in `channel`", "channel")
    if given != channel:
        raise Poison(f"{WHAT}: `channel` is {given}, but the id begins with {channel}", "channel")
    if not isinstance(document.setdefault("native_id", native), str):
        document["native_id"] = native
    for key, allowed, default in (("op", form.Op, "create"), ("direction", form.Direction, "inbound")):
        value = document.setdefault(key, default)
        if not isinstance(value, str) or value not in get_args(allowed):
            near = nearest(value, get_args(allowed)) if isinstance(value, str) else None
            hint = f"did you mean `{near}`?" if near else f"known: {', '.join(get_args(allowed))}"
            raise Poison(f"{WHAT}: unknown `{key}` ({hint})", key)
    return channel


def _fill_parts(document: dict[str, Any], repairs: Repairs) -> None:
    author = document.get("author", {})
    if isinstance(author, str):
        author = {"handle": author[1:]} if author.startswith("@") else {"name" if " " in author else "id": author}
    account = document.get("account", {})
    if isinstance(account, str):
        account = {"id": account}
    for key, value, default in (("author", author, None), ("account", account, "unknown")):
        if isinstance(value, dict):
            document[key] = {"id": default, **value} if value.get("id") is None else value
        else:
            document[key] = {"id": default}
            repairs.nulled((key,), "is no object")
    if isinstance(document.get("language"), str):
        document["language"] = {"tag": document["language"], "source": "platform"}
    media = document.get("media", [])
    if isinstance(media, list):
        document["media"] = [_media(item) for item in media]
    else:
        document["media"] = []
        repairs.nulled(("media",), "is no array")


def _media(item: Any) -> Any:
    if isinstance(item, str) and "://" in item:
        return {"type": "other", "url": item}
    return item


def _fill_text(document: dict[str, Any], repairs: Repairs) -> None:
    """Text in normal form C and of bounded length; offsets of entities follow it. Then the revision."""
    op = document["op"]
    if "text" not in document and op not in _TEXTLESS_OPS and not any(document.get(key) for key in _CONTENT):
        raise Poison(f"{WHAT}: `text` is missing; give null for a post without one", "text")
    text = document.setdefault("text", None)
    if text is None and isinstance(document.get("text_html"), str) and document["text_html"]:
        text = document["text"] = plain(document["text_html"]) or None
    if text is not None and not isinstance(text, str):
        raise Poison(f"{WHAT}: `text` must be text or null, got {type(text).__name__}", "text")
    if text is not None:
        normal = text if is_nfc(text) else nfc(text)
        if normal is not text:
            repairs.replaced(("text",), "brought to Unicode normal form C")
            _move_entities(document, lambda offset: len(nfc(text[:offset])))
        full = normal
        if len(normal) > MAX_TEXT:
            normal = normal[:MAX_TEXT]
            document["text_truncated"] = True
            repairs.truncated(("text",), f"longer than {MAX_TEXT} characters")
            _move_entities(document, lambda offset: offset if offset <= MAX_TEXT else None)
        document["text"] = normal
    else:
        full = ""
    _fill_revision(document, full, repairs)


def _move_entities(document: dict[str, Any], to: Any) -> None:
    entities = document.get("entities")
    for entity in entities if isinstance(entities, list) else ():
        if isinstance(entity, dict):
            for key in ("start", "end"):
                offset = entity.get(key)
                if isinstance(offset, int) and not isinstance(offset, bool):
                    entity[key] = to(max(0, offset))


def _fill_revision(document: dict[str, Any], text: str, repairs: Repairs) -> None:
    """Platform revision, else edit time in ms, else hash of the text. What carries no text (a second `hide` after a
    `restore`) is told apart by its own time, where the platform names one."""
    revision = document.get("revision")
    if isinstance(revision, str) and revision:
        return
    if isinstance(revision, int) and not isinstance(revision, bool):
        document["revision"] = str(revision)
        return
    if revision not in (None, ""):
        repairs.replaced(("revision",), "is no text")
    times = ["edited_at"]
    if document["op"] in _TEXTLESS_OPS:
        times.append("occurred_at")
    for key in times:
        try:
            document["revision"] = str(read_time(document.get(key)).ms)
        except ValueError:
            continue
        return
    # The letter keeps a digest that happens to be all digits from being ordered as a number.
    document["revision"] = "h" + digest(text)


def _fill_kind(document: dict[str, Any], channel: str) -> None:
    private = channel in _PRIVATE_CHANNELS or document.get("kind") == "direct_message"
    document.setdefault("visibility", "private" if private else "public")
    document.setdefault("kind", _kind(document, channel))


def _kind(document: dict[str, Any], channel: str) -> str:
    if channel in _KIND_BY_CHANNEL:
        return _KIND_BY_CHANNEL[channel]
    if document["visibility"] == "private":
        return "direct_message"
    thread = document.get("thread")
    if isinstance(thread, dict):
        if thread.get("reposted_id"):
            return "repost"
        if thread.get("quoted_id"):
            return "quote"
        if thread.get("parent_id"):
            return "comment" if channel in _COMMENT_CHANNELS else "reply"
    return "post"


def _join(old: tuple[Change, ...], new: list[Change]) -> tuple[Change, ...]:
    return old + tuple(change for change in new if change not in old)
