"""Which posts of one author belong together (DESIGN rule 3), as pure functions over plain values.

A conversation = one author, one brand, and the same thread or less than `gap` between posts. After it was solved, posts within
`reopen` reopen it; later ones make a new conversation that follows the old.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Groupable(Protocol):
    """A post as far as grouping looks at it: `at` in milliseconds since 1970, `thread` a root id or None."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def at(self) -> int: ...  # noqa: D102
    @property
    def brand(self) -> str | None: ...  # noqa: D102
    @property
    def thread(self) -> str | None: ...  # noqa: D102


P = TypeVar("P", bound=Groupable)


def group(posts: Sequence[P], gap: int) -> list[list[P]]:
    """Conversations, each by time, in order of their first post. `gap` in milliseconds; the order given does not matter."""
    by_brand: dict[str | None, list[P]] = {}
    for post in sorted(posts, key=lambda p: (p.at, p.id)):
        by_brand.setdefault(post.brand, []).append(post)
    groups = [found for ordered in by_brand.values() for found in _connected(ordered, gap)]
    return sorted(groups, key=lambda g: (g[0].at, g[0].id))


def split_after_solved(
    posts: Sequence[P], solved: Sequence[int], reopen: int, reopened: Sequence[int] = ()
) -> list[list[P]]:
    """Parts of one conversation: a post later than `reopen` after a solve starts a new part, unless a post or a person in
    between reopened it.

    `posts` by time; `solved`, `reopened`: times of what people did, milliseconds since 1970, in any order.
    """
    parts: list[list[P]] = []
    for post in posts:
        if parts:
            last = parts[-1][-1].at
            undone = max((at for at in reopened if at <= post.at), default=-1)
            since = [at for at in solved if last <= at <= post.at and at > undone]
            if since and post.at - max(since) > reopen:
                parts.append([post])
                continue
            parts[-1].append(post)
        else:
            parts.append([post])
    return parts


def _connected(ordered: list[P], gap: int) -> list[list[P]]:
    """Connected components over `ordered` (by time): neighbours in time within the gap, and equal threads."""
    parent = list(range(len(ordered)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    threads: dict[str, int] = {}
    for index, post in enumerate(ordered):
        if index and post.at - ordered[index - 1].at < gap:
            parent[root(index)] = root(index - 1)
        if post.thread is not None:
            parent[root(index)] = root(threads.setdefault(post.thread, index))
    groups: dict[int, list[P]] = {}
    for index, post in enumerate(ordered):
        groups.setdefault(root(index), []).append(post)
    return list(groups.values())
