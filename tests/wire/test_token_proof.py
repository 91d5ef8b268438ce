"""The proof of a token."""

from __future__ import annotations

from twistedcam import wire


def test_a_mac_proves_one_token_role_and_nonce() -> None:
    nonce = wire.new_nonce()
    mac = wire.mac_of("geheim", "view", nonce)
    assert wire.mac_matches(mac, "geheim", "view", nonce)
    assert wire.mac_matches(mac.upper(), "geheim", "view", nonce)
    assert not wire.mac_matches(mac, "geheim", "publish", nonce)
    assert not wire.mac_matches(mac, "geheimer", "view", nonce)
    assert not wire.mac_matches(mac, "geheim", "view", wire.new_nonce())
    assert not wire.mac_matches("ü", "geheim", "view", nonce)


def test_the_mac_is_hmac_sha256_over_role_and_nonce() -> None:
    # Worked out with: printf 'view:00' | openssl dgst -sha256 -hmac key
    expected = "42feaf96f9dc82cc0bc9f5bcad2afa3e41e32bfbc3a4a649e3132a2e31b7b925"
    assert wire.mac_of("key", "view", "00") == expected
