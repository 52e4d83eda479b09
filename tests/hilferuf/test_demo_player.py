"""The story played on the imitations."""

import asyncio

import msgspec
import pytest

from hilferuf.demo.player import FacebookStage, Player, XStage
from hilferuf.demo.story import load_story
from listeners.imitations.facebook import FacebookImitation
from listeners.imitations.x import XImitation
from listeners.meta_webhook import read_delivery
from records.facts import CustomerFact
from records.normalise import normalise_mention

STORY = load_story()
PAGE = STORY.people["fbnf"].id


class Instantly:
    """A story clock that waits for nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.moments: list[int] = []

    async def until(self, moment: int) -> None:
        self.moments.append(moment)


class Played:
    def __init__(self) -> None:
        self.x, self.facebook, self.clock, self.pushed = XImitation(), FacebookImitation(), Instantly(), []
        self.x.add_rule("nordfunk OR @nordfunk OR @nordfunk_hilft OR from:nordfunk OR from:nordfunk_hilft", "all")
        people = STORY.people
        stages = XStage(self.x, people), FacebookStage(self.facebook, people, "token")
        self.player = Player(STORY, self.clock, *stages, self.push)

    async def push(self, what) -> None:
        self.pushed.append(what)

    def bodies(self, route: str) -> list[bytes]:
        return [what.body for what in self.pushed if what.route == route]

    def entry(self, author: str, do: str):
        return next(entry for entry in STORY.entries if entry.author == author and entry.do == do)

    def x_post(self, entry):
        ids = {n: mention_id for mention_id, n in self.player.mention_ids().items()}
        return self.x.posts.posts[int(ids[entry.n].removeprefix("x:"))]


@pytest.fixture(scope="module")
def played():
    one = Played()
    asyncio.run(one.player.play())
    return one


def test_everything_that_is_said_gets_an_id_on_its_channel(played):
    said = {entry.n: entry.channel for entry in STORY.entries if entry.do not in {"edit", "delete"}}
    ids = played.player.mention_ids()
    assert {n: mention_id.partition(":")[0] for mention_id, n in ids.items()} == said


def test_the_story_is_played_in_order_of_time(played):
    assert played.clock.moments == sorted(played.clock.moments)


def test_no_call_for_help_is_outside_of_the_rules(played):
    ids = played.player.mention_ids()
    heard = {ids[mention_id] for mention_id in played.player.audible()}
    deleted = {e.ref for e in STORY.entries if e.do == "delete"}
    assert {e.n for e in STORY.entries if e.need and e.do not in {"edit", "delete"}} - deleted <= heard


def test_a_repost_repeats_the_words_of_the_post(played):
    post = played.x_post(played.entry("volker", "repost"))
    assert post["text"].startswith("RT @kuestenkurier_ticker: EIL:")
    assert post["referenced_tweets"][0]["type"] == "retweeted"


def test_an_edit_on_x_comes_under_a_new_id_with_the_history_of_the_old(played):
    first = played.x_post(played.entry("jule", "post"))
    versions = [p for p in played.x.posts.posts.values() if p["edit_history_tweet_ids"][0] == first["id"]]
    assert [post["text"].count("(Box 3)") for post in versions] == [0, 1]


def test_a_reply_stands_in_the_conversation_of_the_post(played):
    reply = played.x_post(played.entry("nfh", "reply"))
    assert reply["conversation_id"] != reply["id"]


def test_deletes_are_pushed_since_no_list_tells_them(played):
    deletes = [entry for entry in STORY.entries if entry.do == "delete"]
    on_x = [normalise_mention(body, observed_at="2026-03-17T21:00:00.000Z") for body in played.bodies("/v1/mentions")]
    on_facebook = [
        mention
        for body in played.bodies("/v1/meta")
        for mention in read_delivery(
            body, pages={PAGE: "nordfunk"}, observed_at="2026-03-17T21:00:00.000Z", listener="webhook", origin="webhook"
        ).mentions
    ]
    ids = played.player.mention_ids()
    assert {mention.op for mention in [*on_x, *on_facebook]} == {"delete"}
    assert sorted(ids[mention.id] for mention in [*on_x, *on_facebook]) == sorted(entry.ref for entry in deletes)


def test_every_fact_is_told_once_and_the_past_before_the_day(played):
    told = [
        [msgspec.json.decode(line, type=CustomerFact).id for line in body.splitlines()]
        for body in played.bodies("/v1/facts")
    ]
    assert played.pushed[0].route == "/v1/facts"
    assert len(told[0]) > 40
    assert sorted(id for ids in told for id in ids) == sorted(fact.id for fact in STORY.facts)


def test_what_stood_under_a_deleted_post_need_not_have_been_heard(played):
    deleted = next(e.ref for e in STORY.entries if e.do == "delete" and STORY.entries[e.ref - 1].author == "uschi")
    below = {e.n for e in STORY.entries if e.do == "comment" and STORY.root(e).n == deleted}
    ids = played.player.mention_ids()
    assert below
    assert not ({deleted} | below) & {ids[mention_id] for mention_id in played.player.audible()}
