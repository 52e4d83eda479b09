"""Factor purchases: what a verified customer bought, in one currency, refunds off, and the company's own labels."""

import math
from typing import NamedTuple

from priority.case import Case
from priority.customer import Known, happened, moment
from priority.settings import Purchases
from priority.weighing import Weighed, points, saturating
from priority.words import Words, short
from records.facts import Snapshot, SnapshotPurchase
from records.tickets import Factor
from records.times import DAY

_MOST = 1_000_000_000_000.0  # an amount or quantity above it counts as it: no overflow, no infinity
_TAGS_SHOWN = 3


class _Bought(NamedTuple):
    """Value with age: amount in the strategy's currency by its weight, pieces by product."""

    amount: float
    pieces: dict[str, float]


def purchases(case: Case, known: Known, settings: Purchases, words: Words) -> Weighed:
    """Points = cap × min(1, amount_share × A + quantity_share × Q + Σ tags), A and Q saturating; 0 without a verified one."""
    if known.snapshot is None:
        return Weighed(Factor("purchases", 0.0, settings.cap, words.unknown))
    unknown: list[str] = []
    share, why = 0.0, []
    if known.snapshot.purchases:
        bought = _bought(known.snapshot, case.as_of, settings, words, unknown)
        product, quantity = max(bought.pieces.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))
        share += settings.amount_share * saturating(bought.amount, settings.amount_half)
        share += settings.quantity_share * saturating(quantity, settings.quantity_half)
        if bought.amount >= 0.5:
            why.append(words.bought(bought.amount, settings.currency))
        if quantity >= 1.5:
            why.append(words.pieces(quantity, short(product)))
    if known.snapshot.tags:
        tags = _tags(known.snapshot.tags, case.as_of, settings.tags, words, unknown)
        share += sum(settings.tags[tag] for tag in tags)
        why.extend(words.tag(tag) for tag in tags[:_TAGS_SHOWN])
    earned = points(share, settings.cap)
    return Weighed(
        Factor("purchases", earned, settings.cap, ", ".join(why) or words.no_purchase), tuple(dict.fromkeys(unknown))
    )


def _tags(
    tags: tuple[tuple[str, str | None], ...], as_of: int, shares: dict[str, float], words: Words, unknown: list[str]
) -> list[str]:
    """Tags that count and have not expired at `as_of`."""
    valid = set()
    for tag, expires in tags:
        if tag in shares:
            until = None if expires is None else moment(expires, words, unknown)
            if expires is None or (until is not None and until > as_of):
                valid.add(tag)
    return sorted(valid)


def _bought(snapshot: Snapshot, as_of: int, settings: Purchases, words: Words, unknown: list[str]) -> _Bought:
    rows: list[_Row] = []
    for fact in snapshot.purchases:
        at = happened(fact, as_of, words, unknown)
        if at is None:
            continue
        rate = 1.0 if fact.currency == settings.currency else settings.rates.get(fact.currency)
        if rate is None:
            unknown.append(words.no_rate(fact.currency))
        weight = 0.5 ** (max(0, as_of - at) / (settings.half_life_days * DAY))
        rows.append(_Row(at, fact, (rate or 0.0), weight))
    rows.sort(key=lambda row: row.at)
    for index, row in enumerate(rows):
        if row.refund:
            _take_back(row, rows[:index])
    pieces: dict[str, float] = {}
    for row in rows:
        if row.product and not row.refund:
            pieces[row.product] = pieces.get(row.product, 0.0) + row.weight * row.pieces
    return _Bought(math.fsum(row.weight * row.amount for row in rows if not row.refund), pieces)


class _Row:
    """One purchase or refund while refunds are taken off: what is left of its amount (in one currency) and its pieces."""

    __slots__ = ("amount", "at", "pieces", "product", "refund", "weight")

    def __init__(self, at: int, fact: SnapshotPurchase, rate: float, weight: float) -> None:
        self.at, self.weight, self.product = at, weight, fact.product
        self.refund = math.copysign(1.0, fact.amount) < 0  # a return without money back is −0.0
        self.amount = min(abs(fact.amount) * rate, _MOST)
        self.pieces = float(min(abs(fact.quantity or 0), int(_MOST)))


def _take_back(refund: _Row, earlier: list[_Row]) -> None:
    """A refund takes back what was bought before it, of the same product first, then the newest first, at the weight that the
    purchase has: giving back last year's order today must not wipe out this year's. More than was bought is ignored."""
    for row in sorted(earlier, key=lambda r: (r.product == refund.product, r.at), reverse=True):
        if row.refund:
            continue
        taken = min(row.amount, refund.amount)
        row.amount -= taken
        refund.amount -= taken
        if row.product == refund.product:
            returned = min(row.pieces, refund.pieces)
            row.pieces -= returned
            refund.pieces -= returned
