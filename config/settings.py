"""`hilferuf.yaml` as settings models. Every key is known: a misspelt one stops the start with the nearest right key."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from config.kafka import KafkaSettings, TlsSettings
from config.section import ONE_SOURCE, UNPLACED, Port, Positive, Secret, Section, Url
from config.yaml_file import ConfigError, Document, read_yaml

TextMode = Literal["full", "link_only"]


class XRule(Section, frozen=True, kw_only=True):
    """One rule of the filtered stream; `tag` is our name of it, used to keep X's rules equal to these."""

    value: str
    tag: str


class XSettings(Section, frozen=True, kw_only=True):
    """The channel X. `account_id`, `handle`: the brand's own account; its posts are answers, never calls for help.

    rules_prefix: begins the tags of our rules at X; rules with other tags are never touched. catch_up_query: recent search
    behind a gap, derived from the rules when left out. look_back_minutes: how far the very first start reads back.
    """

    bearer_token: Secret
    rules: tuple[XRule, ...]
    account_id: str | None = None
    handle: str | None = None
    brand: str | None = None
    base_url: Url = "https://api.x.com"
    catch_up_query: str | None = None
    stall_seconds: Positive = 25.0
    rules_prefix: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,40}$")] = "hilferuf"
    look_back_minutes: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 0.0


class FacebookPage(Section, frozen=True, kw_only=True):
    """A page that is listened to."""

    id: str
    access_token: Secret
    handle: str | None = None
    brand: str | None = None


class FacebookSettings(Section, frozen=True, kw_only=True):
    """The channel Facebook: pages polled over the Graph API. `comments_days`: how old a post may be whose comments are still
    read; `catch_up_hours`: how far back the very first start reads."""

    pages: tuple[FacebookPage, ...]
    app_secret: Secret
    base_url: Url = "https://graph.facebook.com"
    version: Annotated[str, msgspec.Meta(pattern=r"^v\d+\.\d+$")] = "v25.0"
    poll_seconds: Positive = 60.0
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    comments_days: Positive = 7.0
    catch_up_hours: Positive = 24.0


class MetaWebhook(Section, frozen=True, kw_only=True):
    """Meta's page webhook. Several app secrets are accepted, for rotation."""

    verify_token: Secret
    app_secrets: tuple[Secret, ...]
    pages: dict[str, str] = msgspec.field(default_factory=dict)  # page id -> brand


class WebhookSettings(Section, frozen=True, kw_only=True):
    """The HTTP server for pushed mentions and facts, and for Meta."""

    secrets: tuple[Secret, ...] = ()
    host: str = "127.0.0.1"
    port: Port = 8780
    meta: MetaWebhook | None = None
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 4 * 1024 * 1024


class FileSettings(Section, frozen=True, kw_only=True):
    """An NDJSON file of mentions or customer facts; path `-`: standard input. `follow`: go on reading as it grows. `speed`: at
    this multiple of real time, by the differences between the records' times (left out: as fast as it can be read)."""

    path: str
    kind: Literal["mentions", "facts"]
    follow: bool = False
    speed: Positive | None = None


class Listeners(Section, frozen=True, kw_only=True):
    """Who listens where."""

    x: XSettings | None = None
    facebook: FacebookSettings | None = None
    webhook: WebhookSettings | None = None
    files: tuple[FileSettings, ...] = ()


class SinkOptions(Section, frozen=True, kw_only=True):
    """What every sink has. `brands`: only tickets of these brands, empty = all. `text`: the post itself, or its link only.

    rerank_minutes: a due time that moved by less is not worth a write of its own.
    """

    brands: tuple[str, ...] = ()
    text: TextMode = "full"
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    timeout_seconds: Positive = 20.0
    observe_seconds: Positive = 30.0
    rerank_minutes: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    writes_per_minute: Annotated[int, msgspec.Meta(ge=1)] | None = None


class QueueSettings(SinkOptions, frozen=True, kw_only=True):
    """The local ranked queue, an SQLite file in the data folder."""

    path: str = "queue.db"


class RequestTrackerSettings(SinkOptions, frozen=True, kw_only=True):
    """Request Tracker 5 over REST 2. The three custom fields must exist on the queue (see docs/request-tracker.md).

    requestor: a mail address that stands as requestor on every ticket; None = none, since authors have no mail address.
    """

    url: Url
    token: Secret
    queue: str
    external_id_field: str = "ExternalId"
    rank_field: str = "Rank"
    label_field: str | None = "Label"
    requestor: str | None = None


