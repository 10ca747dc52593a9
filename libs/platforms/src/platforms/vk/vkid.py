"""VK ID, OAuth 2.1: PKCE always, rotating refresh tokens bound to a device (oauth.md §1)."""

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from platforms.answers import Answer, part, text
from platforms.errors import AccessRevoked, OutcomeUnknown, ScopeMissing, Unavailable
from platforms.http import TOKEN_CAP, Http, Request
from platforms.oauth import Tokens, read_tokens, refusal, require_text
from platforms.port import Account, Consent, Grant

SCOPES = ("vkid.personal_info", "video", "wall")
NEEDED = "video"


class VkId:
    """Connecting by id.vk.com."""

    def __init__(self, http: Http, *, base: str, client_id: str) -> None:
        self._http = http
        self._base = base
        self._client_id = client_id

    def authorize_url(
        self, *, state: str, challenge: str, redirect_uri: str, device_id: str
    ) -> str:
        """The consent page. VK ID gives the device id itself, at the callback."""
        del device_id
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "scope": " ".join(SCOPES),
        }
        return f"{self._base}/authorize?{urlencode(query)}"

    async def exchange(self, consent: Consent) -> Grant:
        """Code → tokens; what was really granted is told in `scope`."""
        tokens = await self._tokens(
            {
                "grant_type": "authorization_code",
                "code": consent.code.get_secret_value(),
                "code_verifier": consent.verifier.get_secret_value(),
                "device_id": consent.device_id,
                "redirect_uri": consent.redirect_uri,
            },
            state=consent.state,
            write=True,
        )
        granted = tokens.scope if tokens.scope is not None else SCOPES
        if NEEDED not in granted:
            raise ScopeMissing(note=f"granted: {' '.join(granted)}")
        user_id = text(tokens.body.get("user_id"))
        if tokens.refresh is None or user_id is None:
            raise OutcomeUnknown(note="no refresh_token or user_id")
        return _grant(tokens, granted, {"device_id": consent.device_id, "user_id": user_id})

    async def identify(self, grant: Grant) -> Account:
        """`user_info`: here the user id is a string, and it must be the token's."""
        answer = await self._post("/oauth2/user_info", self._with(grant), write=False)
        if error := refusal(answer):
            raise error
        user = part(answer.object(), "user")
        user_id = require_text(answer, user, "user_id")
        if grant.extras.get("user_id", user_id) != user_id:
            raise answer.unclear("another user")
        name = " ".join(filter(None, (text(user.get("first_name")), text(user.get("last_name")))))
        return Account(
            user_id, name or user_id, text(user.get("avatar")), f"https://vk.com/id{user_id}"
        )

    async def refresh(self, grant: Grant) -> Grant:
        """Trade the refresh token. Without an answer the same token is tried again, as VK's own
        clients do: whether it was rotated can't be known, `invalid_grant` will tell."""
        if grant.refresh_token is None:
            raise AccessRevoked(note="no refresh_token")
        tokens = await self._tokens(
            {
                "grant_type": "refresh_token",
                "refresh_token": grant.refresh_token.get_secret_value(),
                "device_id": grant.extras.get("device_id", ""),
            },
            state=secrets.token_urlsafe(32),
            write=False,
        )
        if text(tokens.body.get("user_id")) not in {None, grant.extras.get("user_id")}:
            raise Unavailable(note="another user")
        granted = tokens.scope if tokens.scope is not None else grant.granted
        return _grant(tokens, granted, grant.extras)

    async def revoke(self, grant: Grant) -> None:
        """Withdraw all rights given to the application; needs a living access token."""
        answer = await self._post("/oauth2/revoke", self._with(grant), write=False)
        if error := refusal(answer):
            raise error

    async def _tokens(self, form: Mapping[str, str], *, state: str, write: bool) -> Tokens:
        body = {**form, "client_id": self._client_id, "state": state}
        answer = await self._post("/oauth2/auth", body, write=write)
        tokens = read_tokens(answer)
        if tokens.body.get("state") != state:
            raise answer.unclear("state differs")
        return tokens

    async def _post(self, path: str, form: Mapping[str, str], *, write: bool) -> Answer:
        return await self._http.send(
            Request(
                "POST", f"{self._base}{path}", template=path, write=write, form=form, cap=TOKEN_CAP
            )
        )

    def _with(self, grant: Grant) -> dict[str, str]:
        return {
            "client_id": self._client_id,
            "access_token": grant.access_token.get_secret_value(),
        }


def _grant(tokens: Tokens, granted: tuple[str, ...], extras: Mapping[str, str]) -> Grant:
    return Grant(tokens.access, tokens.refresh, tokens.expires_in, granted, extras)
