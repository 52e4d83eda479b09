"""Posts and users of the imitated X, and how X shows them: only asked-for fields, texts escaped, edits with new ids."""

import re
from collections.abc import Mapping
from typing import Any

from listeners.imitations.x_query import Subject
from listeners.x_ids import first_of
from records.times import from_ms

_ALWAYS = {"id", "text", "edit_history_tweet_ids"}
_USER_ALWAYS = {"id", "name", "username"}
_ENTITY = re.compile(r"(?P<mention>@\w+)|(?P<hashtag>#\w+)|(?P<url>https?://\S+)")


class Posts:
    """Everything that was posted, by ascending id."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.media: dict[str, dict[str, Any]] = {}
        self.places: dict[str, dict[str, Any]] = {}
        self.posts: dict[int, dict[str, Any]] = {}
        self._sequence = 0

    def user(
        self, handle: str, *, id: str | None = None, name: str | None = None, followers: int = 100, **more: Any
    ) -> str:
        """Creates or changes a user; returns the id. `more`: further fields of X's user object."""
        known = next((one for one in self.users.values() if one["username"].casefold() == handle.casefold()), None)
        user_id = id or (known["id"] if known else str(1_000_001 + len(self.users)))
        self.users[user_id] = {
            "id": user_id,
            "username": handle,
            "name": name or handle,
            "verified": False,
            "created_at": "2020-01-01T00:00:00.000Z",
            "public_metrics": {
                "followers_count": followers,
                "following_count": 50,
                "tweet_count": 10,
                "listed_count": 0,
            },
            **more,
        }
        return user_id

    def create(self, text: str, author: str, at: int, more: Mapping[str, Any]) -> dict[str, Any]:
        """A new post of a user (by handle), at milliseconds since 1970. `more`: reply_to, quote, repost (ids), lang,
        media (X's media objects), note (text of a long post), place (X's place object), id, and fields as they are."""
        fields = dict(more)
        author_id = self.user_id(author)
        post_id = str(fields.pop("id", None) or self._next_id(at))
        references = [
            {"type": kind, "id": str(fields.pop(name))}
            for name, kind in (("reply_to", "replied_to"), ("quote", "quoted"), ("repost", "retweeted"))
            if fields.get(name) is not None
        ]
        for name in ("reply_to", "quote", "repost"):
            fields.pop(name, None)
        post: dict[str, Any] = {
            "id": post_id,
            "text": _escape(text),
            "author_id": author_id,
            "created_at": from_ms(at),
            "conversation_id": post_id,
            "edit_history_tweet_ids": [post_id],
            "lang": fields.pop("lang", None) or "de",
            "reply_settings": "everyone",
            "public_metrics": dict.fromkeys(
                ("retweet_count", "reply_count", "like_count", "quote_count", "bookmark_count", "impression_count"), 0
            ),
        }
        self._refer(post, references)
        self._attach(post, fields)
        post["entities"] = self._entities(post["text"])
        post.update(fields)
        self.posts[int(post_id)] = post
        return post

    def edit(self, post_id: str, text: str, at: int) -> dict[str, Any]:
        """The post with a new text, a new id and the history of its ids."""
        old = self.posts[int(post_id)]
        new_id = str(self._next_id(at))
        history = [*old["edit_history_tweet_ids"], new_id]
        new = {**old, "id": new_id, "text": _escape(text), "created_at": from_ms(at), "edit_history_tweet_ids": history}
        new["entities"] = self._entities(new["text"])
        self.posts[int(new_id)] = new
        return new

    def user_id(self, handle: str) -> str:
        """Id of a user by handle; created when unknown."""
        for user in self.users.values():
            if user["username"].casefold() == handle.casefold():
                return str(user["id"])
        return self.user(handle)

    def subject(self, post: Mapping[str, Any]) -> Subject:
        """The post as rules see it."""
        replied = self.users.get(str(post.get("in_reply_to_user_id")), {})
        return Subject(post, self.users[post["author_id"]]["username"], replied.get("username"))

    def shown(self, post: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """The post with the fields that the request asks for."""
        wanted = _ALWAYS | set(query.get("tweet.fields", "").split(","))
        return {key: value for key, value in post.items() if key in wanted}

    def includes(self, posts: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
        """The expanded objects that the request asks for."""
        expansions = set(query.get("expansions", "").split(","))
        found: dict[str, Any] = {}
        if "author_id" in expansions:
            fields = _USER_ALWAYS | set(query.get("user.fields", "").split(","))
            authors = dict.fromkeys(post["author_id"] for post in posts)
            found["users"] = [
                {key: value for key, value in self.users[author].items() if key in fields} for author in authors
            ]
        if "attachments.media_keys" in expansions:
            keys = [key for post in posts for key in post.get("attachments", {}).get("media_keys", ())]
            found["media"] = [self.media[key] for key in dict.fromkeys(keys)]
        if "geo.place_id" in expansions:
            places = dict.fromkeys(post["geo"]["place_id"] for post in posts if "geo" in post)
            found["places"] = [self.places[place] for place in places]
        return {name: items for name, items in found.items() if items}

    def _refer(self, post: dict[str, Any], references: list[dict[str, str]]) -> None:
        if references:
            post["referenced_tweets"] = references
        for reference in references:
            target = self.posts.get(int(reference["id"]))
            if reference["type"] == "replied_to" and target is not None:
                post["in_reply_to_user_id"] = target["author_id"]
                post["conversation_id"] = target["conversation_id"]

    def _attach(self, post: dict[str, Any], fields: dict[str, Any]) -> None:
        media = fields.pop("media", None) or ()
        for item in media:
            key = item.setdefault("media_key", f"3_{post['id']}{len(self.media)}")
            self.media[key] = item
        if media:
            post["attachments"] = {"media_keys": [item["media_key"] for item in media]}
        note = fields.pop("note", None)
        if note is not None:
            post["note_tweet"] = {"text": _escape(note), "entities": self._entities(_escape(note))}
        place = fields.pop("place", None)
        if place is not None:
            self.places[place["id"]] = place
            post["geo"] = {"place_id": place["id"]}

    def _entities(self, text: str) -> dict[str, list[dict[str, Any]]]:
        """Places in code points of the escaped text, as X counts them."""
        found: dict[str, list[dict[str, Any]]] = {}
        for match in _ENTITY.finditer(text):
            span = {"start": match.start(), "end": match.end()}
            if match["mention"]:
                handle = match["mention"][1:]
                found.setdefault("mentions", []).append({**span, "username": handle, "id": self.user_id(handle)})
            elif match["hashtag"]:
                found.setdefault("hashtags", []).append({**span, "tag": match["hashtag"][1:]})
            else:
                url = match["url"]
                found.setdefault("urls", []).append({**span, "url": url, "expanded_url": url, "display_url": url[8:]})
        return found

    def _next_id(self, at: int) -> int:
        self._sequence += 1
        return first_of(at) + self._sequence % (1 << 22)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
