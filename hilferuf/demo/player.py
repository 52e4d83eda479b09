"""Plays the story: at its time, everything that somebody does happens on the imitated channels, and every fact reaches us.

Posts and edits happen on the imitations, where the listeners find them. What no channel's list tells is pushed, as in
production: deletes and customer facts go to the webhook server.
"""

from collections.abc import Awaitable, Callable, Iterator
from heapq import merge
from typing import Any, NamedTuple, Protocol

import msgspec

from hilferuf.demo.story import Entry, Person, Story
from listeners.imitations.facebook import FacebookImitation
from listeners.imitations.meta_webhook import feed_value, webhook_body
from listeners.imitations.x import XImitation
from listeners.imitations.x_query import parse
from records.facts import CustomerFact
from records.times import to_ms

PICTURE = "https://bilder.nordfunk.example/{n}.jpg"


class Clock(Protocol):
    """The story's clock."""

    async def until(self, moment: int) -> None:
        """Returns when it is `moment`, milliseconds since 1970."""
        ...


class Push(NamedTuple):
    """A body for one of the webhook server's routes."""

    route: str
    body: bytes


class XStage:
    """What the story does on X. `ids`: entry number -> X's id of the first version; `audible`: mention ids of the posts that
    one of the listener's rules matched: X streams no others."""

    def __init__(self, imitation: XImitation, people: dict[str, Person]) -> None:
        self._x, self._people = imitation, people
        self._newest: dict[int, str] = {}
        self.audible: set[str] = set()
        self.ids: dict[int, str] = {}
        for person in people.values():
            if person.channel == "x" and person.handle:
                imitation.user(person.handle, id=person.id, name=person.name, followers=person.followers or 0)

    def act(self, entry: Entry, text: str, target: Entry | None) -> Push | None:
        """Does it. `text`: what the post says; for a repost, that of the reposted one."""
        at, ref = to_ms(entry.at), self.ids.get(entry.ref or 0)
        if entry.do == "delete" and ref and entry.ref:
            author = self._people[entry.author]
            document = {
                "id": f"x:{ref}",
                "op": "delete",
                "text": None,
                "occurred_at": entry.at,
                "author": {"id": author.id},
            }
            return Push("/v1/mentions", msgspec.json.encode(document))
        if entry.do == "edit" and entry.ref:
            self._newest[entry.ref] = str(self._x.edit(self._newest[entry.ref], text, at=at)["id"])
            return None
        more: dict[str, Any] = {"lang": entry.lang}
        reference = {"reply": "reply_to", "quote": "quote", "repost": "repost"}.get(entry.do)
        if reference:
            more[reference] = ref
        if entry.do == "repost" and target is not None:
            text = f"RT @{self._people[target.author].handle}: {text}"
        if entry.photo:
            more["media"] = [{"type": "photo", "url": PICTURE.format(n=entry.n)}]
        post = self._x.post(text, author=self._people[entry.author].handle or "", at=at, **more)
        self.ids[entry.n] = self._newest[entry.n] = str(post["id"])
        if any(parse(rule["value"])(self._x.posts.subject(post)) for rule in self._x.rules.values()):
            self.audible.add(f"x:{post['id']}")
        return None


