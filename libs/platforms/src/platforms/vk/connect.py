"""Checking a VK token, and choosing how accounts of VK are connected."""

from pydantic import SecretStr

from platforms.http import Http
from platforms.port import OAuth
from platforms.settings import OAuthApps, PlatformUrls
from platforms.vk.client import VkClient
from platforms.vk.legacy import VkLegacy
from platforms.vk.vkid import VkId


class VkChecker:
    """Asks VK whether a token is still good."""

    def __init__(self, client: VkClient) -> None:
        self._client = client

    async def check(self, token: SecretStr, account_id: str) -> None:
        """`users.get`: error 5 when the token is dead."""
        del account_id
        await self._client.user(token)


def oauth(http: Http, client: VkClient, urls: PlatformUrls, apps: OAuthApps) -> OAuth:
    """The flow of `VK_OAUTH_FLOW`: VK ID, or the obsolete one for an app that already has it."""
    if apps.vk_oauth_flow == "legacy":
        return VkLegacy(
            http,
            client,
            base=urls.vk_oauth_url,
            client_id=apps.vk_publish_client_id,
            client_secret=apps.vk_publish_client_secret,
        )
    return VkId(http, base=urls.vk_id_url, client_id=apps.vk_publish_client_id)
