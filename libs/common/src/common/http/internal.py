"""How one service asks another: httpx with a one-minute token, limits, and no secrets in errors."""

from typing import Any

import httpx

from common.auth.services import sign
from common.observe import trace


class ServiceUnavailable(Exception):
    """The other service did not answer in time or failed; asking again later may help."""


class InternalClient:
    """Calls one service. Answers are (status, JSON); 5xx and silence raise."""

    def __init__(self, base_url: str, *, caller: str, callee: str, secret: str) -> None:
        self._caller, self._callee, self._secret = caller, callee, secret
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(30, connect=3),
            follow_redirects=False,
            trust_env=False,
        )

    async def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        language: str = "ru",
    ) -> tuple[int, dict[str, Any]]:
        """`language` is that of the person whom a refusal's `detail` is shown to.

        Raises ServiceUnavailable.
        """
        headers = {
            "Authorization": f"Bearer {sign(self._caller, self._callee, self._secret)}",
            "traceparent": trace.current().traceparent,
            "x-correlation-id": trace.current().correlation_id,
            "accept-language": language,
        }
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
            found = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise ServiceUnavailable(f"{self._callee}: {type(error).__name__}") from None
        if answer.status_code >= 500 and found.get("code") != "platform_unavailable":
            raise ServiceUnavailable(f"{self._callee}: {answer.status_code}")
        return answer.status_code, found

    async def aclose(self) -> None:
        """Close the pool."""
        await self._client.aclose()
