"""Connecting Дзен by Yandex OAuth (platforms/oauth.md §3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import SecretStr

from platforms.answers import Answer, text
from platforms.credentials import Header, basic
from platforms.dzen.client import DzenClient
from platforms.errors import AccessRevoked, ScopeMissing
from platforms.http import TOKEN_CAP, Http, Request
from platforms.oauth import read_tokens, refusal, require_text
from platforms.port import Account, Consent, Grant

AVATAR = "https://avatars.yandex.net/get-yapic/{}/islands-200"


@dataclass(frozen=True, slots=True)
class YandexApp:
    """Our application at Yandex and where Yandex is."""

    oauth_url: str
    login_url: str
    client_id: str
    client_secret: SecretStr
    scopes: tuple[str, ...]


class DzenChecker:
    """Asks Дзен whether a token is still good."""

    def __init__(self, client: DzenClient) -> None:
        self._client = client

    async def check(self, token: SecretStr, account_id: str) -> None:
        """Reads the own channel."""
        await self._client.me(token, account_id)


class Yandex:
    """Connecting by oauth.yandex.ru. The device id is ours and stays the same: only tokens that
    belong to a device can be revoked."""

    def __init__(self, http: Http, client: DzenClient, app: YandexApp) -> None:
        self._http = http
        self._client = client
        self._app = app

    def authorize_url(
        self, *, state: str, challenge: str, redirect_uri: str, device_id: str
    ) -> str:
        """The consent page."""
        query = {
            "response_type": "code",
            "client_id": self._app.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._app.scopes),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "device_id": device_id,
            "device_name": "Clipcast",
        }
        return f"{self._app.oauth_url}/authorize?{urlencode(query)}"

    async def exchange(self, consent: Consent) -> Grant:
        """Code → tokens. `scope` is told only when less was granted than asked for."""
        form = {
            "grant_type": "authorization_code",
            "code": consent.code.get_secret_value(),
            "code_verifier": consent.verifier.get_secret_value(),
            "device_id": consent.device_id,
            "redirect_uri": consent.redirect_uri,
        }
        answer = await self._post("/token", form, write=True)
        tokens = read_tokens(answer)
        granted = tokens.scope if tokens.scope is not None else self._app.scopes
        if not set(self._app.scopes) <= set(granted):
            raise ScopeMissing(note=f"granted: {' '.join(granted)}")
        if tokens.refresh is None:
            raise answer.unclear("no refresh_token")
        extras = {"device_id": consent.device_id}
        return Grant(tokens.access, tokens.refresh, tokens.expires_in, granted, extras)

    async def identify(self, grant: Grant) -> Account:
        """The Yandex id, and the channel's name: no channel, no right to publish."""
        answer = await self._http.send(
            Request(
                "GET",
                f"{self._app.login_url}/info",
                template="/info",
                params={"format": "json"},
                credential=Header("OAuth", grant.access_token),
                cap=TOKEN_CAP,
            )
        )
        if error := refusal(answer):
            raise error
        info = answer.object()
        channel = await self._client.me(grant.access_token)
        names = (channel.get("name"), info.get("display_name"), info.get("login"))
        account_id = require_text(answer, info, "id")
        avatar = text(info.get("default_avatar_id"))
        return Account(
            account_id,
            next(filter(None, map(text, names)), account_id),
            AVATAR.format(avatar) if avatar and not info.get("is_avatar_empty") else None,
            text(channel.get("url")),
        )

    async def refresh(self, grant: Grant) -> Grant:
        """Trade the refresh token; the access token may stay the same while much life is left."""
        if grant.refresh_token is None:
            raise AccessRevoked(note="no refresh_token")
        form = {
            "grant_type": "refresh_token",
            "refresh_token": grant.refresh_token.get_secret_value(),
        }
        tokens = read_tokens(await self._post("/token", form, write=False))
        granted = tokens.scope if tokens.scope is not None else grant.granted
        return Grant(tokens.access, tokens.refresh, tokens.expires_in, granted, grant.extras)

    async def revoke(self, grant: Grant) -> None:
        """Works for tokens that were issued for a device."""
        form = {"access_token": grant.access_token.get_secret_value()}
        if error := refusal(await self._post("/revoke_token", form, write=False)):
            raise error

    async def _post(self, path: str, form: Mapping[str, str], *, write: bool) -> Answer:
        return await self._http.send(
            Request(
                "POST",
                f"{self._app.oauth_url}{path}",
                template=path,
                write=write,
                form=form,
                credential=basic(self._app.client_id, self._app.client_secret),
                cap=TOKEN_CAP,
            )
        )
