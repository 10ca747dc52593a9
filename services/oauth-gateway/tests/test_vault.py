"""What is sealed opens in its own place only, under its own key only, and unchanged only."""

import base64
import os
import secrets
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from common.contracts.words import Platform
from common.ids import new_id
from oauth_gateway.domain.credential import Credential, Sealed, Status
from oauth_gateway.vault.box import Box, UnknownKey, Unreadable
from oauth_gateway.vault.keys import Fingerprints, Keyring, WeakSecret, check_secret, derive
from oauth_gateway.vault.tokens import TokenVault
from platforms.port import Grant

KNOWN_SECRET = "8f3a1c7e52d09b6441e5f7a2c93d0b8876fe104cd2ab35997b0e61f8d4c72a53"
KNOWN = "djGOCu1e9x1ebwiIwigVTjBDu71QnHwIHAERN3PzQZo4XVkJiW/TxoJxL+QAZIpHF0cp"
"""Sealed by the first release: a change of the format must not lose it."""


def fresh() -> SecretStr:
    return SecretStr(secrets.token_hex(32))


RING = Keyring(fresh())
BOX = Box(RING, "vault")
PLACE = ("connection", "vk", "access_token")
SEALED = BOX.seal(b"a token", *PLACE)


def test_a_box_is_version_key_id_nonce_and_text_with_tag() -> None:
    assert SEALED[:2] == b"v1"
    assert SEALED[2:6] == RING.current_id
    assert len(SEALED) == 2 + 4 + 12 + len(b"a token") + 16


def test_an_old_box_of_a_known_secret_still_opens() -> None:
    ring = Keyring(SecretStr(KNOWN_SECRET))
    known = base64.b64decode(KNOWN)
    assert Box(ring, "vault").open(known, "c", "vk", "access_token") == b"vk2.a.sealed-once"


@given(st.binary(max_size=200), st.tuples(st.text(max_size=20), st.text(max_size=20)))
def test_what_was_sealed_comes_back(plain: bytes, place: tuple[str, str]) -> None:
    assert BOX.open(BOX.seal(plain, *place), *place) == plain


@given(st.integers(0, len(SEALED) * 8 - 1))
def test_v2_one_flipped_bit_and_it_does_not_open(bit: int) -> None:
    changed = bytearray(SEALED)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((Unreadable, UnknownKey)):
        BOX.open(bytes(changed), *PLACE)


@given(st.integers(0, len(SEALED) - 1), st.binary(min_size=1, max_size=20))
def test_v2_cut_or_extended_it_does_not_open(size: int, more: bytes) -> None:
    for changed in (SEALED[:size], SEALED + more):
        with pytest.raises((Unreadable, UnknownKey)):
            BOX.open(changed, *PLACE)


@pytest.mark.parametrize(
    "place",
    [
        ("another", "vk", "access_token"),
        ("connection", "dzen", "access_token"),
        ("connection", "vk", "refresh_token"),
        ("connection", "vk"),
        (),
    ],
)
def test_v1_in_another_place_it_does_not_open(place: tuple[str, ...]) -> None:
    with pytest.raises(Unreadable):
        BOX.open(SEALED, *place)


def test_v1_for_another_purpose_it_does_not_open() -> None:
    with pytest.raises(Unreadable):
        Box(RING, "state").open(SEALED, *PLACE)


def test_a_secret_that_is_gone_is_told_apart_from_damage() -> None:
    with pytest.raises(UnknownKey):
        Box(Keyring(fresh()), "vault").open(SEALED, *PLACE)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_v2_one_changed_byte_and_it_does_not_open(index: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[index] ^= change
    with pytest.raises((Unreadable, UnknownKey)):
        BOX.open(bytes(changed), *PLACE)


def test_v3_no_nonce_of_a_million_repeats() -> None:
    nonces = {BOX.seal(b"", *PLACE)[6:18] for _ in range(1_000_000)}
    assert len(nonces) == 1_000_000


def test_v3_forked_workers_share_no_nonce() -> None:
    BOX.seal(b"", *PLACE)  # whatever a generator would keep is there before they part
    read, write = os.pipe()
    for _ in range(4):
        child = os.fork()
        if child == 0:
            os.write(write, b"".join(BOX.seal(b"", *PLACE)[6:18] for _ in range(300)))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        seen = pipe.read()
    nonces = {seen[start : start + 12] for start in range(0, len(seen), 12)}
    assert len(nonces) == 4 * 300


def test_v4_former_secrets_open_and_the_current_one_seals() -> None:
    old, new = fresh(), fresh()
    before = Box(Keyring(old), "vault").seal(b"a token", *PLACE)
    rotating = Keyring(new, [old])
    box = Box(rotating, "vault")
    assert box.open(before, *PLACE) == b"a token"
    assert box.seal(b"a token", *PLACE)[2:6] == Keyring(new).current_id


def test_hkdf_gives_each_purpose_a_key_of_its_own() -> None:
    secret = secrets.token_bytes(32)
    labels = ("vault", "state", "fingerprint", "kid")
    assert len({derive(secret, label) for label in labels}) == len(labels)


def test_a_fingerprint_is_stable_and_says_nothing() -> None:
    token = SecretStr("a-rutube-token")
    name = Fingerprints(RING.fingerprint_key())
    assert name(token) == name(token)
    assert name(token) != Fingerprints(Keyring(fresh()).fingerprint_key())(token)
    assert "rutube" not in name(token)


@pytest.mark.parametrize(
    "weak",
    [
        "",
        "abc",
        "z" * 64,
        "00" * 32,
        "ff" * 32,
        "deadbeef" * 8,
        "0123456789abcdef" * 4,
        bytes(range(32)).hex(),
        bytes(range(62, -2, -2)).hex(),
        "0102" * 15 + "0304",
        "e009ab981e8134cd4e288c074dfd5f5eb749a85067cf5ce11f1e48984d8f1c",
        "f00363112df0da08d5332d4e5939663c36b3375c97db4c552d3be8d63ba6d75d2e",
        " ".join(["ab"] * 21) + " a",
        "changeme",
    ],
)
def test_v5_a_weak_secret_is_refused_without_being_shown(weak: str) -> None:
    with pytest.raises(WeakSecret) as refusal:
        check_secret(SecretStr(weak))
    assert not weak or weak not in str(refusal.value)


def test_a_random_secret_is_accepted() -> None:
    for _ in range(200):
        check_secret(fresh())


def test_a_secret_is_not_given_twice() -> None:
    same = fresh()
    with pytest.raises(WeakSecret):
        Keyring(same, [same])


def credential(sealed: Sealed, connection_id: UUID) -> Credential:
    return Credential(
        connection_id=connection_id,
        user_id="u",
        platform=Platform.VK,
        account_id="1",
        grant_number=1,
        version=1,
        status=Status.ACTIVE,
        sealed=sealed,
        granted=("video",),
        expires_at=None,
    )


def test_v1_tokens_of_one_connection_do_not_open_in_another() -> None:
    vault, here, there = TokenVault(RING), new_id(), new_id()
    grant = Grant(SecretStr("access"), SecretStr("refresh"), extras={"device_id": "d"})
    sealed = vault.seal(here, Platform.VK, grant)
    opened = vault.open(credential(sealed, here))
    assert opened.refresh_token is not None
    assert opened.refresh_token.get_secret_value() == "refresh"
    assert opened.extras == {"device_id": "d"}
    with pytest.raises(Unreadable):
        vault.open(credential(sealed, there))
    swapped = Sealed(sealed.refresh_token or b"", sealed.access_token, sealed.extras)
    with pytest.raises(Unreadable):
        vault.open(credential(swapped, here))
