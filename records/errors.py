"""Errors, split by what the caller can do about them.

HilferufError
├── Transient        try again, not before `retry_after` seconds
│   └── Backpressure slow down: a bounded queue or a disk is full
├── Permanent        this one will never succeed; the others may: report it and go on
│   └── Poison       the input itself cannot be read: it becomes a dead letter with its original bytes
└── Refused          nobody's input succeeds until a person acts (revoked token, wrong configuration): pause and alert
"""


class HilferufError(Exception):
    """Base of every error that Hilferuf raises on purpose. The text says what happened, where, and what to do."""


class Transient(HilferufError):
    """Try again. `retry_after`: seconds the other side asked for, None where it said nothing."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Backpressure(Transient):
    """Slow down: what takes the work is full. Nothing of this call was accepted."""


class Permanent(HilferufError):
    """This call can never succeed as it is; others may."""


class Poison(Permanent):
    """Input that cannot be read. `field` is a path such as `author.id`, where it is known."""

    def __init__(self, message: str, field: str | None = None) -> None:
        # A message quotes the input, which may hold lone surrogates: an error must be writable wherever it goes.
        super().__init__(message.encode("utf-8", "replace").decode("utf-8"))
        self.field = None if field is None else field.encode("utf-8", "replace").decode("utf-8")


class Refused(HilferufError):
    """No call of this kind succeeds until a person acts: a revoked token, a missing right, a wrong address."""
