"""The real oauth-gateway beside the sandbox: what its callers and people's browsers do with it."""

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from common.auth.services import sign
from conformance.sandbox_process import Sandbox
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.wiring import NAME, Parts, build, create_gateway

CALLERS = {name: secrets.token_hex(32) for name in ("connections", "publisher", "stats-collector")}
CALLBACK = "http://127.0.0.1:8002/api/oauth"
FRONTEND = "https://app.example.org"


def environment(sandbox: str, *, database: str, rabbitmq: str, redis: str) -> dict[str, str]:
    """What its processes need to work with this sandbox."""
    return {
        "DATABASE_URL": database,
        "RABBITMQ_URL": rabbitmq,
        "REDIS_URL": redis,
        "SERVICE_TOKENS": ",".join(f"{name}={secret}" for name, secret in CALLERS.items()),
        "PLATFORM_TOKEN_SECRET": secrets.token_hex(32),
        "FRONTEND_URL": FRONTEND,
        "RETURN_TO": "default=/connections,wizard=/welcome/accounts",
        "VK_PUBLISH_CLIENT_ID": "51000001",
        "VK_PUBLISH_CLIENT_SECRET": "sandbox-vk-secret",
        "VK_PUBLISH_REDIRECT_URI": f"{CALLBACK}/vk/callback",
        "YANDEX_CLIENT_ID": "5a5a0000000000000000000000000001",
        "YANDEX_CLIENT_SECRET": "sandbox-yandex-secret",
        "YANDEX_REDIRECT_URI": f"{CALLBACK}/dzen/callback",
        "VK_API_URL": f"{sandbox}/vk",
        "VK_ID_URL": f"{sandbox}/vkid",
        "VK_OAUTH_URL": f"{sandbox}/vk-oauth",
        "RUTUBE_URL": f"{sandbox}/rutube",
        "YANDEX_OAUTH_URL": f"{sandbox}/yandex-oauth",
        "YANDEX_LOGIN_URL": f"{sandbox}/yandex-login",
        "DZEN_API_URL": f"{sandbox}/dzen",
        "TELEGRAM_API_URL": f"{sandbox}/telegram",
        **{f"PACE_{name}": "50" for name in ("VK", "RUTUBE", "DZEN", "TELEGRAM")},
        **{f"ACCOUNT_PACE_{name}": "50" for name in ("VK", "RUTUBE", "DZEN", "TELEGRAM")},
    }


@dataclass(frozen=True, slots=True)
class RealGateway:
    """One replica of the http process, called in process; everything below it is real."""

    parts: Parts
    client: httpx.AsyncClient
    sandbox: Sandbox

    async def call(
        self, method: str, path: str, body: Any = None, *, caller: str = "connections"
    ) -> httpx.Response:
        """One signed internal call."""
        proof = sign(caller, NAME, CALLERS[caller])
        return await self.client.request(
            method, f"/internal/v1{path}", json=body, headers={"Authorization": f"Bearer {proof}"}
        )

    async def start(self, user: str, platform: str = "vk", **more: Any) -> str:
        """Start a flow; the platform's address."""
        body = {"platform": platform, "user_id": user, **more}
        answer = await self.call("POST", "/flows", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["authorize_url"])

    async def agree(self, authorize_url: str) -> dict[str, str]:
        """Be the person at the consent page; what the redirect back to us carries."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(authorize_url)
        assert answer.status_code == 302, answer.text
        location = urlsplit(answer.headers["location"])
        assert f"{location.scheme}://{location.netloc}{location.path}".startswith(CALLBACK)
        return dict(parse_qsl(location.query))

    async def land(self, query: dict[str, str], platform: str = "vk") -> httpx.Response:
        """The browser follows the platform's redirect."""
        return await self.client.get(f"/api/oauth/{platform}/callback", params=query)

    async def come_back(self, query: dict[str, str], platform: str = "vk") -> dict[str, str]:
        """The same; what the frontend is told."""
        answer = await self.land(query, platform)
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def consent(self, user: str, platform: str = "vk", **more: Any) -> str:
        """Everything up to the finish id."""
        query = await self.agree(await self.start(user, platform, **more))
        return (await self.come_back(query, platform))["finish"]

    async def finish(self, finish: str, user: str) -> httpx.Response:
        """Trade a finish id."""
        return await self.call("POST", f"/flows/{finish}/finish", {"user_id": user})

    async def connect(self, user: str, platform: str = "vk", **more: Any) -> dict[str, Any]:
        """A whole flow; what is connected then."""
        answer = await self.finish(await self.consent(user, platform, **more), user)
        assert answer.status_code == 200, answer.text
        linked: dict[str, Any] = answer.json()
        return linked

    async def lease(self, connection_id: str, refused_version: int | None = None) -> httpx.Response:
        """Ask for an access token as a publisher does."""
        path = f"/credentials/{connection_id}/access-token"
        body = {} if refused_version is None else {"refused_version": refused_version}
        return await self.call("POST", path, body, caller="publisher")

    async def check(self, connection_id: str) -> dict[str, Any]:
        """Ask whether the platform still accepts us."""
        answer = await self.call("POST", f"/credentials/{connection_id}/check")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def seen(self, platform: str, step: str) -> int:
        """How often the platform was asked for this."""
        steps = [(one["platform"], one["step"]) for one in self.sandbox.journal()]
        return steps.count((platform, step))


def replica(settings: dict[str, str], sandbox: Sandbox) -> RealGateway:
    """One more http process, in this one; its caller closes parts and client."""
    read = GatewaySettings.model_validate({name.lower(): one for name, one in settings.items()})
    parts = build(read)
    transport = httpx.ASGITransport(app=create_gateway(read, parts))
    return RealGateway(
        parts, httpx.AsyncClient(transport=transport, base_url="http://gateway"), sandbox
    )
