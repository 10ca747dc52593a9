"""How one service asks another: a one-minute token, limits, and no secrets in errors."""

import json
from typing import Any

import aiohttp

from common.auth.services import sign
from common.observe import trace
from common.observe.calling import calling
from common.outbound import Broken, named, public_authorities, session

HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
TIMEOUT = aiohttp.ClientTimeout(connect=30, sock_connect=3, sock_read=30)
CONNECTIONS = 100

LONGEST_WORD = 16
"""Signs of a part of an internal address that is no id."""


class ServiceUnavailable(Exception):
    """The other service did not answer in time or failed; asking again later may help."""


class InternalClient:
    """Calls one service. Answers are (status, JSON); 5xx and silence raise."""

    def __init__(self, base_url: str, *, caller: str, callee: str, secret: str) -> None:
        self._caller, self._callee, self._secret = caller, callee, secret
        self._base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

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
        with calling(method, self._base_url, _template(path)) as call:
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
            status, answer = await self._exchange(method, path, body, headers)
            return status, json.loads(answer) if answer else {}
        except Broken as broken:
            raise ServiceUnavailable(f"{self._callee}: {broken}") from None
        except ValueError:
            raise ServiceUnavailable(f"{self._callee}: no JSON") from None

    async def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        if self._session is None:  # it wants a running loop
            self._session = session(HEADERS, TIMEOUT, public_authorities(), connections=CONNECTIONS)
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        with named():
            async with self._session.request(
                method,
                f"{self._base_url}{path}",
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                return answer.status, await answer.read()

    async def aclose(self) -> None:
        """Close the pool."""
        if self._session:
            await self._session.close()


def _template(path: str) -> str:
    """Ids are long; one that lets somebody finish a connection is among them."""
    return "/".join("{id}" if len(part) > LONGEST_WORD else part for part in path.split("/"))
