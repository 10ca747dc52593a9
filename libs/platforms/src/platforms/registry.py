"""The plug board: every platform that is switched on, each with its own connections."""

from collections.abc import Iterator, Mapping
from typing import overload

from common.contracts.words import Platform
from platforms.calls import Gate, open_gate
from platforms.http import Http, Timeouts
from platforms.plugs import dzen, rutube, telegram, vk
from platforms.port import Adapter
from platforms.rutube.connect import Fingerprint
from platforms.settings import OAuthApps, PlatformUrls


class Adapters(Mapping[Platform, Adapter]):
    """The adapters by platform; close it when the process ends."""

    def __init__(self, plugged: Mapping[Platform, Adapter], pools: tuple[Http, ...]) -> None:
        self._plugged = dict(plugged)
        self._pools = pools

    def __getitem__(self, platform: Platform) -> Adapter:
        """The adapter of a platform. Raises KeyError when it is switched off."""
        return self._plugged[platform]

    def __iter__(self) -> Iterator[Platform]:
        return iter(self._plugged)

    def __len__(self) -> int:
        return len(self._plugged)

    async def aclose(self) -> None:
        """Close every connection to every platform."""
        for pool in self._pools:
            await pool.aclose()


@overload
def adapters(
    urls: PlatformUrls, *, gate: Gate = ..., timeouts: Timeouts | None = ...
) -> Adapters: ...


@overload
def adapters(
    urls: PlatformUrls,
    apps: OAuthApps,
    *,
    gate: Gate = ...,
    fingerprint: Fingerprint,
    timeouts: Timeouts | None = ...,
) -> Adapters: ...


def adapters(
    urls: PlatformUrls,
    apps: OAuthApps | None = None,
    *,
    gate: Gate = open_gate,
    fingerprint: Fingerprint | None = None,
    timeouts: Timeouts | None = None,
) -> Adapters:
    """Plug in every platform. `apps` and `fingerprint`, which names an account where its platform
    does not, are for the one service that connects accounts; without them `oauth` and `pasted`
    are None. Дзен is there only when its address is set."""
    pools = {platform: Http(timeouts) for platform in Platform}
    plugged = {
        Platform.VK: vk(pools[Platform.VK], urls, apps, gate),
        Platform.RUTUBE: rutube(pools[Platform.RUTUBE], urls, gate, fingerprint),
        Platform.TELEGRAM: telegram(
            pools[Platform.TELEGRAM], urls, gate, connecting=fingerprint is not None
        ),
    }
    if urls.dzen_api_url is not None:
        plugged[Platform.DZEN] = dzen(pools[Platform.DZEN], urls, urls.dzen_api_url, apps, gate)
    return Adapters(plugged, tuple(pools.values()))
