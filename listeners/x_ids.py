"""X's post ids. Since November 2010 they carry their time (Snowflake): 41 bits of milliseconds, then 22 of machine and
sequence; so an id can be turned into a time, and a time into the first id of its millisecond."""

EPOCH = 1_288_834_974_657  # milliseconds since 1970
FIRST = 30_000_000_000  # ids below are older than Snowflake and carry no time


def time_of(post_id: int) -> int | None:
    """Time of posting, milliseconds since 1970; None for an id that carries none."""
    return (post_id >> 22) + EPOCH if FIRST <= post_id < 1 << 63 else None


def first_of(ms: int) -> int:
    """The least id of a millisecond since 1970."""
    return max(0, ms - EPOCH) << 22


def rewind(post_id: int, seconds: float) -> int:
    """The id that lies so many seconds before this one; never below 1."""
    return max(1, post_id - (int(seconds * 1000) << 22))


def number(text: object) -> int | None:
    """A post id as a number, None if it is none."""
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 20:
        return int(text)
    return None
