"""Keys of the host product come, go and can't be had, while people go on working (J2)."""

import asyncio
import gzip
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from fastapi import Response
from fastapi.responses import RedirectResponse

from common.auth import keys
from common.auth.callers import Unauthorized, Verifier
from common.auth.keys import KeysUnavailable
from support.jwt_host import Host, Key, too_much
from support.serving import serving
from support.waiting import eventually

pytestmark = pytest.mark.anyio


@dataclass
class Clock:
    """Time as `keys` sees it; the only thing that is not waited for here."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(keys, "time", found)
    return found


@pytest.fixture
async def host() -> Host:
    return Host()


@pytest.fixture
async def url(host: Host) -> AsyncIterator[str]:
    async with serving(host.app()) as found:
        yield f"{found}/keys"


@pytest.fixture
def verifier(url: str) -> Verifier:
    return Verifier(secret=None, jwks_url=url, issuer=None)


@pytest.fixture
async def key(host: Host, verifier: Verifier, clock: Clock) -> Key:
    """The one that the host lists, and that we have heard of by the test's own clock."""
    assert clock
    found = Key("one")
    host.listed = [found.jwk]
    await verifier.verify(found.sign())
    return found


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_j2_each_algorithm_works(host: Host, verifier: Verifier, algorithm: str) -> None:
    key = Key("one", algorithm)
    host.listed = [key.jwk]
    assert (await verifier.verify(key.sign())).user_id == "anna"


async def test_j2_keys_roll_under_load_and_no_valid_token_is_refused(
    host: Host, verifier: Verifier, clock: Clock
) -> None:
    """As hosts do it: a new key is published before it signs, and the old one goes later."""
    chain = [Key(f"key-{number}") for number in range(6)]
    host.listed = [chain[0].jwk]
    served = 0

    async def work(key: Key) -> None:
        nonlocal served
        for _ in range(20):
            await verifier.verify(key.sign())
            served += 1

    for old, new in itertools.pairwise(chain):
        await work(old)
        host.listed = [old.jwk, new.jwk]
        clock.now += keys.REFRESH_SECONDS
        await asyncio.gather(*(work(one) for one in (old, new, old, new)))
        host.listed = [new.jwk]
        clock.now += keys.REFETCH_SECONDS
        await asyncio.gather(*(work(one) for one in (old, new)))
    assert served == 5 * 20 * 7
    assert host.asked <= 11


@pytest.mark.usefixtures("key")
async def test_j2_a_key_that_signs_before_we_heard_of_it_is_fetched_at_once(
    host: Host, verifier: Verifier, clock: Clock
) -> None:
    new = Key("new")
    host.listed = [new.jwk]
    clock.now += keys.REFETCH_SECONDS
    assert await asyncio.gather(*(verifier.verify(new.sign()) for _ in range(50)))
    assert host.asked == 2


async def test_j2_a_withdrawn_key_is_believed_for_ten_minutes_at_most(
    host: Host, verifier: Verifier, clock: Clock, key: Key
) -> None:
    new = Key("new")
    host.listed = [new.jwk]
    clock.now += keys.REFETCH_SECONDS
    await verifier.verify(new.sign())
    await verifier.verify(key.sign())
    clock.now += keys.LIVE_SECONDS - keys.REFETCH_SECONDS
    await verifier.verify(new.sign())
    with pytest.raises(Unauthorized):
        await verifier.verify(key.sign())


@pytest.mark.usefixtures("key")
async def test_j2_a_flood_of_unknown_ids_causes_one_fetch_a_minute(
    host: Host, verifier: Verifier, clock: Clock
) -> None:
    stranger = Key("stranger")
    began = host.asked
    for second in range(180):
        flood = (verifier.verify(stranger.sign(kid=f"{second}-{at}")) for at in range(5))
        answers = await asyncio.gather(*flood, return_exceptions=True)
        assert {type(one) for one in answers} == {Unauthorized}
        clock.now += 1
    assert host.asked - began <= 3


async def test_j2_a_flood_while_the_host_is_away_is_no_flood_there(
    host: Host, verifier: Verifier, clock: Clock, key: Key
) -> None:
    stranger = Key("stranger")
    host.answer = lambda: Response(status_code=500)
    began = host.asked
    for _ in range(120):
        clock.now += 1
        with pytest.raises((Unauthorized, KeysUnavailable)):
            await verifier.verify(stranger.sign())
        await verifier.verify(key.sign())
    assert host.asked - began <= 2


