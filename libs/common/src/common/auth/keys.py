"""The host product's public keys: fetched now and then, never as often as strangers would like."""

import asyncio
import json
import time
from typing import Any, NamedTuple

import httpx
import jwt

from common.observe import logs

ALGORITHMS = ("RS256", "ES256", "EdDSA")
LIVE_SECONDS = 600.0
"""A key that the host product withdrew is believed for no longer."""
REFRESH_SECONDS = 300.0
"""Long before the keys grow too old, so that the host product may be away for a while."""
REFETCH_SECONDS = 60.0
AT_START_SECONDS = 5.0
FETCH_SECONDS = 5.0
LARGEST = 256 * 1024
MOST_KEYS = 100
RSA_BITS = 2048
log = logs.get(__name__)


class KeysUnavailable(OSError):
    """The host product's keys can't be had now; nobody can be told apart from anybody."""


class _Known(NamedTuple):
    key: jwt.PyJWK
    until: float


class Keys:
    """Keys by their ids.

    Who shows a known key waits for nothing. An unknown one causes at most one fetch a minute,
    however many ask; only while there is no key at all is it tried every few seconds.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: dict[str, _Known] = {}
        self._refresh_at = 0.0
        self._ask_again_at = 0.0
        self._told = False
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, kid: str) -> jwt.PyJWK:
        """The key with this id. Raises KeyError when there is none, or KeysUnavailable."""
        if found := self._young(kid):
            if time.monotonic() >= self._refresh_at:
                self._fetch()
            return found
        if fetching := self._fetch():
            await asyncio.shield(fetching)
        if found := self._young(kid):
            return found
        if not self._told:  # it may be a new key of which we could not hear
            raise KeysUnavailable
        raise KeyError(kid)

    def _young(self, kid: str) -> jwt.PyJWK | None:
        known = self._known.get(kid)
        return known.key if known and time.monotonic() < known.until else None

    def _fetch(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or a new one; None when it is too early for another."""
        if self._fetching is None and time.monotonic() >= self._ask_again_at:
            self._fetching = asyncio.create_task(self._learn())
        return self._fetching

    async def _learn(self) -> None:
        try:
            found = _read(await self._ask())
            self._told = True
        except Exception as error:  # noqa: BLE001 - whatever it was: people wait, and not too soon again
            log.warning("jwks_unavailable", error=type(error).__name__)
            found, self._told = {}, False
        finally:
            self._fetching = None
        now = time.monotonic()
        fresh = {kid: _Known(key, now + LIVE_SECONDS) for kid, key in found.items()}
        alive = {kid: one for kid, one in self._known.items() if now < one.until}
        self._known = alive | fresh
        self._ask_again_at = now + (REFETCH_SECONDS if self._known else AT_START_SECONDS)
        self._refresh_at = now + (REFRESH_SECONDS if fresh else REFETCH_SECONDS)

    async def _ask(self) -> bytes:
        """Neither size nor slowness of the answer is left to the other side."""
        async with (
            asyncio.timeout(FETCH_SECONDS),
            httpx.AsyncClient(
                timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False
            ) as client,
            client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            answer.raise_for_status()
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError("too large")
            return bytes(body)


def _read(body: bytes) -> dict[str, jwt.PyJWK]:
    """The keys that may sign tokens for us. Raises ValueError when there is none."""
    document = json.loads(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no key set")  # noqa: TRY004 - one error for every bad answer
    usable = (_usable(one) for one in listed[:MOST_KEYS])
    found = {str(key.key_id): key for key in usable if key}
    if not found:
        raise ValueError("no usable key")
    return found


def _usable(entry: Any) -> jwt.PyJWK | None:  # noqa: ANN401 - whatever stood in the answer
    """A public key for signatures with an id; anything else is passed over."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or "d" in entry:
        return None
    if entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(entry)
    except Exception:  # noqa: BLE001 - strange entries end in many ways, and stand beside good ones
        return None
    weak = entry.get("kty") == "RSA" and key.key.key_size < RSA_BITS
    return key if key.algorithm_name in ALGORITHMS and not weak else None