class ZendeskSettings(SinkOptions, frozen=True, kw_only=True):
    """Zendesk Support (see docs/zendesk.md). rank_field: id of a numeric custom field that holds the rank; explain_field: id of
    a text field that holds the newest explanation, beside the internal notes."""

    url: Url
    email: str
    token: Secret
    rank_field: int | None = None
    explain_field: int | None = None


class Sinks(Section, frozen=True, kw_only=True):
    """Where tickets go. Without any, the local queue."""

    queue: QueueSettings | None = None
    request_tracker: RequestTrackerSettings | None = None
    zendesk: ZendeskSettings | None = None


class Conversation(Section, frozen=True, kw_only=True):
    """Which posts of one author belong together (DESIGN rule 3)."""

    gap_hours: Positive = 72.0
    reopen_days: Positive = 7.0


class Retention(Section, frozen=True, kw_only=True):
    """How long personal data stays: the recorded log and dead letters, routes of deletes, an author without an open ticket."""

    log_days: Positive = 7.0
    route_days: Positive = 30.0
    author_days: Positive = 90.0


class Server(Section, frozen=True, kw_only=True):
    """Metrics and health; loopback unless told otherwise. Port 0 = any free one."""

    host: str = "127.0.0.1"
    port: Port = 9464


class Log(Section, frozen=True, kw_only=True):
    """Log lines: no text of a post and no token at `info`."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Settings(Section, frozen=True, kw_only=True):
    """The whole of `hilferuf.yaml`. Paths are relative to the file. Lexicons and strategy: a packaged name or a path."""

    version: Literal[1] = 1
    data_dir: Annotated[str, msgspec.Meta(pattern=r"^[^\x00]+$")] = ".hilferuf"
    lexicons: tuple[str, ...] = ("de", "en")
    strategy: str = "balanced"
    need_threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    model: str | None = None  # of need; None = the packaged one, else a file that `hilferuf model train` wrote
    conversation: Conversation = Conversation()
    retention: Retention = Retention()
    listeners: Listeners = Listeners()
    sinks: Sinks = Sinks()
    kafka: KafkaSettings | None = None
    server: Server = Server()
    log: Log = Log()


class Loaded(msgspec.Struct, frozen=True):
    """Settings with the file they came from; `base` is the folder that relative paths start at."""

    settings: Settings
    file: str
    base: Path
    document: Document | None = None

    @property
    def model(self) -> Path | None:
        """The file of the model of need; None = the packaged one."""
        return self.path(self.settings.model) if self.settings.model else None

    def path(self, name: str) -> Path:
        """A path of the settings, absolute."""
        return (self.base / name).resolve()

    def placed(self, error: ConfigError, path: tuple[str | int, ...]) -> ConfigError:
        """An error of a setting below `path`, with file, line and field where it did not know them."""
        if error.file != UNPLACED or self.document is None:
            return error
        return self.document.error(error.message, path, error.hint)

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute."""
        return self.path(self.settings.data_dir)


def load_settings(path: Path) -> Loaded:
    """Reads and validates the settings file whole. Raises ConfigError with file, line, field and the nearest right key."""
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise document.error("must be a mapping of settings", hint="see `hilferuf config init`")
    base = path.resolve().parent
    settings: Settings = _anchored(document.convert(Settings), base, document, ())
    return Loaded(settings, str(path), base, document)


def _anchored(value: Any, base: Path, document: Document, path: tuple[str | int, ...]) -> Any:
    """The same settings, files of secrets absolute: a service started from another folder must find them too."""
    if isinstance(value, Secret):
        if (value.env is None) == (value.file is None):
            raise document.error(ONE_SOURCE, path)
        return value if value.file is None else msgspec.structs.replace(value, file=str(base / value.file))
    if isinstance(value, TlsSettings):
        files = {name: getattr(value, name) for name in ("ca_file", "certificate_file", "key_file")}
        return msgspec.structs.replace(value, **{name: str(base / file) for name, file in files.items() if file})
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        fields = {name: _anchored(getattr(value, name), base, document, (*path, name)) for name in names}
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(_anchored(item, base, document, (*path, index)) for index, item in enumerate(value))
    return value


def packaged() -> Loaded:
    """Defaults without a brand, a listener or a helpdesk: what `screen` and `replay` use when no configuration is named."""
    return Loaded(Settings(), "<packaged defaults>", Path.cwd(), None)