class FacebookStage:
    """What the story does on Facebook. `ids`: entry number -> Graph's id."""

    def __init__(self, imitation: FacebookImitation, people: dict[str, Person], token: str) -> None:
        self._facebook, self._people = imitation, people
        page = next(person for person in people.values() if person.channel == "facebook" and person.brand)
        self._page = page.id
        self.ids: dict[int, str] = {}
        self._roots: dict[int, int] = {}  # entry number -> that of the post it stands under
        self._gone: set[int] = set()
        imitation.add_page(page.id, token, page.name)

    def act(self, entry: Entry, text: str, root: Entry) -> Push | None:
        """Does it. `root`: the entry that opened the thread."""
        person = self._people[entry.author]
        author = None if person.brand else (person.id, person.name)
        at, ref = to_ms(entry.at), self.ids.get(entry.ref or 0, "")
        self._roots[entry.n] = root.n
        if entry.do == "delete":
            return self._delete(entry, ref, root)
        if entry.do == "edit":
            self._facebook.edit(ref, text, at=at)
        elif entry.do == "comment":
            more = {"attachment": _picture(entry)} if entry.photo else {}
            self.ids[entry.n] = self._facebook.add_comment(ref, text, author, at=at, **more)
        else:
            more = {"attachments": {"data": [_picture(entry)]}} if entry.photo else {}
            if entry.do == "tagged" and author is not None:
                self.ids[entry.n] = self._facebook.tag(self._page, text, author, at=at, **more)
            else:
                self.ids[entry.n] = self._facebook.add_post(self._page, text, author, at=at, **more)
        return None

    def _delete(self, entry: Entry, ref: str, root: Entry) -> Push:
        self._facebook.delete(ref)
        self._gone |= {n for n, post in self._roots.items() if entry.ref in (n, post)}
        person, at = self._people[entry.author], to_ms(entry.at)
        ids = {"post_id": self.ids[root.n]}
        if entry.ref != root.n:
            ids["comment_id"] = ref
        item = "post" if entry.ref == root.n else "comment"
        value = feed_value(item, "remove", ids, author=(person.id, person.name), at=at)
        return Push("/v1/meta", webhook_body(self._page, at=at, changes=[value]))

    def audible(self) -> set[str]:
        """Mention ids of what stands on Facebook: what was deleted, with all that stood under it, may have been missed."""
        return {f"facebook:{native}" for n, native in self.ids.items() if n not in self._gone}


class Player:
    """Plays the whole story once. `push` gives a body to the webhook server and returns when it was accepted."""

    def __init__(
        self,
        story: Story,
        clock: Clock,
        x: XStage,
        facebook: FacebookStage,
        push: Callable[[Push], Awaitable[None]],
    ) -> None:
        self._story, self._clock, self._x, self._facebook, self._push = story, clock, x, facebook, push
        self._texts: dict[int, str] = {}

    async def play(self) -> None:
        """Returns when the last entry has happened."""
        await self.tell_past()
        for at, _, item in self._schedule():
            await self._clock.until(at)
            push = self._do(item) if isinstance(item, Entry) else _facts([item])
            if push is not None:
                await self._push(push)

    async def tell_past(self) -> None:
        """The facts from before the story's day, all at once."""
        past = [fact for fact in self._story.facts if to_ms(fact.at) < self._story.start]
        if past:
            await self._push(_facts(past))

    def mention_ids(self) -> dict[str, int]:
        """Mention id -> number of the entry, for all that has been said."""
        return {
            f"{channel}:{native}": n
            for channel, ids in (("x", self._x.ids), ("facebook", self._facebook.ids))
            for n, native in ids.items()
        }

    def audible(self) -> set[str]:
        """Mention ids of all that a listener can have heard so far."""
        return self._x.audible | self._facebook.audible()

    def _schedule(self) -> Iterator[tuple[int, int, Entry | CustomerFact]]:
        entries = [(to_ms(entry.at), entry.n, entry) for entry in self._story.entries]
        facts = [
            (to_ms(fact.at), -1 - index, fact)
            for index, fact in enumerate(self._story.facts)
            if to_ms(fact.at) >= self._story.start
        ]
        yield from merge(entries, sorted(facts, key=lambda item: item[:2]), key=lambda item: item[:2])

    def _do(self, entry: Entry) -> Push | None:
        target = self._story.entries[entry.ref - 1] if entry.ref else None
        text = self._texts.get(entry.ref or 0, "") if entry.do == "repost" else entry.text
        if entry.do != "delete":
            self._texts[entry.ref if entry.do == "edit" and entry.ref else entry.n] = text
        if entry.channel == "x":
            return self._x.act(entry, text, target)
        return self._facebook.act(entry, text, self._story.root(entry))


def _facts(facts: list[CustomerFact]) -> Push:
    return Push("/v1/facts", b"\n".join(msgspec.json.encode(fact) for fact in facts) + b"\n")


def _picture(entry: Entry) -> dict[str, Any]:
    return {"type": "photo", "media": {"image": {"src": PICTURE.format(n=entry.n), "width": 1200, "height": 900}}}