async def test_j2_nobody_waits_for_a_silent_host_with_a_key_that_is_known(
    host: Host, verifier: Verifier, clock: Clock, key: Key
) -> None:
    host.silence = asyncio.Event()
    clock.now += keys.REFRESH_SECONDS
    stranger = asyncio.create_task(verifier.verify(Key("other").sign()))

    async def asked() -> bool:
        return host.asked == 2

    await eventually(asked)
    async with asyncio.timeout(1):
        assert await verifier.verify(key.sign())
    assert not stranger.done()
    host.silence.set()
    with pytest.raises(Unauthorized):
        await stranger


async def test_j2_without_the_host_at_the_start_nobody_is_told_to_be_nobody(
    host: Host, verifier: Verifier, clock: Clock
) -> None:
    key = Key("one")
    host.listed = [key.jwk]
    host.answer = lambda: Response(status_code=503)
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await verifier.verify(key.sign())
    assert host.asked == 1
    host.answer = None
    clock.now += keys.AT_START_SECONDS
    assert await verifier.verify(key.sign())


async def test_j2_a_host_that_is_away_later_is_missed_after_ten_minutes(
    host: Host, verifier: Verifier, clock: Clock, key: Key
) -> None:
    host.answer = lambda: Response(status_code=503)
    for _ in range(19):
        clock.now += 30
        assert await verifier.verify(key.sign())
    clock.now += 60
    with pytest.raises(KeysUnavailable):
        await verifier.verify(key.sign())


async def test_j2_no_address_behind_the_url_is_unavailable() -> None:
    away = Verifier(secret=None, jwks_url="http://127.0.0.1:1/keys", issuer=None)
    with pytest.raises(KeysUnavailable):
        await away.verify(Key("one").sign())


STRANGE = {
    "a symmetric key without its value": {"kty": "oct", "kid": "s"},
    "an algorithm that is none": {"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "none"},
    "an algorithm that nobody knows": {"kty": "RSA", "kid": "s", "alg": "XX512"},
    "a number as its kind": {"kty": 5, "kid": "s"},
}


@pytest.mark.parametrize("kind", STRANGE)
async def test_j2_a_strange_key_beside_a_good_one_costs_nothing(
    host: Host, verifier: Verifier, kind: str
) -> None:
    key = Key("one")
    host.listed = [STRANGE[kind], key.jwk]
    for _ in range(5):
        assert await verifier.verify(key.sign())
    assert host.asked == 1


HOSTILE: dict[str, Callable[[], Response]] = {
    "a page": lambda: Response("<html>", media_type="text/html"),
    "a list": lambda: Response("[]"),
    "a number": lambda: Response("7"),
    "keys that are no list": lambda: Response('{"keys": {"kid": "one"}}'),
    "keys that are no keys": lambda: Response('{"keys": [1, null, "x", [], {}]}'),
    "no keys": lambda: Response('{"keys": []}'),
    "brackets": lambda: Response("[" * 100_000),
    "a long number": lambda: Response('{"keys": ' + "9" * 10_000 + "}"),
    "too much": too_much,
    "packed": lambda: Response(gzip.compress(b" " * 10**8), headers={"content-encoding": "gzip"}),
    "elsewhere": lambda: RedirectResponse("http://127.0.0.1:1/", 302),
    "broken fields": lambda: Response(
        json.dumps({"keys": [{"kty": "RSA", "kid": "one", "n": 5, "e": []}]})
    ),
    "an unknown curve": lambda: Response(
        json.dumps({"keys": [{"kty": "EC", "crv": "P-1", "kid": "one", "x": "", "y": ""}]})
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_j2_a_hostile_answer_changes_nothing(
    host: Host, verifier: Verifier, clock: Clock, key: Key, kind: str
) -> None:
    host.answer = HOSTILE[kind]
    clock.now += keys.REFETCH_SECONDS
    with pytest.raises(KeysUnavailable):
        await verifier.verify(Key("two").sign())
    assert await verifier.verify(key.sign())
