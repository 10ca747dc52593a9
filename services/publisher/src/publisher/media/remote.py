"""Media on an allowed host: found, vetted, and read by byte ranges.

The name is resolved by us, every address is vetted, and the connection goes to the vetted address
itself, so a second look at DNS can't lead elsewhere. TLS still proves the name.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import cache
from http import HTTPStatus

import httpx

from publisher.media.addresses import Resolve, is_public, system_resolve
from publisher.media.answers import checked, failures_told
from publisher.media.errors import MediaRefused, MediaUnavailable
from publisher.media.hosts import AllowedHosts, Target
from publisher.media.remote_file import Patience, RemoteFile, Route

MAX_REDIRECTS = 3
MAX_ADDRESSES = 4
RESOLVE_SECONDS = 5
TIMEOUT = httpx.Timeout(20, connect=5)
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Remote:
    """Opens files by their address."""

    def __init__(
        self,
        allowed: Iterable[str],
        *,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`allowed`: the entries of MEDIA_ALLOWED_HOSTS. Raises ValueError for a bad one."""
        self._allowed = AllowedHosts(allowed)
        self._resolve = resolve
        self._tls = tls
        self._patience = patience or Patience()

    def vet(self, url: str) -> None:
        """Raises MediaRefused for an address that would never be asked."""
        self._allowed.vet(url)

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[RemoteFile]:
        """Raises MediaRefused, MediaMissing, MediaUnavailable."""
        async with AsyncExitStack() as stack:
            with failures_told():
                async with asyncio.timeout(self._patience.opening):
                    file = await self._find(stack, self._allowed.vet(url))
            yield file

    async def _find(self, stack: AsyncExitStack, target: Target) -> RemoteFile:
        for _ in range(MAX_REDIRECTS + 1):
            # A client for each hop: a connection proved for one name is never used for another.
            client = await stack.enter_async_context(self._client())
            route, answer = await self._first(client, target)
            async with aclosing(answer):
                if answer.status_code not in REDIRECTS:
                    return RemoteFile(route, checked(answer, 0, 1).head)
                target = self._allowed.vet(_location(target.url, answer))
        raise MediaRefused("too many redirects")

    async def _first(
        self, client: httpx.AsyncClient, target: Target
    ) -> tuple[Route, httpx.Response]:
        """Ask for the first byte at the first vetted address that takes the connection."""
        failure: httpx.TransportError | None = None
        for address in await self._addresses(target):
            route = Route(client, target.url, address, self._patience)
            try:
                return route, await route.get(0, 1)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or MediaUnavailable("the name has no address")

    async def _addresses(self, target: Target) -> Sequence[str]:
        entry = target.entry
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self._resolve(entry.host.strip("[]"), entry.port)
        except OSError:
            raise MediaUnavailable("the name can't be resolved") from None
        if not entry.vouched and not all(is_public(address) for address in found):
            raise MediaRefused("the name leads to a private address")
        return found[:MAX_ADDRESSES]

    def _client(self) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(verify=self._tls or _usual_tls(), trust_env=False)
        return httpx.AsyncClient(
            transport=transport,
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
        )


def _location(url: httpx.URL, answer: httpx.Response) -> httpx.URL:
    location = answer.headers.get("location")
    if not location:
        raise MediaRefused(f"{HTTPStatus(answer.status_code).phrase} without an address")
    return url.join(location)


@cache
def _usual_tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
