"""What browsers bring and where they are sent."""

import json
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.words import Platform
from oauth_gateway.domain import pkce
from oauth_gateway.domain.callback import read
from oauth_gateway.domain.flow import issuer_of, same_issuer
from oauth_gateway.domain.returning import Returning

RETURNING = Returning("https://app.example.org", {"default": "/connections", "wizard": "/welcome"})
NAMES = st.sampled_from(["state", "code", "error", "payload", "device_id", "iss", "x"])


EVIL = st.sampled_from(
    [
        "//evil.example.org",
        "/\\evil.example.org",
        "https://evil.example.org",
        "https:evil.example.org",
        "/%0d%0aLocation:%20https://evil.example.org",
        "\r\nLocation: https://evil.example.org",
        "data:text/html,x",
        "javascript:alert(1)",
        "@evil.example.org",
        ".evil.example.org",
        "/../..//evil.example.org",
        "хакер.рф",
        "\u2028//evil.example.org",
        "😀",
        "wizard",
        "default",
    ]
)
ANYTHING = EVIL | st.text(max_size=60) | st.builds("".join, st.lists(EVIL, max_size=3))


@hypothesis.settings(max_examples=500)
@given(ANYTHING, ANYTHING)
def test_o6_no_input_leads_a_browser_elsewhere(key: str, value: str) -> None:
    for url in (
        RETURNING.finished(key, Platform.VK, value),
        RETURNING.failed(key, Platform.VK, value),
    ):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", "app.example.org")
        assert parts.path in {"/connections", "/welcome"}
        assert "\n" not in url
        assert "\r" not in url


@given(st.lists(st.tuples(NAMES, st.text(max_size=40)), max_size=8))
def test_any_query_is_read_without_a_fault(query: list[tuple[str, str]]) -> None:
    said = read(query)
    assert said.sound or said.code is None
    assert not (said.code and said.error)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["state", "code", "error", "device_id", "iss"]), ANY_JSON))
def test_any_payload_is_read_without_a_fault(payload: dict[str, Any]) -> None:
    said = read([("payload", json.dumps(payload))])
    assert all(state.isascii() and state.isprintable() for state in said.states)
    assert not (said.code and said.error)


@pytest.mark.parametrize(
    "value",
    [r'"\ud800"', "[" * 700 + "]" * 700, "1" * 5000, "true", '{"a": 1}', '"\u0000"', "NaN", '""'],
)
def test_a_state_that_is_no_text_of_ours_is_never_looked_up(value: str) -> None:
    said = read([("payload", f'{{"state": {value}}}')])
    assert (said.sound, said.states) == (False, ())


def test_equal_values_in_query_and_payload_agree() -> None:
    said = read([("code", "c"), ("state", "s"), ("payload", '{"code":"c","state":"s"}')])
    assert (said.sound, said.code, said.states) == (True, "c", ("s",))


def test_o1_every_state_that_was_named_is_known() -> None:
    said = read([("state", "a"), ("payload", '{"state":"b"}')])
    assert (said.sound, said.states) == (False, ("a", "b"))


def test_o5_pkce_follows_the_example_of_the_rfc() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert pkce.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_verifier_is_long_and_never_the_same() -> None:
    made = {pkce.new_verifier() for _ in range(100)}
    assert len(made) == 100
    assert all(43 <= len(one) <= 128 for one in made)


def test_o4_an_issuer_may_name_its_bare_origin() -> None:
    expected = issuer_of("https://id.vk.com/authorize?state=x")
    assert same_issuer("https://id.vk.com", expected)
    assert same_issuer("https://id.vk.com/", expected)
    assert not same_issuer("https://id.vk.com.evil.org", expected)
    assert not same_issuer("http://id.vk.com", expected)
