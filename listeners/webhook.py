"""The listener of everything that is pushed: `POST /v1/mentions`, `POST /v1/facts`, and Meta's page webhook at `/v1/meta`.

What to send, how to sign it and what is answered: docs/webhook.md. The loop is `listeners.push`.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from config.settings import WebhookSettings
from config.yaml_file import ConfigError
from listeners.batch import read_items, split_body
from listeners.contract import Bad, Clock
from listeners.meta_webhook import read_delivery
from listeners.push import Pushed, PushListener, Route
from listeners.signatures import is_hex_signed, is_standard_signed, same_text
from records.errors import Poison
from records.facts import CustomerFact
from records.mention import Mention
from records.normalise import normalise_mention
from records.normalise_facts import normalise_fact

MENTIONS, FACTS, META = "/v1/mentions", "/v1/facts", "/v1/meta"


class WebhookListener(PushListener):
    """Serves the three routes; `/v1/meta` only where it is configured."""

    def __init__(self, settings: WebhookSettings, *, clock: Clock, name: str = "webhook") -> None:
        """Raises ConfigError for a secret that cannot be read, and for an open door: no secrets on an outer address."""
        self._secrets = tuple(secret.reveal() for secret in settings.secrets)
        if not self._secrets and not is_loopback(settings.host):
            raise ConfigError(
                f"without `secrets` anybody could push mentions to {settings.host}",
                "hilferuf.yaml",
                field="listeners.webhook.secrets",
                hint="add a secret, or serve on 127.0.0.1",
            )
        routes = [
            Route(path=MENTIONS, verify=self._verify, read=self._read_mentions),
            Route(path=FACTS, verify=self._verify, read=self._read_facts),
        ]
        self._verify_token: str | None = None
        if settings.meta is not None:
            self._app_secrets = tuple(secret.reveal() for secret in settings.meta.app_secrets)
            self._verify_token = settings.meta.verify_token.reveal()
            self._brands = settings.meta.pages
            if not self._app_secrets:
                raise ConfigError(
                    "Meta's deliveries cannot be told from forgeries without an app secret",
                    "hilferuf.yaml",
                    field="listeners.webhook.meta.app_secrets",
                    hint="add the secret of the app that subscribes to the page",
                )
            routes.append(Route(path=META, verify=self._verify_meta, read=self._read_meta))
        super().__init__(
            name,
            "webhook",
            clock=clock,
            host=settings.host,
            port=settings.port,
            max_body_bytes=settings.max_body_bytes,
            routes=routes,
        )

    def add_to(self, app: web.Application) -> None:
        """Meta's challenge."""
        if self._verify_token is not None:
            app.router.add_get(META, self._challenge)

    async def _challenge(self, request: web.Request) -> web.Response:
        """Echoes `hub.challenge` byte for byte to whoever knows the verify token."""
        query = request.query
        known = same_text(query.get("hub.verify_token", ""), self._verify_token or "")
        if query.get("hub.mode") != "subscribe" or not known:
            self.refused["403"] += 1
            return web.Response(status=403, text="wrong hub.mode or hub.verify_token", content_type="text/plain")
        return web.Response(body=query.get("hub.challenge", "").encode("utf-8", "replace"), content_type="text/plain")

    def _verify(self, headers: Mapping[str, str], body: bytes) -> str | None:
        if not self._secrets:
            # On loopback only the machine's own people come by, except for web pages in their browsers.
            return "unsigned requests of web pages are refused; configure a secret" if "Origin" in headers else None
        if "webhook-signature" in headers:
            right = is_standard_signed(headers, body, self._secrets, self._clock.now())
            return None if right else "webhook-signature is wrong, or webhook-timestamp is more than 5 minutes off"
        header = headers.get("X-Hilferuf-Signature")
        if header is None:
            return "X-Hilferuf-Signature is missing: sha256=<hex of HMAC-SHA256(secret, raw body)>"
        right = is_hex_signed(header, body, self._secrets)
        return None if right else "X-Hilferuf-Signature is wrong; sign the raw bytes that are sent"

    def _verify_meta(self, headers: Mapping[str, str], body: bytes) -> str | None:
        right = is_hex_signed(headers.get("X-Hub-Signature-256"), body, self._app_secrets)
        return None if right else "X-Hub-Signature-256 is missing or wrong"

    def _read_mentions(self, body: bytes, content_type: str, observed_at: str) -> Pushed:
        def read(item: bytes) -> Mention:
            return normalise_mention(item, observed_at=observed_at, listener=self.name)

        return self._read(body, content_type, read, MENTIONS)

    def _read_facts(self, body: bytes, content_type: str, observed_at: str) -> Pushed:
        def read(item: bytes) -> CustomerFact:
            return normalise_fact(item, observed_at=observed_at)

        return self._read(body, content_type, read, FACTS)

    def _read(self, body: bytes, content_type: str, read: Callable[[bytes], Any], path: str) -> Pushed:
        origin = f"{self.name}:{path}"
        try:
            items = split_body(body, content_type)
        except Poison as error:
            letter = Bad(original=body, reason=str(error), origin=origin)
            return Pushed(bad=[letter], status=400, answer={"error": str(error)})
        good, bad, rejected = read_items(items, read, origin)
        records = [record for _, record in good]
        answer = {"accepted": [{"index": index, "id": record.id} for index, record in good], "rejected": rejected}
        if path == FACTS:
            return Pushed(facts=records, bad=bad, answer=answer)
        return Pushed(mentions=records, bad=bad, answer=answer)

    def _read_meta(self, body: bytes, _: str, observed_at: str) -> Pushed:
        found = read_delivery(
            body, pages=self._brands, observed_at=observed_at, listener=self.name, origin=f"{self.name}:{META}"
        )
        answer = {
            "accepted": len(found.mentions),
            "rejected": len(found.bad),
            "ignored": sum(found.ignored.values()),
        }
        return Pushed(mentions=found.mentions, bad=found.bad, ignored=found.ignored, answer=answer)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on that host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
