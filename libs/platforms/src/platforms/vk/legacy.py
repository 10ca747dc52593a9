"""VK's former OAuth, for an application that already holds the right `video` (oauth.md §2)."""

from urllib.parse import urlencode

from pydantic import SecretStr

from platforms.answers import text
from platforms.errors import AccessRevoked, ScopeMissing, Unavailable
from platforms.http import TOKEN_CAP, Http, Request
from platforms.oauth import read_tokens, require_text
from platforms.port import Account, Consent, Grant
from platforms.vk.client import VERSION, VIDEO_RIGHT, VkClient

SCOPES = ("video", "wall", "offline")


class VkLegacy:
    """Connecting by oauth.vk.com: a client secret, no PKCE, no refresh, no revoking."""

    def __init__(
        self, http: Http, client: VkClient, *, base: str, client_id: str, client_secret: SecretStr
    ) -> None:
        self._http = http
        self._client = client
        self._base = base
        self._client_id = client_id
        self._client_secret = client_secret

    def authorize_url(
        self, *, state: str, challenge: str, redirect_uri: str, device_id: str
    ) -> str:
        """The consent page; it knows neither challenges nor devices."""
        del challenge, device_id
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": ",".join(SCOPES),
            "state": state,
            "display": "page",
            "v": VERSION,
        }
        return f"{self._base}/authorize?{urlencode(query)}"

    async def exchange(self, consent: Consent) -> Grant:
        """Code → token; the rights are asked for afterwards, the answer does not tell them."""
        answer = await self._http.send(
            Request(
                "POST",
                f"{self._base}/access_token",
                template="/access_token",
                write=True,
                form={
                    "client_id": self._client_id,
                    "client_secret": self._client_secret.get_secret_value(),
                    "redirect_uri": consent.redirect_uri,
                    "code": consent.code.get_secret_value(),
                },
                cap=TOKEN_CAP,
            )
        )
        tokens = read_tokens(answer, typed=False)
        user_id = require_text(answer, tokens.body, "user_id")
        if not await self._client.rights(tokens.access) & VIDEO_RIGHT:
            raise ScopeMissing
        extras = {"user_id": user_id}
        return Grant(tokens.access, expires_in=tokens.expires_in, granted=SCOPES, extras=extras)

    async def identify(self, grant: Grant) -> Account:
        """`users.get`, which must tell the token's own user."""
        user = await self._client.user(grant.access_token)
        user_id = text(user.get("id"))
        if user_id is None or grant.extras.get("user_id", user_id) != user_id:
            raise Unavailable(note="users.get: another user, or none")
        name = " ".join(filter(None, (text(user.get("first_name")), text(user.get("last_name")))))
        return Account(
            user_id, name or user_id, text(user.get("photo_200")), f"https://vk.com/id{user_id}"
        )

    async def refresh(self, grant: Grant) -> Grant:
        """There is no refresh token: a dead token needs the owner."""
        del grant
        raise AccessRevoked(note="no refresh in the legacy flow")

    async def revoke(self, grant: Grant) -> None:
        """There is no such call; the owner removes the application in VK's settings."""
        del grant
