"""Factor purchases: what a verified customer bought, with age, currency, refunds and labels."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from priority.customer import recognise
from priority.purchases import purchases
from priority.settings import Purchases
from priority.words import ENGLISH
from records.times import DAY, from_ms

SETTINGS = Purchases()
AMOUNTS = st.floats(0, 100_000)


@pytest.fixture(scope="session")
def weighed(make):
    def weigh(*bought, tags=(), settings=SETTINGS):
        case = make.case(snapshots=(make.customer(purchases=bought, tags=tags),))
        return purchases(case, recognise(case.snapshots, ENGLISH), settings, ENGLISH)

    return weigh


@pytest.fixture(scope="session")
def earned(weighed):
    return lambda *bought, **more: weighed(*bought, **more).factor.points


def test_nothing_bought_earns_nothing_and_is_known(weighed):
    assert (weighed().factor.points, weighed().factor.why, weighed().unknown) == (0.0, "no purchase on record", ())


def test_half_of_the_amount_share_is_earned_at_amount_half(make, earned):
    assert earned(make.purchase(0, 500)) == pytest.approx(15 * 0.6 / 2, abs=0.05)


def test_a_purchase_of_one_half_life_counts_half(make, earned):
    assert earned(make.purchase(180, 1000)) == earned(make.purchase(0, 500))


def test_ten_of_one_product_count_more_than_one_each_of_ten(make, earned):
    assert earned(make.purchase(quantity=10, product="laptop")) > earned(
        *(make.purchase(amount=10, quantity=1, product=f"thing {i}") for i in range(10))
    )


def test_the_reason_names_amount_quantity_and_label(make, weighed):
    why = weighed(make.purchase(0, 9000, quantity=10, product="laptop"), tags=(("ambassador", None),)).factor.why
    assert why == "bought for 9,000 EUR (older counts less), 10 × laptop, tagged ambassador"


@given(st.lists(AMOUNTS, min_size=1, max_size=5), AMOUNTS, st.lists(AMOUNTS, max_size=3), st.integers(0, 4))
def test_buying_more_never_lowers_it_whatever_was_refunded(make, earned, amounts, more, refunds, place):
    def history(extra):
        bought = [
            make.purchase(40 - 7 * i, a + (extra if i == place else 0), product="ab"[i % 2])
            for i, a in enumerate(amounts)
        ]
        return (*bought, *(make.purchase(30 - 9 * i, -a, product="ab"[i % 2]) for i, a in enumerate(refunds)))

    assert earned(*history(more)) >= earned(*history(0))


@given(st.lists(AMOUNTS, min_size=1, max_size=4), AMOUNTS)
def test_a_refund_never_raises_it(make, earned, amounts, refund):
    bought = [make.purchase(10 + i, a) for i, a in enumerate(amounts)]
    assert earned(*bought, make.purchase(1, -refund)) <= earned(*bought)


def test_what_was_sent_back_leaves_nothing(make, earned):
    assert (
        earned(
            make.purchase(9, 800, quantity=10, product="laptop"), make.purchase(1, -800, quantity=10, product="laptop")
        )
        == 0
    )


def test_a_return_without_money_back_takes_the_pieces_and_is_no_purchase(make, earned):
    ten = make.purchase(9, 0, quantity=10, product="laptop")
    assert earned(ten) > 0
    assert earned(ten, make.purchase(1, -0.0, quantity=10, product="laptop")) == 0


def test_giving_back_an_old_order_today_leaves_the_new_order_as_it_is(make, earned):
    new = make.purchase(2, 1000, product="phone")
    assert earned(make.purchase(300, 5000, product="sofa"), new, make.purchase(1, -5000, product="sofa")) == earned(new)


def test_a_refund_of_more_than_was_bought_is_bounded_at_nothing(make, earned):
    assert earned(make.purchase(9, 10), make.purchase(1, -1e300)) == 0
    later = make.purchase(0.5, 700)
    assert earned(make.purchase(9, 10), make.purchase(1, -1e300), later) == earned(later)


def test_other_currencies_are_converted(make, earned):
    assert earned(make.purchase(0, 100, currency="CHF")) == earned(make.purchase(0, 105))


def test_a_currency_without_a_rate_counts_for_nothing_and_is_named(make, weighed):
    result = weighed(make.purchase(0, 9000, currency="XYZ"), make.purchase(0, 1, currency="XYZ"))
    assert result.factor.points == 0
    assert result.unknown == ("purchases in XYZ (no rate in the strategy)",)


def test_an_unreadable_or_far_future_time_counts_for_nothing_and_is_named(make, weighed):
    bad = make.purchase(at="2026-02-31T00:00:00.000Z")
    result = weighed(bad, make.purchase(-3000))
    assert result.factor.points == 0
    assert len(result.unknown) == 2


def test_a_purchase_made_while_the_ticket_was_open_counts_like_a_fresh_one(make, earned):
    assert earned(make.purchase(-29, 500)) == earned(make.purchase(0, 500))


@pytest.mark.parametrize(("days", "counts"), [(None, True), (1, True), (0, False), (-1, False)])
def test_a_label_counts_until_it_expires(make, earned, days, counts):
    expires = None if days is None else from_ms(make.now + days * DAY)
    assert (earned(tags=(("ambassador", expires),)) > 0) is counts


def test_a_label_given_twice_counts_once_and_an_unlisted_one_never(make, earned):
    assert earned(tags=(("vip", None), ("vip", None))) == earned(tags=(("vip", None),))
    assert earned(tags=(("blue eyes", None),)) == 0


def test_everything_together_stays_under_the_cap(make, earned):
    bought = [make.purchase(i, 1.7e308, quantity=10**40, product="laptop") for i in range(100)]
    assert earned(*bought, tags=(("vip", None), ("ambassador", None))) == SETTINGS.cap


def test_a_cap_of_nothing_switches_the_factor_off(make, earned):
    assert earned(make.purchase(), settings=msgspec.structs.replace(SETTINGS, cap=0)) == 0
