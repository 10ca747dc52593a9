"""MEDIA_ALLOWED_HOSTS: from where media may be fetched, and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import httpx

from publisher.media.errors import MediaRefused

PORTS = {"https": 443, "http": 80}
MAX_URL = 2048


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry: `cdn.example.com`, `cdn.example.com:8443`, or `http://127.0.0.1:9000`.

    https unless it says http. An entry that says its scheme vouches for its addresses: they may
    be private ones (development, or a store inside one's own network). No other entry may.
    """

    scheme: str
    host: str
    port: int
    vouched: bool

    @classmethod
    def parse(cls, entry: str) -> Self:
        """Raises ValueError for anything but a host with its port."""
        vouched = "://" in entry
        try:
            url = httpx.URL(entry if vouched else f"https://{entry}")
        except httpx.InvalidURL as error:
            raise ValueError(f"{entry}: {error}") from None
        plain = url.raw_path == b"/" and not url.userinfo and not url.fragment
        if url.scheme not in PORTS or not url.host or "*" in url.host or not plain:
            raise ValueError(f"{entry}: write host, host:port or http://host:port")
        if vouched and url.port is None and url.scheme == "http":
            raise ValueError(f"{entry}: say the port")
        return cls(url.scheme, url.raw_host.decode(), url.port or PORTS[url.scheme], vouched)


@dataclass(frozen=True, slots=True)
class Target:
    """An address that is allowed, with the entry that allows it."""

    url: httpx.URL
    entry: AllowedHost


class AllowedHosts:
    """The whole list."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = {
            (entry.scheme, entry.host, entry.port): entry
            for entry in (AllowedHost.parse(text) for text in entries)
        }

    def vet(self, address: str | httpx.URL) -> Target:
        """Raises MediaRefused. What is vetted here is the very object that is requested."""
        if len(str(address)) > MAX_URL:
            raise MediaRefused("the address is too long")
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            raise MediaRefused("not an address") from None
        if url.userinfo:
            raise MediaRefused("an address with a password")
        port = url.port or PORTS.get(url.scheme, 0)
        entry = self._entries.get((url.scheme, url.raw_host.decode(), port))
        if entry is None:
            raise MediaRefused("a host that is not allowed")
        return Target(url.copy_with(fragment=None), entry)
