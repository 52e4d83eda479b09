"""Ordinary posts to hold a lexicon against: the packaged invented ones, labelled by whether they need an answer.

Their ordinary half was written to be hard: news, praise, jokes and other people's problems in the words of a complaint.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

POSTS = Path(__file__).parents[1] / "posts"


class Post(msgspec.Struct, frozen=True):
    """A packaged post, as far as it is of interest here. need: 1 where it needs an answer, else 0."""

    text: str
    need: int
    language: str = ""


@lru_cache(maxsize=2)
def packaged_posts(folder: Path = POSTS) -> tuple[Post, ...]:
    """Every post of the files `<industry>.<language>.ndjson`, in their order."""
    return tuple(_read(sorted(folder.glob("*.??.ndjson"))))


def _read(files: Iterable[Path]) -> Iterator[Post]:
    decode = msgspec.json.Decoder(Post).decode
    for file in files:
        language = file.name.split(".")[-2]
        for line in file.read_bytes().splitlines():
            yield msgspec.structs.replace(decode(line), language=language)
