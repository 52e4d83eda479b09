"""Signatures of pushed bodies in their three forms."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners.signatures import hex_signature, is_hex_signed, is_standard_signed

# The example of the Standard Webhooks specification.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BODY, NOW = b'{"test": 2432232314}', 1_614_265_330_000


def test_the_published_example_of_standard_webhooks_passes():
    assert is_standard_signed(HEADERS, BODY, [SECRET], NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "another"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": ""},
        {"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "v1,ü"},
    ],
)
def test_a_changed_header_does_not_pass(change):
    assert not is_standard_signed({**HEADERS, **change}, BODY, [SECRET], NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_or_early_delivery_does_not_pass(seconds):
    assert not is_standard_signed(HEADERS, BODY, [SECRET], NOW + seconds * 1000)


def test_one_of_several_signatures_is_enough():
    several = {**HEADERS, "webhook-signature": "v1,AAAA " + HEADERS["webhook-signature"]}
    assert is_standard_signed(several, BODY, ["whsec_" + base64.b64encode(b"old").decode(), SECRET], NOW)


def test_a_known_hex_signature():
    # printf '{"id":"x:1","text":"Hilfe"}' | openssl dgst -sha256 -hmac secret
    assert hex_signature(b'{"id":"x:1","text":"Hilfe"}', "secret") == (
        "sha256=b0497be93bb9a4c680905bb5cf393561fb074856f437f2a73a504e23e7edb28f"
    )


@given(st.binary(max_size=64), st.text(min_size=1, max_size=16), st.integers(0, 63))
def test_a_signature_fits_its_body_and_its_secret_only(body, secret, place):
    right = hex_signature(body, secret)
    assert is_hex_signed(right, body, ["other", secret])
    assert not is_hex_signed(right, body + b" ", [secret])
    assert not is_hex_signed(right, body, [secret + "x"])
    wrong = right[: 7 + place] + ("0" if right[7 + place] != "0" else "1") + right[8 + place :]
    assert not is_hex_signed(wrong, body, [secret])


@pytest.mark.parametrize("header", [None, "", "sha256=", "ü", "sha1=abc"])
def test_no_signature_is_no_signature(header):
    assert not is_hex_signed(header, b"", ["secret"])
    assert not is_hex_signed(header, b"", [])
