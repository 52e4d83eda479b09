"""The vendor's OpenAPI description as a closed contract: with its known faults put right and its objects closed."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from sinks.imitations.zendesk import Seen

FILE = Path(__file__).parents[3] / "shared" / "contracts" / "zendesk-support.yaml"
PAGING = {"page[size]", "page[after]", "include"}


@lru_cache(maxsize=1)
def contract() -> "Contract":
    """The contract, loaded once a session; skips where the file is not there, fails where it must be (CI=true)."""
    if not FILE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{FILE} is missing")
        pytest.skip("the vendor's contract is not beside this checkout; our own schema checks the same requests")
    return Contract(yaml.load(FILE.read_text("utf-8"), Loader=yaml.CSafeLoader))


def _body(*required: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def overlay(spec: dict[str, Any]) -> dict[str, Any]:
    """Known faults of the file: the definition of a custom field stands for its value; an inline requester is missing; users
    need an e-mail; two bodies are described in prose only; every object is open, so a misspelt field passes."""
    schemas, paths = spec["components"]["schemas"], spec["paths"]
    value = {"type": "object", "properties": {"id": {"type": "integer"}, "value": {}}, "additionalProperties": False}
    schemas["TicketUpdateInput"]["properties"]["custom_fields"]["items"] = {**value, "required": ["id", "value"]}
    person = {"name": {"type": "string"}, "email": {"type": "string"}}
    update = schemas["TicketUpdateInput"]
    create = schemas["TicketCreateInput"]["allOf"][1]
    create["properties"] = {
        **update["properties"],
        **create["properties"],
        "requester": {
            "type": "object",
            "properties": person,
            "required": ["name", "email"],
            "additionalProperties": False,
        },
    }
    schemas["TicketCreateInput"] = create
    for name in ("TicketCreateRequest", "TicketUpdateRequest"):
        schemas[name] |= {"additionalProperties": False, "required": ["ticket"]}
    for schema in (update, create, schemas["TicketCommentObject"], schemas["TicketMergeInput"]):
        schema["additionalProperties"] = False
    schemas["TicketMergeInput"]["properties"]["ids"]["maxItems"] = 100
    text: dict[str, Any] = {"type": "string", "minLength": 1}
    user = _body("user", user=_body("name", name=text, external_id=text, skip_verify_email={"type": "boolean"}))
    user["content"]["application/json"]["schema"]["properties"]["user"] = _body(
        "name", name=text, email=text, external_id=text, skip_verify_email={"type": "boolean"}
    )["content"]["application/json"]["schema"]
    paths["/api/v2/users/create_or_update"]["post"]["requestBody"] = user
    paths["/api/v2/comment_redactions/{ticket_comment_id}"]["put"]["requestBody"] = _body(
        "ticket_id", ticket_id={"type": "integer"}, html_body=text
    )
    paths["/api/v2/tickets/{ticket_id}/comments/{ticket_comment_id}/redact"]["put"]["requestBody"] = _body(
        "text", text=text
    )
    return spec


class Contract:
    """Checks requests. Raises ValueError with the reason."""

    def __init__(self, spec: dict[str, Any]) -> None:
        from openapi_core import Config, OpenAPI

        # The file itself fails the validation of OpenAPI documents (an unresolved path parameter).
        self._openapi = OpenAPI.from_dict(overlay(spec), config=Config(spec_validator_cls=None))
        self._paths = spec["paths"]
        self._parameters = spec["components"]["parameters"]

    def __call__(self, seen: Seen) -> None:
        """Usable as `on_request`."""
        from openapi_core.exceptions import OpenAPIError
        from openapi_core.testing import MockRequest

        request = MockRequest(
            "https://example.zendesk.com",
            seen.method,
            seen.path,
            args=seen.query,
            headers=seen.headers,
            data=seen.body or None,
            content_type=seen.headers.get("content-type", "application/json").split(";")[0],
        )
        try:
            self._openapi.validate_request(request)
        except OpenAPIError as error:
            causes = getattr(error.__cause__, "schema_errors", None) or [error.__cause__ or error]
            raise ValueError("; ".join(f"{getattr(c, 'json_path', '')} {c}".splitlines()[0] for c in causes)) from error
        self._check_query(seen)

    def _check_query(self, seen: Seen) -> None:
        operation = self._paths.get(seen.path) or self._paths[_pattern(seen.path, self._paths)]
        declared = [*operation.get("parameters", []), *operation[seen.method.lower()].get("parameters", [])]
        names = {p.get("name") or self._parameters[p["$ref"].rsplit("/", 1)[1]]["name"] for p in declared}
        if unknown := set(seen.query) - names - PAGING:
            raise ValueError(f"unknown query {unknown}")


def _pattern(path: str, paths: dict[str, Any]) -> str:
    wanted = urlsplit(path).path.split("/")
    for pattern in paths:
        parts = pattern.split("/")
        if len(parts) == len(wanted) and all(p == w or p.startswith("{") for p, w in zip(parts, wanted, strict=True)):
            return str(pattern)
    raise ValueError("no such path")
