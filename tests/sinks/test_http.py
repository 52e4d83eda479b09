"""The HTTP client: every outcome is one of our errors, nothing is retried, nothing leaks (SINKS cases 8, 16, 21)."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from config.yaml_file import ConfigError
from records.errors import HilferufError, Permanent, Refused, Transient
from sinks.http import Http
from sinks.limits import Limiter

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Any, **more: Any) -> Http:
    handler = answer if callable(answer) else lambda _: answer
    return Http("Desk", "https://desk.example/api", secrets=("s3cret",), transport=httpx.MockTransport(handler), **more)


def _foreign() -> list[type[Exception]]:
    return [
        value
        for value in vars(httpx).values()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and value not in (httpx.HTTPStatusError,)  # raised by raise_for_status() only, which is never called
    ]


@pytest.mark.parametrize("kind", _foreign(), ids=lambda kind: kind.__name__)
async def test_every_exception_of_httpx_is_mapped(kind: type[Exception]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        arguments = [] if kind in (httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead) else ["at s3cret"]
        raise kind(*arguments[: 0 if "NotRead" in kind.__name__ else None])

    with pytest.raises((Transient, Refused)) as caught:
        await client(fail).request("POST", "/tickets", json={})
    assert "s3cret" not in str(caught.value) and "Desk: POST /tickets" in str(caught.value)


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError(), BrokenPipeError()])
async def test_errors_of_the_operating_system_are_transient(error: OSError) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(Transient, match="outcome unknown"):
        await client(fail).request("POST", "/tickets")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"message": "Bad field"}', Permanent),
        (401, b"", Refused),
        (403, b'{"error": "no"}', Refused),
        (403, b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]', Transient),
        (407, b"", Refused),
        (408, b"", Transient),
        (409, b"", Permanent),
        (413, b"", Permanent),
        (422, b'{"errors": [{"title": "x"}]}', Permanent),
        (425, b"", Transient),
        (429, b"<html><title>Edge protection</title>", Transient),
        (500, b"", Transient),
        (503, b"", Transient),
        (301, b"", Refused),
        (307, b"", Refused),
    ],
)
async def test_every_status_says_what_to_do(status: int, body: bytes, error: type[HilferufError]) -> None:
    with pytest.raises(error) as caught:
        await client(httpx.Response(status, content=body)).request("GET", "/tickets")
    assert type(caught.value) is error


async def test_404_and_what_the_sink_allows_come_back() -> None:
    assert (await client(httpx.Response(404)).request("GET", "/tickets/1")).status == 404
    assert (await client(httpx.Response(412)).request("PUT", "/tickets/1", allow=(412,))).status == 412


async def test_nothing_is_retried() -> None:
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return httpx.Response(503)

    with pytest.raises(Transient):
        await client(answer).request("POST", "/tickets")
    assert calls == ["POST"]


async def test_the_reason_is_taken_from_the_body_without_the_secret() -> None:
    body = b'{"error": "RecordInvalid", "details": {"x": [{"description": "Priority: s3cret is\\nunknown"}]}}'
    with pytest.raises(Permanent) as caught:
        await client(httpx.Response(422, content=body)).request("POST", "/tickets?token=s3cret")
    assert "Priority: *** is unknown" in str(caught.value) and "s3cret" not in str(caught.value)


async def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://evil.example/"})

    with pytest.raises(Refused, match="sends elsewhere"):
        await client(answer, headers={"Authorization": "token s3cret"}).request("GET", "/tickets")
    assert asked == ["desk.example"]


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/x", "tickets", "/\\evil.example"])
async def test_an_address_that_a_server_gave_is_no_path(path: str) -> None:
    with pytest.raises(Permanent, match="not a path"):
        await client(httpx.Response(200)).request("GET", path)


async def test_a_page_that_is_no_json_is_transient() -> None:
    reply = await client(httpx.Response(200, content=b"<html>Log in</html>")).request("GET", "/tickets")
    with pytest.raises(Transient, match="not JSON"):
        reply.json()


async def test_a_server_that_never_ends_its_answer_is_given_up() -> None:
    class Slow(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    with pytest.raises(Transient, match="no answer within"):
        await client(httpx.Response(200, stream=Slow()), timeout=0.1).request("GET", "/tickets")


async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.http.MAX_BYTES", 10)
    with pytest.raises(Permanent, match="larger than 10 bytes"):
        await client(httpx.Response(200, content=b"x" * 11)).request("GET", "/tickets")


async def test_after_a_429_nobody_calls_before_its_time() -> None:
    now = [1000.0]
    limiter = Limiter(clock=lambda: now[0])
    answers = [httpx.Response(429, headers={"Retry-After": "30"}), httpx.Response(200, content=b"{}")]
    desk = client(lambda _: answers.pop(0), limiter=limiter)
    with pytest.raises(Transient) as first:
        await desk.request("POST", "/tickets")
    with pytest.raises(Transient) as second:
        await desk.request("GET", "/tickets")
    assert (first.value.retry_after, second.value.retry_after) == (30.0, 30.0)
    now[0] += 31
    assert (await desk.request("GET", "/tickets")).status == 200


@pytest.mark.parametrize(
    ("headers", "held_up"),
    [({"X-Rate-Limit-Remaining": "400"}, False), ({"X-Rate-Limit-Remaining": "0"}, True), ({}, True)],
    ids=["one ticket's limit", "used up", "not told"],
)
async def test_a_429_with_an_allowance_left_delays_its_own_call_only(headers: dict[str, str], held_up: bool) -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "30", **headers}), httpx.Response(200, content=b"{}")]
    desk = client(lambda _: answers.pop(0), limiter=Limiter(clock=lambda: 1000.0))
    with pytest.raises(Transient) as caught:
        await desk.request("PUT", "/tickets/1")
    assert caught.value.retry_after == 30.0
    if held_up:
        with pytest.raises(Transient):
            await desk.request("PUT", "/tickets/2")
    else:
        assert (await desk.request("PUT", "/tickets/2")).status == 200


async def test_lone_surrogates_and_nan_do_not_leave_the_house() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, content=b"{}")

    await client(answer).request("POST", "/tickets", json={"a": "x\ud83dy"})
    assert sent[0].decode() == '{"a": "x?y"}'
    with pytest.raises(ValueError, match="Out of range float"):
        await client(answer).request("POST", "/tickets", json={"a": float("nan")})


def test_a_token_that_no_header_can_carry_is_refused_at_the_start_without_showing_it():
    with pytest.raises(ConfigError, match="token holds a character") as caught:
        Http("Desk", "https://desk.example", headers={"Authorization": "token hush-hush-ü"})
    assert "hush" not in str(caught.value) and caught.value.__cause__ is None
