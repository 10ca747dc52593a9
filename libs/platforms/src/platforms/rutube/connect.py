"""Connecting Rutube by a token: there is no OAuth (platforms/rutube.md §1)."""

from collections.abc import Callable

from pydantic import SecretStr

from platforms.answers import part, text
from platforms.errors import ContentRefused, NoRight, TokenExpired
from platforms.port import Account, Grant
from platforms.rutube.client import RutubeClient

Fingerprint = Callable[[SecretStr], str]


class RutubeChecker:
    """Asks Rutube whether a token is still good."""

    def __init__(self, client: RutubeClient) -> None:
        self._client = client

    async def check(self, token: SecretStr, account_id: str) -> None:
        """Reads own videos; 401 when the token is dead."""
        await self._client.own(token, account_id, limit=1)


class RutubeConnect:
    """Proves a token by reading own videos."""

    def __init__(self, client: RutubeClient, fingerprint: Fingerprint) -> None:
        self._client = client
        self._fingerprint = fingerprint

    async def verify(self, token: SecretStr, *, channel: str | None) -> tuple[Account, Grant]:
        """Whose token it is. Where Rutube does not tell, a fingerprint of the token stands in:
        not where it could not be asked, or one token would make two accounts."""
        del channel
        value = token.get_secret_value()
        if not value or not all("!" <= sign <= "~" for sign in value):
            raise TokenExpired(note="no token")
        videos, _ = await self._client.own(token, None, limit=1)
        author = part(videos[0], "author") if videos else {}
        try:
            profile = await self._client.profile(token)
        except (NoRight, ContentRefused):  # 403, 404: there is no such call for this token
            profile = {}
        account_id = text(profile.get("id")) or text(author.get("id"))
        if account_id is None:
            return Account(self._fingerprint(token), "Rutube"), Grant(token)
        account = Account(
            account_id,
            text(profile.get("name")) or text(author.get("name")) or account_id,
            text(profile.get("avatar_url")) or text(author.get("avatar_url")),
            f"https://rutube.ru/video/person/{account_id}/",
        )
        return account, Grant(token)
