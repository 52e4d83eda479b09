"""Rate limits as headers tell them, and a budget of calls in a window."""

from listeners.rates import Window, asked_wait, rate_limit

NOW = 1_750_000_000_000


def test_nothing_left_waits_for_the_reset():
    headers = {"x-rate-limit-limit": "50", "x-rate-limit-remaining": "0", "x-rate-limit-reset": "1750000300"}
    assert rate_limit(headers).wait(NOW) == 301


def test_something_left_waits_for_nothing():
    assert rate_limit({"x-rate-limit-remaining": "3", "x-rate-limit-reset": "1750000300"}).wait(NOW) is None


def test_nonsense_is_unknown():
    limit = rate_limit({"x-rate-limit-remaining": "many", "x-rate-limit-reset": "-1"})
    assert (limit.remaining, limit.reset, limit.wait(NOW)) == (None, None, None)


def test_retry_after_in_every_form():
    assert asked_wait({"retry-after": "30"}, NOW) == 30
    assert asked_wait({"retry-after": "Sun, 15 Jun 2025 15:07:20 GMT"}, NOW) == 40
    assert asked_wait({"retry-after": "soon", "x-rate-limit-reset": "1750000060"}, NOW) == 61
    assert asked_wait({}, NOW) is None


def test_a_reset_far_away_does_not_silence_a_listener_for_ever():
    assert asked_wait({"x-rate-limit-reset": "9999999999"}, NOW) == 3600


def test_a_window_lets_so_many_through():
    window = Window(2, 900)
    window.take(NOW)
    window.take(NOW + 10_000)
    assert window.wait(NOW + 20_000) == 880
    assert window.wait(NOW + 900_000) == 0
