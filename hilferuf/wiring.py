"""Wires listeners and sinks from the settings. A new channel or helpdesk is one more line here."""

from config.settings import Loaded, QueueSettings, RequestTrackerSettings, Settings, SinkOptions, ZendeskSettings
from listeners.contract import Clock, Listener
from sinks.contract import Sink
from streams.runner import Route


def listeners_of(loaded: Loaded, clock: Clock) -> list[Listener]:
    """The configured listeners. Raises ConfigError for a secret that is missing."""
    wanted, found = loaded.settings.listeners, list[Listener]()
    if wanted.x is not None:
        from listeners.x import XListener

        found.append(XListener(wanted.x, clock=clock))
    if wanted.facebook is not None:
        from listeners.facebook import FacebookListener

        found.append(FacebookListener(wanted.facebook, clock=clock))
    if wanted.webhook is not None:
        from listeners.webhook import WebhookListener

        found.append(WebhookListener(wanted.webhook, clock=clock))
    for file in wanted.files:
        from listeners.replay import ReplayListener

        found.append(ReplayListener(str(loaded.path(file.path)), file.kind, follow=file.follow, clock=clock))
    return found


def _sink_settings(settings: Settings) -> list[tuple[str, SinkOptions]]:
    """Name and settings of each configured sink; without any, the local queue."""
    sinks = settings.sinks
    found: list[tuple[str, SinkOptions]] = [
        (name, options)
        for name, options in (
            ("queue", sinks.queue),
            ("request_tracker", sinks.request_tracker),
            ("zendesk", sinks.zendesk),
        )
        if options is not None
    ]
    return found or [("queue", QueueSettings())]


def routes_of(loaded: Loaded) -> list[Route]:
    """The sinks as the engine's ledger knows them."""
    return [Route(name, options.brands, options.rerank_minutes) for name, options in _sink_settings(loaded.settings)]


def sinks_of(loaded: Loaded) -> list[tuple[Sink, SinkOptions]]:
    """The configured sinks with their settings. Raises ConfigError for a secret that is missing."""
    return [(_sink(loaded, options), options) for _, options in _sink_settings(loaded.settings)]


def _sink(loaded: Loaded, options: SinkOptions) -> Sink:
    if isinstance(options, QueueSettings):
        from sinks.queue import QueueSink

        return QueueSink.from_settings(options, loaded.data_dir)
    if isinstance(options, RequestTrackerSettings):
        from sinks.request_tracker import RequestTracker

        return RequestTracker(options)
    if isinstance(options, ZendeskSettings):
        from sinks.zendesk import Zendesk

        return Zendesk(options)
    raise TypeError(f"no sink for {type(options).__name__}")
