"""X's rule grammar, the part that the imitation understands. Pure.

AND is a space and binds before OR; `-` negates one operator, never a group. Operators: words, "phrases", @handle, #tag,
from:, to:, is:retweet, is:reply, is:quote, has:media, lang:, conversation_id:.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[["Subject"], bool]

_TOKEN = re.compile(r'\s*(\(|\)|-?"[^"]*"|-?[^\s()"]+)')
_WORDS = re.compile(r"[@#]?\w+")
_OPERATORS = frozenset({"from", "to", "is", "has", "lang", "conversation_id"})


class Subject:
    """A post as rules see it."""

    def __init__(self, post: Mapping[str, Any], handle: str, replied_handle: str | None) -> None:
        self.text = str(post["text"]).casefold()
        self.words = set(_WORDS.findall(self.text))
        self.handle, self.replied_handle = handle.casefold(), (replied_handle or "").casefold()
        self.references = {reference["type"] for reference in post.get("referenced_tweets", ())}
        self.has_media = bool(post.get("attachments"))
        self.lang = post.get("lang")
        self.conversation_id = post.get("conversation_id")


def parse(query: str) -> Test:
    """The rule as a test. Raises ValueError with what is wrong."""
    tokens = _tokens(query)
    test, rest = _any_of(tokens)
    if rest:
        raise ValueError(f"Unmatched parenthesis near '{rest[0]}'")
    return test


def _tokens(query: str) -> list[str]:
    tokens, at = [], 0
    while at < len(query.rstrip()):
        match = _TOKEN.match(query, at)
        if match is None:
            raise ValueError(f"Unmatched quote at position {at + 1}")
        tokens.append(match[1])
        at = match.end()
    if not tokens:
        raise ValueError("Rule must not be empty")
    return tokens


def _any_of(tokens: list[str]) -> tuple[Test, list[str]]:
    tests: list[Test] = []
    while True:
        test, tokens = _all_of(tokens)
        tests.append(test)
        if not tokens or tokens[0] != "OR":
            return (lambda subject: any(one(subject) for one in tests)), tokens
        tokens = tokens[1:]


def _all_of(tokens: list[str]) -> tuple[Test, list[str]]:
    tests: list[Test] = []
    positive = False
    while tokens and tokens[0] not in {"OR", ")"}:
        part, tokens = tokens[0], tokens[1:]
        if part == "(":
            test, tokens = _any_of(tokens)
            if not tokens:
                raise ValueError("Unmatched parenthesis")
            tokens = tokens[1:]
            positive = True
        elif part.startswith("-"):
            test = _negate(_operator(part[1:]))
        else:
            test = _operator(part)
            positive = True
        tests.append(test)
    if not positive:
        raise ValueError("Rules must contain at least one positive, standalone operator")
    return (lambda subject: all(one(subject) for one in tests)), tokens


def _negate(test: Test) -> Test:
    return lambda subject: not test(subject)


def _operator(token: str) -> Test:
    name, colon, value = token.partition(":")
    value = value.strip('"').lstrip("@").casefold()
    if not colon or name not in _OPERATORS:
        return _words(token)
    tests: dict[str, Test] = {
        "from": lambda subject: subject.handle == value,
        "to": lambda subject: subject.replied_handle == value,
        "lang": lambda subject: subject.lang == value,
        "conversation_id": lambda subject: subject.conversation_id == value,
        "has": lambda subject: subject.has_media and value in {"media", "images"},
        "is": lambda subject: (
            {"retweet": "retweeted", "reply": "replied_to", "quote": "quoted"}.get(value) in subject.references
        ),
    }
    return tests[name]


def _words(token: str) -> Test:
    if not token.strip('"'):
        raise ValueError("Empty operator")
    if token.startswith('"'):
        phrase = token.strip('"').casefold()
        return lambda subject: phrase in subject.text
    word = token.casefold()
    return lambda subject: word in subject.words
