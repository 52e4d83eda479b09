"""Opening hours as spans of UTC, and time counted in them. Pure: the result depends on the calendar and the arguments only.

Wall times follow the zone's own rules: a wall time that daylight saving skips is the moment of the jump, one that comes
twice is open through both.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from records.times import SECOND

Span = tuple[int, int]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CACHED_DAYS = 4_000
_LAST_DAY = date(2210, 1, 1).toordinal()


def parse_span(text: str) -> Span:
    """`08:00-12:30` as minutes of the day. Raises ValueError that says what is wrong."""
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"`{text}` is no span such as `08:00-18:00`")
    span = _minute(start), _minute(end)
    if span[0] >= span[1]:
        raise ValueError(f"`{text}` ends before it starts; write hours past midnight as two spans on two days")
    return span


def _minute(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and len(hours) <= 2 and len(minutes) == 2):
        raise ValueError(f"`{text}` is no time such as `08:00`")
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > 24 * 60:
        raise ValueError(f"`{text}` is no time between 00:00 and 24:00")
    return minute


class BusinessHours:
    """Opening hours in one zone. `week`: spans in minutes of the day, Monday first; `closed`: dates; `yearly`: (month, day)."""

    def __init__(
        self,
        zone: ZoneInfo,
        week: tuple[tuple[Span, ...], ...],
        closed: frozenset[date] = frozenset(),
        yearly: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self.zone, self._week, self._closed, self._yearly = zone, week, closed, yearly
        self._days: dict[int, tuple[Span, ...]] = {}

    def after(self, start: int, length: int) -> int:
        """The moment when `length` ms of opening time have passed since `start`; both, and the result, in ms since 1970."""
        ordinal = datetime.fromtimestamp(start // SECOND, self.zone).toordinal()
        left = length
        while ordinal < _LAST_DAY:
            for opens, closes in self.spans(ordinal):
                if closes > start:
                    begin = opens if opens > start else start
                    if begin + left <= closes:
                        return begin + left
                    left -= closes - begin
            ordinal += 1
        return _midnight(_LAST_DAY, self.zone)

    def spans(self, ordinal: int) -> tuple[Span, ...]:
        """Open spans of a local day (proleptic ordinal) in ms since 1970."""
        found = self._days.get(ordinal)
        if found is None:
            if len(self._days) >= _CACHED_DAYS:
                self._days.clear()
            found = self._days[ordinal] = self._compile(date.fromordinal(ordinal))
        return found

    def _compile(self, day: date) -> tuple[Span, ...]:
        if day in self._closed or (day.month, day.day) in self._yearly:
            return ()
        spans = (
            (_instant(day, start, self.zone, last=False), _instant(day, end, self.zone, last=True))
            for start, end in self._week[day.weekday()]
        )
        return tuple((start, end) for start, end in spans if start < end)


def _midnight(ordinal: int, zone: ZoneInfo) -> int:
    return _instant(date.fromordinal(ordinal), 0, zone, last=False)


def _instant(day: date, minute: int, zone: ZoneInfo, *, last: bool) -> int:
    """UTC of a wall time; `last`: of a doubled wall time the second occurrence."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    early, late = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if datetime.fromtimestamp(early, zone).replace(tzinfo=None) == wall:
        return (late if last else early) * SECOND
    # The wall time is skipped: inside a jump fold 1 gives the earlier instant, and the jump lies between the two.
    before, after = late, early
    offset = datetime.fromtimestamp(after, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after * SECOND


def open_minutes(week: tuple[tuple[Span, ...], ...]) -> int:
    """Open minutes of a week without a holiday."""
    return sum(end - start for day in week for start, end in day)


def local(ms: int, zone: ZoneInfo) -> datetime:
    """The wall time of a moment, for people."""
    return datetime.fromtimestamp(ms // SECOND, UTC).astimezone(zone)
