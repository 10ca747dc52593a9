"""How one service asks another: httpx with a one-minute token, limits, and no secrets in errors."""

from typing import Any

import httpx

from common.auth.services import sign
from common.observe import trace
from common.observe.calling import calling

LONGEST_WORD = 16
"""Signs of a part of an internal address that is no id."""


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
        with calling(method, f"{self._client.base_url}", _template(path)) as call:
            status, found = await self._ask(method, path, body, language)
            call.answered(status)
        if status >= 500 and found.get("code") != "platform_unavailable":
            raise ServiceUnavailable(f"{self._callee}: {status}")
        return status, found

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, language: str
    ) -> tuple[int, dict[str, Any]]:
        here = trace.current()
        headers = {
            "Authorization": f"Bearer {sign(self._caller, self._callee, self._secret)}",
            "traceparent": here.traceparent,
            "x-correlation-id": here.correlation_id,
            "accept-language": language,
        }
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
            found = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise ServiceUnavailable(f"{self._callee}: {type(error).__name__}") from None
        return answer.status_code, found

    async def aclose(self) -> None:
        """Close the pool."""
        await self._client.aclose()


def _template(path: str) -> str:
    """Ids are long; one that lets somebody finish a connection is among them."""
    return "/".join("{id}" if len(part) > LONGEST_WORD else part for part in path.split("/"))
