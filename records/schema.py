"""JSON Schemas of the records on the topics, generated from the Structs, so that docs and code cannot drift apart.

`python -m records.schema docs/schemas` writes them; a test holds the written ones to these.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from records.closed import closed
from records.events import AuthorEvent, DeadLetter, Observed, Redrive
from records.facts import CustomerFact
from records.mention import Mention
from records.tickets import Delivery, Ticket, TicketOperation
from records.verdict import Verdict

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Mentions and facts also come in from outside: closed. In the others a reader may meet fields of a newer version.
RECORDS: dict[str, tuple[Any, str]] = {
    "mention": (closed(Mention), "A mention in topic form, as on the topic `mentions`."),
    "customer-fact": (closed(CustomerFact), "What is known of a customer, as on the topic `customer-facts`."),
    "author-event": (AuthorEvent, "What concerns one author, as on the topic `author-events`."),
    "ticket-operation": (TicketOperation, "A version of a wanted ticket, as on the topic `tickets`."),
    "observed": (Observed, "What a person did in a helpdesk, on its way to the author, as on the topic `tickets`."),
    "redrive": (Redrive, "The wish to try a refused ticket again, as on the topic `tickets`."),
    "delivery": (Delivery, "The ledger's entry of one ticket in one helpdesk, as on the topic `deliveries`."),
    "verdict": (Verdict, "The judgement of one mention, as `hilferuf screen` prints it."),
    "ticket": (Ticket, "The wanted state of one ticket."),
    "dead-letter": (DeadLetter, "What could not be used, as on the topic `dead-letters`."),
}

# Left out where unknown, and never written as null. The Structs read a null there all the same.
_NEVER_NULL = {
    "Mention": ("raw",),
    "Geo": ("source",),
    "Reply": ("mode",),
    "Ingest": ("listener",),
    "Change": ("change",),
    "Raw": ("sha256", "bytes"),
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a record of `RECORDS`."""
    type_, description = RECORDS[name]
    generated = msgspec.json.schema(type_)
    for title, fields in _NEVER_NULL.items():
        properties = generated["$defs"].get(title, {}).get("properties", {})
        for field in fields:
            if field in properties:
                properties[field] = _without_null(properties[field])
    return {"$schema": DIALECT, "$id": f"urn:hilferuf:{name}", "description": description, **generated}


def _without_null(property_: dict[str, Any]) -> dict[str, Any]:
    rest = [option for option in property_["anyOf"] if option != {"type": "null"}]
    kept = {key: value for key, value in property_.items() if key not in ("anyOf", "default")}
    return {**kept, **(rest[0] if len(rest) == 1 else {"anyOf": rest})}


def text(document: dict[str, Any]) -> str:
    """A schema as it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> list[Path]:
    """Writes every record's schema into the folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in RECORDS:
        file = folder / f"{name}.schema.json"
        file.write_text(text(schema(name)), "utf-8")
        files.append(file)
    return files


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
