"""The Zendesk sink keeps the sinks' contract, and every request keeps Zendesk's (case 22)."""

from collections.abc import AsyncIterator

import pytest

from sinks.imitations.zendesk import Seen, ZendeskImitation
from tests.sinks import zendesk_openapi, zendesk_requests
from tests.sinks.contract_suite import ContractSuite
from tests.sinks.zendesk_desk import Clock, ZendeskDesk


@pytest.fixture(params=["our schema", pytest.param("the vendor's", marks=pytest.mark.shared)])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[ZendeskDesk]:
    check = zendesk_requests.check if request.param == "our schema" else zendesk_openapi.contract()
    clock = Clock()
    async with ZendeskImitation(now=clock, on_request=check) as imitation:
        desk = ZendeskDesk(imitation, clock)
        yield desk
        await desk.sink.aclose()
        assert imitation.violations == []


class TestContract(ContractSuite):
    """The suite, each case under both schemas."""


def _seen(method: str, path: str, body: str = "", query: dict[str, str] | None = None) -> Seen:
    headers = {"content-type": "application/json", "authorization": "Basic eDp5", "idempotency-key": "k"}
    return Seen(method, "/api/v2" + path, query or {}, headers, body.encode(), "http://zendesk.test")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"ticket": {"comment": {"body": "x"}, "prioritty": "high"}}', "prioritty"),
        ('{"ticket": {"comment": {"body": "x"}, "priority": "P1"}}', "P1"),
        ('{"ticket": {"comment": {"text": "x"}}}', "text"),
        ('{"ticket": {"comment": {"body": "x"}, "custom_fields": [{"id": 1, "vlaue": 2}]}}', "vlaue"),
        ('{"ticket": {"subject": "x"}}', "comment"),
        ("{}", "ticket"),
    ],
)
def test_case_22_the_closed_contract_refuses_what_the_open_one_lets_pass(body: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        zendesk_openapi.contract()(_seen("POST", "/tickets", body))


@pytest.mark.shared
def test_case_22_more_than_a_hundred_tickets_in_one_merge_are_refused() -> None:
    ids = ",".join(map(str, range(1, 102)))
    with pytest.raises(ValueError, match="long"):
        zendesk_openapi.contract()(_seen("POST", "/tickets/1/merge", f'{{"ids": [{ids}]}}'))


def test_case_22_our_schema_refuses_the_search() -> None:
    with pytest.raises(ValueError, match="no business"):
        zendesk_requests.check(_seen("GET", "/search", query={"query": "external_id:hf-1"}))
