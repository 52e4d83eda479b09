"""What the linter says: rules with stable ids, and remarks that name a place and what to do there.

A rule's id never changes its meaning: people write it into their CI. docs/lexicons.md lists all; a test holds it to these.
"""

from typing import Literal

import msgspec

from config.yaml_file import ConfigError

Severity = Literal["error", "warning"]

# An error says that something written in the file has no effect, or the opposite of the intended one; a warning says that it
# is probably not what was meant.
RULES: dict[str, Severity] = {
    "invalid": "error",
    "unknown-key": "error",
    "unread-language": "error",
    "unreachable": "error",
    "contradictory": "error",
    "shadowed": "warning",
    "duplicate": "warning",
    "untested": "warning",
    "umlaut": "warning",
    "capital": "warning",
    "missing-form": "warning",
    "too-broad": "warning",
    "weight-overflow": "warning",
}


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One remark: where (file, line from 1, field), of which trigger, by which rule, what is the case, and what to do."""

    file: str
    line: int | None
    rule: str
    severity: Severity
    trigger: str | None
    field: str | None
    message: str
    todo: str


def remark(
    rule: str,
    message: str,
    todo: str,
    *,
    file: str,
    line: int | None,
    trigger: str | None = None,
    field: str | None = None,
) -> Remark:
    """A remark with its rule's severity."""
    return Remark(
        file=file,
        line=line,
        rule=rule,
        severity=RULES[rule],
        trigger=trigger,
        field=field,
        message=message,
        todo=todo,
    )


def refused(error: ConfigError) -> Remark:
    """What the reader or the compiler refuses, as a remark."""
    return remark(
        "invalid",
        error.message,
        error.hint or "see docs/lexicons.md",
        file=error.file,
        line=error.line,
        field=error.field,
    )
