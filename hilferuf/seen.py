"""Seen from outside: metrics and health over HTTP, on loopback unless told otherwise; and the log's form."""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import generate_latest

from config.settings import Log, Server
from hilferuf.hit_metrics import count_hits
from listeners.contract import Health, Listener
from records.mention import Mention
from records.times import to_ms
from records.verdict import Verdict
from streams import metrics
from streams.deliverer import Deliverer
from streams.embedded import EmbeddedEngine
from streams.store import Store

STATES = ("starting", "live", "catching_up", "throttled", "auth_failed", "reconnecting", "stopped")
SELDOM_SECONDS = 10.0
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up_log(settings: Log) -> None:
    """structlog to standard error. The SDKs' own loggers stay at warning: they write tokens at debug."""
    level = _LEVELS[settings.level]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    quiet = max(level, logging.WARNING)
    logging.basicConfig(level=quiet, stream=sys.stderr, force=True)
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors],
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(Seldom())
        handler.setLevel(quiet)  # holds also where an SDK, or whoever drives it, lowers its logger later
        handler.setFormatter(formatter)  # and a collector that reads JSON is given nothing else
    for name in ("tweepy", "urllib3", "requests", "requests_oauthlib", "httpx", "httpcore", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiokafka.producer.sender").addFilter(_without_retries)
    logging.getLogger("aiokafka.consumer.group_coordinator").addFilter(_without_first_answer)
    logging.getLogger("aiohttp.server").addFilter(_without_wire)


def _without_retries(record: logging.LogRecord) -> bool:
    """aiokafka warns of each send that it tries again, as it must whenever a transaction follows closely on another one."""
    return "retrying" not in str(record.msg)


def _without_first_answer(record: logging.LogRecord) -> bool:
    """On a fresh cluster the first question about a group makes the topic that the answer lies in, and comes too early."""
    return "GroupCoordinatorNotAvailable" not in record.getMessage()


class Seldom(logging.Filter):
    """What an SDK says again and again, once in `SELDOM_SECONDS`: without a broker, aiokafka alone writes a thousand lines a
    second, and they would bury the one that says what to do. The next line tells how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}  # when, and how often not since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        key, now = (record.name, str(record.msg)[:40]), time.monotonic()
        when, left_out = self._said.get(key, (-SELDOM_SECONDS, 0))
        if now - when < SELDOM_SECONDS:
            self._said[key] = when, left_out + 1
            return False
        if len(self._said) > 1_000:  # texts that are never the same
            self._said.clear()
        self._said[key] = now, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like this)", ()
        return True


def _without_wire(record: logging.LogRecord) -> bool:
    """A request that is no HTTP is told without its bytes: they may be a signature, a token or a post."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info = record.exc_text = None
        record.msg, record.args = f"a request that is no HTTP was refused ({type(error).__name__})", ()
    return True


def count_verdict(mention: Mention, verdict: Verdict) -> None:
    """Metrics of one judged mention."""
    outcome = "kept" if verdict.kept else ("context" if verdict.context else verdict.dropped or "dropped")
    metrics.VERDICTS.labels(mention.channel, outcome).inc()
    count_hits(verdict)
    delay = (to_ms(mention.observed_at) - to_ms(mention.occurred_at)) / 1000
    metrics.HEARD_DELAY.labels(mention.channel).observe(max(delay, 0.0))


class Working(Protocol):
    """What does the work of this process, as seen from outside. failure: it has stopped for good; trouble: why it cannot work
    now."""

    @property
    def failure(self) -> BaseException | None:
        """Why it has stopped for good."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why it cannot do its work now."""
        ...

    async def measure(self) -> None:
        """Bring the gauges of `streams.metrics` up to date."""
        ...


class Embedded:
    """The embedded engine and its deliverers, as seen from outside."""

    def __init__(self, engine: EmbeddedEngine, deliverers: Sequence[Deliverer]) -> None:
        self._engine, self._deliverers = engine, deliverers

    @property
    def failure(self) -> BaseException | None:
        """The engine's."""
        return self._engine.failure

    @property
    def trouble(self) -> str | None:
        """The engine's."""
        return self._engine.trouble

    async def measure(self) -> None:
        """From the engine's file."""
        await self._engine.call(self._read)

    def _read(self, store: Store) -> None:
        for stage, source in self._engine.runner.sources().items():
            metrics.STAGE_LAG.labels(stage).set(store.size(source) - store.position(stage))
            metrics.STAGE_RECORDS.labels(stage).set(self._engine.runner.processed[stage])
        metrics.DEAD_LETTERS.set(self._engine.runner.dead_letters)
        for deliverer in self._deliverers:
            metrics.PENDING.labels(deliverer.sink.name).set(store.pending(deliverer.sink.name))
        for status, count in store.count_tickets().items():
            metrics.TICKETS.labels(status).set(count)


class Outside:
    """The HTTP server with `/metrics`, `/healthz` (the process lives) and `/readyz` (it can do its work)."""

    def __init__(
        self,
        engine: Working,
        listeners: Sequence[Listener],
        deliverers: Sequence[Deliverer],
        stopping: Callable[[], bool],
    ) -> None:
        self._engine, self._listeners, self._deliverers, self._stopping = engine, listeners, deliverers, stopping
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, settings: Server) -> None:
        """Listen. Raises OSError when the port is taken."""
        app = web.Application()
        app.add_routes(
            [web.get("/metrics", self._metrics), web.get("/healthz", self._live), web.get("/readyz", self._ready)]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, settings.host, settings.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the server."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        await self._engine.measure()
        for listener in self._listeners:
            _listener_metrics(listener.name, listener.health())
        return web.Response(body=generate_latest(metrics.REGISTRY), content_type="text/plain", charset="utf-8")

    async def _live(self, _: web.Request) -> web.Response:
        if self._engine.failure is not None:
            return web.json_response({"status": "failed", "engine": str(self._engine.failure)}, status=500)
        return web.json_response({"status": "alive"})

    async def _ready(self, _: web.Request) -> web.Response:
        """Ready = the engine runs and takes writes. A throttled channel or a helpdesk that is down is told, but it is no
        reason to take the whole service away."""
        body = {
            "engine": "failed" if self._engine.failure else self._engine.trouble or "running",
            "listeners": {x.name: {"state": x.health().state, "detail": x.health().detail} for x in self._listeners},
            "sinks": {d.sink.name: d.trouble or "delivering" for d in self._deliverers},
        }
        ready = self._engine.failure is None and self._engine.trouble is None and not self._stopping()
        return web.json_response({"ready": ready} | body, status=200 if ready else 503)


def _listener_metrics(name: str, health: Health) -> None:
    for state in STATES:
        metrics.LISTENER_STATE.labels(name, state).set(int(state == health.state))
    metrics.LISTENER_PUBLISHED.labels(name).set(health.published)
    metrics.LISTENER_RECONNECTS.labels(name).set(health.reconnects)
    metrics.LISTENER_REJECTED.labels(name).set(health.rejected)
