"""Calls of the Graph API: token and proof, pages, errors by their consequence, nothing secret shown."""

import asyncio
import logging
import traceback

import pytest
import requests

from listeners.graph import Graph, GraphError, Usage, next_arguments, read_usage
from listeners.threads import in_thread
from records.errors import Permanent, Refused, Transient
from tests.listeners.facebook_world import ADA, APP_SECRET, PAGE, TOKEN, Everything, graph, graph_api

TROUBLE = (
    "expired", "rights", "throttle_4", "throttle_17", "throttle_32", "throttle_613", "transient_1", "transient_2",
    "too_much", "bad_cursor", "echo", "html", "no_list", "cut", "half", "silent",
)  # fmt: skip


async def failing(api, kind, **more):
    api.misbehave(kind)
    with pytest.raises(GraphError) as caught:
        await in_thread(graph(api, **more).page, PAGE, "feed")
    return caught.value


async def test_every_call_names_version_token_and_proof():
    async with graph_api() as api:
        api.add_post(PAGE, "Hilfe", ADA)
        page = await in_thread(graph(api, version="v31.7").page, PAGE, "feed", fields="id,message")
    assert api.calls == [(f"v31.7/{PAGE}/feed", {"fields": "id,message"})]
    assert page.items[0]["message"] == "Hilfe"


async def test_page_two_is_asked_for_with_our_own_token_and_proof():
    async with graph_api() as api:
        for number in range(7):
            api.add_post(PAGE, f"Beitrag {number}", ADA)
        door = graph(api)
        items = await in_thread(lambda: list(door.get_all_connections(PAGE, "feed", limit=3)))
    assert len(items) == 7
    assert len(api.calls) == 3, "a page without proof would have been refused"


def test_nothing_of_the_next_link_but_paging_arguments_is_used():
    link = "https://elsewhere.invalid/v10.0/4/posts?access_token=stolen&fields=x&until=162&__paging_token=t&limit=9"
    assert next_arguments({"next": link}) == {"until": "162", "__paging_token": "t"}
    assert next_arguments({"next": link, "cursors": {"after": "c"}}) == {"after": "c"}


@pytest.mark.parametrize("paging", [None, {}, {"cursors": {"after": "c"}}, {"next": 7}, {"next": "http://[broken"}, []])
def test_without_a_next_link_the_list_ends(paging):
    assert next_arguments(paging) is None


@pytest.mark.parametrize("kind", TROUBLE)
async def test_no_trouble_shows_a_secret(kind, monkeypatch):
    everything = Everything()
    root = logging.getLogger()
    level = root.level
    root.addHandler(everything)
    root.setLevel(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("urllib3.connectionpool"), "level", logging.DEBUG)
    try:
        async with graph_api() as api:
            error = await failing(api, kind, timeout=(0.3, 0.3))
    finally:
        root.removeHandler(everything)
        root.setLevel(level)
    shown = [str(error), repr(error), repr(error.args), repr(vars(error)), str(error.consequence("feed"))]
    shown += ["".join(traceback.format_exception(error)), repr(error.__context__), *everything.lines]
    for text in shown:
        assert TOKEN not in text
        assert APP_SECRET not in text


async def test_a_refused_connection_shows_no_token():
    with pytest.raises(GraphError) as caught:
        await in_thread(Graph(TOKEN, app_secret=APP_SECRET, base_url="http://127.0.0.1:1").page, PAGE, "feed")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    assert caught.value.retryable


def test_the_librarys_own_error_would_have_shown_it():
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:1/", params={"access_token": TOKEN}, timeout=1)
    assert TOKEN in str(caught.value)


def test_a_door_shows_no_token():
    assert TOKEN not in repr(Graph(TOKEN, app_secret=APP_SECRET))


async def test_an_expired_token_is_refused_until_a_person_acts():
    async with graph_api() as api:
        error = await failing(api, "expired")
    assert (error.code, error.subcode, error.status, error.trace) == (190, 463, 400, "Atrace")
    assert error.auth
    assert isinstance(error.consequence("feed"), Refused)


