"""The imitation keeps what Graph documents; asked with plain HTTP, not with the listener."""

import hashlib
import hmac
import json

import aiohttp
import pytest

from listeners.imitations.meta_webhook import feed_value, signed, webhook_body
from listeners.signatures import is_hex_signed
from tests.listeners.facebook_world import ADA, APP_SECRET, BO, PAGE, TOKEN, graph_api


def credentials(token=TOKEN, secret=APP_SECRET):
    return {
        "access_token": token,
        "appsecret_proof": hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest(),
    }


async def ask(api, path, **query):
    async with (
        aiohttp.ClientSession(api.url) as client,
        client.get(f"/v25.0/{path}", params={**credentials(), **query}) as reply,
    ):
        return reply, json.loads(await reply.text())


async def test_lists_come_newest_first_in_pages_of_the_limit():
    async with graph_api() as api:
        posts = [api.add_post(PAGE, "x", ADA, at=n * 1000) for n in range(1, 6)]
        _, first = await ask(api, f"{PAGE}/feed", limit="2")
        _, second = await ask(api, f"{PAGE}/feed", limit="4", after=first["paging"]["cursors"]["after"])
    assert [item["id"] for item in first["data"]] == [posts[4], posts[3]]
    assert [item["id"] for item in second["data"]] == [posts[2], posts[1], posts[0]]
    assert "next" in first["paging"]
    assert "next" not in second["paging"]


async def test_a_cursor_stands_although_the_list_changes():
    async with graph_api() as api:
        posts = [api.add_post(PAGE, "x", ADA, at=n * 1000) for n in range(1, 5)]
        _, first = await ask(api, f"{PAGE}/feed", limit="2")
        api.add_post(PAGE, "neu", BO, at=9000)
        api.delete(posts[3])
        _, second = await ask(api, f"{PAGE}/feed", limit="2", after=first["paging"]["cursors"]["after"])
    assert [item["id"] for item in second["data"]] == [posts[1], posts[0]]


@pytest.mark.parametrize(
    ("query", "code"),
    [(credentials("wrong"), 190), (credentials(secret="wrong"), 100), ({"access_token": TOKEN}, 100), ({}, 190)],
)
async def test_token_and_proof_are_checked(query, code):
    async with (
        graph_api() as api,
        aiohttp.ClientSession(api.url) as client,
        client.get(f"/v25.0/{PAGE}/feed", params=query) as reply,
    ):
        answer = await reply.json()
    assert (reply.status, answer["error"]["code"]) == (400, code)


async def test_only_the_fields_asked_for_are_shown():
    async with graph_api() as api:
        api.add_post(PAGE, "x", ADA)
        _, answer = await ask(api, f"{PAGE}/feed", fields="message,from{id,name},attachments{media{image}}")
    assert set(answer["data"][0]) == {"id", "message", "from"}


async def test_a_comment_moves_its_posts_time_and_a_deleted_post_takes_its_comments_along():
    async with graph_api() as api:
        post = api.add_post(PAGE, "x", at=1000)
        comment = api.add_comment(post, "y", ADA, at=60_000)
        api.add_comment(comment, "z", at=61_000)
        _, feed = await ask(api, f"{PAGE}/feed", fields="updated_time")
        _, listed = await ask(api, f"{post}/comments", fields="parent,from")
        api.delete(post)
        gone, answer = await ask(api, f"{post}/comments")
    assert feed["data"][0]["updated_time"] == "1970-01-01T00:01:01+0000"
    assert [item.get("parent", {}).get("id") for item in listed["data"]] == [comment, None]
    assert (gone.status, answer["error"]["error_subcode"]) == (400, 33)


async def test_usage_headers_come_with_every_answer():
    async with graph_api() as api:
        api.misbehave("throttle_4")
        spent, _ = await ask(api, f"{PAGE}/feed")
        normal, _ = await ask(api, f"{PAGE}/feed")
    assert json.loads(spent.headers["X-App-Usage"])["call_count"] == 100
    assert json.loads(spent.headers["X-Business-Use-Case-Usage"])["1"][0]["estimated_time_to_regain_access"] == 2
    assert json.loads(normal.headers["X-App-Usage"])["call_count"] == 5


async def test_a_delivery_is_signed_over_its_escaped_bytes():
    body = webhook_body(PAGE, changes=[feed_value("status", "add", {"post_id": "1_2"}, message="Café")])
    assert b"Caf\\u00e9" in body
    assert is_hex_signed(signed(body, "secret")["X-Hub-Signature-256"], body, ["secret"])
