"""Wires listeners and sinks from the settings. A new channel or helpdesk is one more line here.

Each part is built by itself, so that one whose secret is missing is told with its place and hides no other (`doctor`).
"""

import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from config.settings import Loaded, QueueSettings, RequestTrackerSettings, Settings, SinkOptions, ZendeskSettings
from config.yaml_file import ConfigError
from listeners.contract import Clock, Listener
from sinks.contract import Sink
from streams.runner import Route

STDIN = "-"
T = TypeVar("T", Listener, Sink)


class Part(NamedTuple):
    """A configured part: its place in the settings, and how it is built. `build` raises ConfigError with that place."""

    path: tuple[str | int, ...]
    build: Callable[[], Listener]

    @property
    def name(self) -> str:
        """For people: `x`, `files 0`."""
        return " ".join(str(part) for part in self.path[1:])


def listener_parts(loaded: Loaded, clock: Clock) -> Iterator[Part]:
    """The configured listeners, not built yet."""
    wanted = loaded.settings.listeners

    def part(path: tuple[str | int, ...], make: Callable[[], Listener]) -> Part:
        return Part(path, lambda: _placed(loaded, path, make))

    if wanted.x is not None:
        from listeners.x import XListener

        x = wanted.x
        yield part(("listeners", "x"), lambda: XListener(x, clock=clock))
    if wanted.facebook is not None:
        from listeners.facebook import FacebookListener

        facebook = wanted.facebook
        yield part(("listeners", "facebook"), lambda: FacebookListener(facebook, clock=clock))
    if wanted.webhook is not None:
        from listeners.webhook import WebhookListener

        webhook = wanted.webhook
        yield part(("listeners", "webhook"), lambda: WebhookListener(webhook, clock=clock))
    for index, file in enumerate(wanted.files):
        from listeners.replay import ReplayListener

        source = sys.stdin.buffer if file.path == STDIN else str(loaded.path(file.path))
        listener = ReplayListener(source, file.kind, follow=file.follow, speed=file.speed, clock=clock)
        yield part(("listeners", "files", index), lambda listener=listener: listener)  # type: ignore[misc]


def listeners_of(loaded: Loaded, clock: Clock) -> list[Listener]:
    """The configured listeners. Raises ConfigError for a secret that is missing."""
    return [part.build() for part in listener_parts(loaded, clock)]


def sink_settings(settings: Settings) -> list[tuple[str, SinkOptions]]:
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
    return [Route(name, options.brands, options.rerank_minutes) for name, options in sink_settings(loaded.settings)]


def sinks_of(loaded: Loaded) -> list[tuple[Sink, SinkOptions]]:
    """The configured sinks with their settings. Raises ConfigError for a secret that is missing."""
    return [(sink_of(loaded, name, options), options) for name, options in sink_settings(loaded.settings)]


def sink_of(loaded: Loaded, name: str, options: SinkOptions) -> Sink:
    """One sink. Raises ConfigError with its place."""
    return _placed(loaded, ("sinks", name), lambda: _sink(loaded, options))


def _placed(loaded: Loaded, path: tuple[str | int, ...], make: Callable[[], T]) -> T:
    try:
        return make()
    except ConfigError as error:
        raise loaded.placed(error, path) from error


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