async def test_a_wrong_proof_is_refused():
    async with graph_api() as api:
        with pytest.raises(GraphError) as caught:
            await in_thread(Graph(TOKEN, app_secret="another", base_url=api.url).page, PAGE, "feed")
    assert isinstance(caught.value.consequence("feed"), Refused)


@pytest.mark.parametrize("kind", ["throttle_4", "throttle_17", "throttle_32", "throttle_613"])
async def test_a_throttle_waits_for_the_minutes_meta_estimates(kind):
    async with graph_api() as api:
        api.regain_minutes = 7
        error = await failing(api, kind)
    waiting = error.consequence("feed")
    assert error.throttled
    assert isinstance(waiting, Transient)
    assert waiting.retry_after == 7 * 60


@pytest.mark.parametrize("kind", ["transient_1", "transient_2", "html", "cut", "half", "no_list"])
async def test_what_may_pass_is_tried_again(kind):
    async with graph_api() as api:
        error = await failing(api, kind)
    assert isinstance(error.consequence("feed"), Transient)
    assert not error.throttled


async def test_silence_ends_in_a_timeout():
    async with graph_api() as api:
        error = await failing(api, "silent", timeout=(0.3, 0.3))
    assert error.retryable


async def test_a_missing_object_concerns_only_itself():
    async with graph_api() as api:
        with pytest.raises(GraphError) as caught:
            await in_thread(graph(api).page, f"{PAGE}_404", "comments")
    assert isinstance(caught.value.consequence("comments"), Permanent)


async def test_an_answer_without_content_type_is_read():
    async with graph_api() as api:
        api.add_post(PAGE, "Hilfe", ADA)
        api.misbehave("untyped")
        assert len((await in_thread(graph(api).page, PAGE, "feed")).items) == 1


async def test_usage_headers_come_with_each_page():
    async with graph_api() as api:
        api.usage = 85
        page = await in_thread(graph(api).page, PAGE, "feed")
    assert page.usage.percent == 85


@pytest.mark.parametrize(
    ("usage", "low", "high"),
    [
        (Usage(79.9), 0, 0),
        (Usage(80), 1, 60),
        (Usage(95), 60, 600),
        (Usage(100, regain=420), 420, 420),
        (Usage(100), 300, 300),
    ],
)
def test_calls_slow_down_at_80_and_stop_at_100_percent(usage, low, high):
    assert low <= usage.pause(60) <= high


def test_the_fullest_counter_counts_and_minutes_become_seconds():
    headers = requests.structures.CaseInsensitiveDict(
        {
            "X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":31}',
            "X-Page-Usage": '{"call_count":44}',
            "X-Business-Use-Case-Usage": '{"9":[{"type":"pages","total_time":62,"estimated_time_to_regain_access":3}]}',
        }
    )
    assert read_usage(headers) == Usage(62, 180)


@pytest.mark.parametrize("text", ["", "no json", "[1]", "null", '{"call_count":"x"}', '{"call_count":NaN}', "[" * 5000])
def test_a_broken_usage_header_counts_for_nothing(text):
    assert read_usage({"x-app-usage": text}) == Usage()


async def test_the_sdks_own_verbs_go_the_same_way():
    async with graph_api() as api:
        post = api.add_post(PAGE, "Hilfe", ADA)
        found = await in_thread(graph(api).get_object, post, fields="message")
    assert found["message"] == "Hilfe"


def test_throttle_by_http_status_alone():
    assert GraphError("busy", status=429, retry_after=9.0).consequence("feed").retry_after == 9.0


async def test_the_loop_stays_free_during_a_silent_call():
    async with graph_api() as api:
        api.misbehave("silent")
        call = asyncio.create_task(in_thread(graph(api, timeout=(0.5, 0.5)).page, PAGE, "feed"))
        await asyncio.sleep(0)
        assert not call.done()
        with pytest.raises(GraphError):
            await call
