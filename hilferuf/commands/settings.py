"""`hilferuf config`: check, init, schema."""

import sys
from pathlib import Path
from string import Template

import msgspec

from config.schema import settings_schema
from hilferuf.rules import rules_of, settings_of
from priority.strategy import warnings
from records.errors import HilferufError

_SETTINGS = Template("""\
# Hilferuf's settings. A misspelt key stops the start with the nearest right one. Check: hilferuf config check
# Secrets never stand here: {env: NAME} or {file: PATH}.
version: 1
data_dir: .hilferuf            # log, state and the local queue (SQLite files); back this folder up
lexicons: [de, en, $slug.yaml]  # packaged languages, and your brand
strategy: balanced             # balanced, service-first, key-accounts, or your own file

listeners:
  webhook:                     # POST /v1/mentions and /v1/facts, see docs/webhook.md
    port: 8780
    secrets: [{env: HILFERUF_WEBHOOK_SECRET}]
#  x:
#    bearer_token: {env: X_BEARER_TOKEN}
#    handle: "$slug"
#    rules:
#      - {tag: brand, value: "@$slug -from:$slug -is:retweet"}
#  facebook:
#    app_secret: {env: META_APP_SECRET}
#    pages:
#      - {id: "1000000000", access_token: {env: META_PAGE_TOKEN}, brand: "$slug"}

sinks:
  queue: {}                    # the local queue; hilferuf queue shows it
#  request_tracker:            # see docs/request-tracker.md
#    url: https://rt.example
#    queue: Social
#    token: {env: RT_TOKEN}
#  zendesk:                    # see docs/zendesk.md
#    url: https://example.zendesk.com
#    email: service@example.com
#    token: {env: ZENDESK_TOKEN}

server:                        # /metrics, /healthz, /readyz
  host: 127.0.0.1
  port: 9464
""")

_LEXICON = Template("""\
# Your brand: how people call you. See docs/lexicons.md
lexicon: 1
brands:
  - id: "$slug"
    names: [$name]
    handles: ["$slug"]
    hashtags: ["$slug"]
""")


def check(config: Path | None) -> int:
    """Read everything that the settings name; the first fault ends with its place."""
    loaded = settings_of(config)
    rules = rules_of(loaded)
    print(f"{loaded.file}: well")
    print(f"lexicons {', '.join(loaded.settings.lexicons)}: version {rules.lexicon.version}")
    print(f"strategy {rules.strategy.version}")
    for warning in warnings(rules.strategy):
        print(f"strategy {rules.strategy.version}: {warning}")
    return 0


def init(folder: Path, brand: str) -> int:
    """Write first files; nothing that exists is overwritten."""
    if not brand.strip():
        raise HilferufError("--brand is empty; give the name that people call you by")
    name = msgspec.json.encode(brand.strip()).decode()  # JSON is YAML: a quote or a backslash in a name breaks nothing
    slug = "".join(c for c in brand.lower() if c.isascii() and c.isalnum()) or "acme"
    files = {folder / "hilferuf.yaml": _SETTINGS, folder / f"{slug}.yaml": _LEXICON}
    for path in files:
        if path.exists():
            raise HilferufError(f"{path} exists already; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for path, template in files.items():
        path.write_text(template.substitute(slug=slug, name=name), "utf-8")
        print(f"wrote {path}")
    print("next: export HILFERUF_WEBHOOK_SECRET=…; hilferuf doctor; hilferuf run")
    return 0


def schema() -> int:
    """The JSON Schema on standard output."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(settings_schema()), indent=2) + b"\n")
    return 0
