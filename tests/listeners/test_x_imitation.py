"""The imitation keeps what X documents; asked with plain HTTP, not with the listener."""

import asyncio
import json

import aiohttp
import pytest

from listeners.imitations.memory import StepClock
from listeners.imitations.x import Fault, XImitation
from listeners.imitations.x_query import Subject, parse
from listeners.x_ids import first_of


@pytest.fixture
async def x():
    x = XImitation(token="t", clock=StepClock(), keep_alive=0.05)
    await x.start()
    yield x
    await x.stop()


@pytest.fixture
async def http(x):
    async with aiohttp.ClientSession(x.url, headers={"Authorization": "Bearer t"}) as session:
        yield session


async def read_post(stream):
    async with asyncio.timeout(5):
        while True:
            line = (await stream.content.readline()).strip()
            if line:
                return json.loads(line)


async def test_a_post_is_in_the_stream_before_any_keep_alive_with_what_was_asked_for(x, http):
    x.keep_alive = 3600.0
    x.add_rule("@nordfunk", "marke")
    query = {"tweet.fields": "author_id,created_at", "expansions": "author_id", "user.fields": "public_metrics"}
    async with http.get("/2/tweets/search/stream", params=query) as stream:
        x.user("ada", followers=7)
        x.post("@nordfunk R&D", author="ada")
        x.post("niemand gemeint", author="ada")
        line = await read_post(stream)
    assert line["data"]["text"] == "@nordfunk R&amp;D"
    assert set(line["data"]) == {"id", "text", "edit_history_tweet_ids", "author_id", "created_at"}
    assert line["includes"]["users"][0]["public_metrics"]["followers_count"] == 7
    assert line["matching_rules"][0]["tag"] == "marke"


async def test_a_wrong_bearer_is_refused(x):
    async with aiohttp.ClientSession(x.url, headers={"Authorization": "Bearer wrong"}) as session:
        for path in ("/2/tweets/search/stream", "/2/tweets/search/stream/rules", "/2/tweets/search/recent?query=a"):
            async with session.get(path) as answer:
                assert answer.status == 401


async def test_a_second_connection_is_refused(x, http):
    async with http.get("/2/tweets/search/stream") as first, http.get("/2/tweets/search/stream") as second:
        assert (first.status, second.status) == (200, 429)


async def test_search_pages_newest_first_and_since_id_is_exclusive(x, http):
    posts = [x.post(f"hilfe {n}", author="ada")["id"] for n in range(25)]
    found, params = [], {"query": "hilfe", "since_id": posts[0], "max_results": "10"}
    while True:
        async with http.get("/2/tweets/search/recent", params=params) as answer:
            page = await answer.json()
            assert "x-rate-limit-reset" in answer.headers
        found += [post["id"] for post in page["data"]]
        if "next_token" not in page["meta"]:
            break
        params["next_token"] = page["meta"]["next_token"]
    assert found == posts[:0:-1]


async def test_search_reaches_seven_days(x, http):
    old = x.post("hilfe", author="ada")["id"]
    x._clock.advance(8 * 86_400)
    async with http.get("/2/tweets/search/recent", params={"query": "hilfe", "since_id": old}) as answer:
        assert answer.status == 400
        assert "'since_id' must be a tweet id created after" in (await answer.json())["errors"][0]["message"]
    async with http.get("/2/tweets/search/recent", params={"query": "hilfe"}) as answer:
        assert (await answer.json())["meta"]["result_count"] == 0


async def test_search_finds_no_reposts(x, http):
    post = x.post("hilfe", author="ada")
    x.post("RT @ada: hilfe", author="bob", repost=post["id"])
    async with http.get("/2/tweets/search/recent", params={"query": "hilfe"}) as answer:
        assert [one["id"] for one in (await answer.json())["data"]] == [post["id"]]


async def test_the_rate_limit_is_kept(x, http):
    for _ in range(450):
        x.limits["search"].take(x._clock.now())
    async with http.get("/2/tweets/search/recent", params={"query": "hilfe"}) as answer:
        assert answer.status == 429
        assert answer.headers["x-rate-limit-remaining"] == "0"
        assert int(answer.headers["x-rate-limit-reset"]) * 1000 > x._clock.now()


async def test_rules_are_added_listed_and_deleted(x, http):
    path = "/2/tweets/search/stream/rules"
    rules = [{"value": "a", "tag": "1"}, {"value": "a", "tag": "2"}, {"value": "-is:retweet", "tag": "3"}]
    async with http.post(path, json={"add": rules}) as answer:
        body = await answer.json()
    assert [rule["tag"] for rule in body["data"]] == ["1"]
    assert [error["title"] for error in body["errors"]] == ["DuplicateRule", "UnprocessableEntity"]
    async with http.post(path, json={"delete": {"ids": [body["data"][0]["id"]]}}):
        pass
    async with http.get(path) as answer:
        assert "data" not in await answer.json()


async def test_faults_come_in_order_and_once(x, http):
    x.stream_faults.extend([Fault("status", 503), Fault("close")])
    async with http.get("/2/tweets/search/stream") as answer:
        assert answer.status == 503
    async with http.get("/2/tweets/search/stream") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    async with http.get("/2/tweets/search/stream") as answer:
        assert await answer.content.readline() == b"\r\n"


async def test_a_reply_joins_the_conversation_and_an_edit_its_history(x):
    post = x.post("hilfe", author="ada")
    reply = x.post("@ada gern", author="nordfunk", reply_to=post["id"])
    assert (reply["conversation_id"], reply["in_reply_to_user_id"]) == (post["id"], post["author_id"])
    edited = x.edit(post["id"], "Hilfe!")
    assert edited["edit_history_tweet_ids"] == [post["id"], edited["id"]]


async def test_ids_carry_the_time_of_posting(x):
    post = x.post("hilfe", author="ada", at=1_700_000_000_000)
    assert first_of(1_700_000_000_000) <= int(post["id"]) < first_of(1_700_000_000_001)


def subject(text, **more):
    return Subject({"text": text, **more}, "ada", more.get("to"))


@pytest.mark.parametrize(
    ("rule", "hears", "misses"),
    [
        ("hilfe netz", "Netz weg, Hilfe", "Hilfe"),
        ("hilfe OR netz", "Netz", "nichts"),
        ("@nordfunk", "he @NordFunk!", "nordfunk ohne Zeichen"),
        ('"kein netz"', "Kein Netz hier", "Netz kein"),
        ("hilfe -from:bob", "Hilfe", "sonst"),
        ("(netz OR strom) -danke", "Strom weg", "Strom da, danke"),
        ("from:ada", "egal", None),
        ("hilfe lang:de", None, "Hilfe"),
    ],
)
def test_rules_hear_what_they_say(rule, hears, misses):
    test = parse(rule)
    assert hears is None or test(subject(hears))
    assert misses is None or not test(subject(misses))


@pytest.mark.parametrize("rule", ["", "-is:retweet", "(a", "a)", 'a "b', "()"])
def test_rules_that_x_would_refuse_are_refused(rule):
    with pytest.raises(ValueError, match=r"Rule|Unmatched|operator"):
        parse(rule)
