"""What an account answers at all, and what is wrong with it: address, token, fields, rights."""

from config.settings import ZendeskSettings
from records.errors import HilferufError, Refused, Transient
from sinks.http import Http, Reply
from sinks.zendesk_state import Body


def answer_of(reply: Reply) -> Body:
    """The answer as an object. Raises Refused on 404 of an address that always exists, Transient on anything odd."""
    if reply.status == 404:
        raise Refused(
            f"{reply.what}: 404; is the address in sinks.zendesk.url right, and may the token's user see this?"
        )
    answer = reply.json()
    if not isinstance(answer, dict):
        raise Transient(f"{reply.what}: the answer is no object; outcome unknown")
    return answer


async def faults(http: Http, settings: ZendeskSettings) -> tuple[str, ...]:
    """One line for each thing that a person must put right; empty = all well."""
    try:
        user = answer_of(await http.request("GET", "/users/me")).get("user")
    except HilferufError as error:
        return (str(error),)
    role = user.get("role") if isinstance(user, dict) else None
    wrong: list[str] = []
    if role != "admin":
        wrong.append(f"Zendesk: {settings.email} has the role {role!r}; reading back what agents do needs an admin")
    if settings.rank_field is None:
        wrong.append("Zendesk: sinks.zendesk.rank_field is not set; without a numeric field no view sorts by rank")
    for field, kinds in ((settings.rank_field, ("integer",)), (settings.explain_field, ("text", "textarea"))):
        if field is not None:
            wrong += await _field_faults(http, field, kinds)
    return tuple(wrong)


async def _field_faults(http: Http, field: int, kinds: tuple[str, ...]) -> list[str]:
    try:
        reply = await http.request("GET", f"/ticket_fields/{field}")
        known = None if reply.status == 404 else answer_of(reply).get("ticket_field")
    except HilferufError as error:
        return [str(error)]
    if not isinstance(known, dict):
        return [f"Zendesk: there is no ticket field {field}; its value would be dropped without a word"]
    if known.get("type") not in kinds:
        return [f"Zendesk: ticket field {field} is of type {known.get('type')!r}; it must be {' or '.join(kinds)}"]
    return [] if known.get("active") is not False else [f"Zendesk: ticket field {field} is not active; activate it"]
