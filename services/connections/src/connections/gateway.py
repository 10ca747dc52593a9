"""Asks oauth-gateway over HTTP; what it refuses and what it leaves open are told apart here."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, SecretStr, ValidationError

from common.contracts.words import Platform
from common.http.internal import InternalClient, ServiceUnavailable
from connections.app.ports import CheckAnswer, CheckResult, Flow
from connections.app.refusals import GatewayRefused, GatewaySilent
from connections.domain.connection import Account, Link

M = TypeVar("M", bound=BaseModel)
REFUSALS = {
    "state_invalid": 403,
    "scope_missing": 403,
    "access_denied": 403,
    "account_mismatch": 409,
    "invalid_request": 422,
    "token_refused": 422,
    "no_right_to_post": 422,
    "human_needed": 422,
    "platform_unavailable": 503,
}
"""What the gateway may refuse with. Anything else, such as a 401, is a fault of ours."""


class _Account(BaseModel):
    id: str
    name: str
    avatar_url: str | None = None
    url: str | None = None


class _Linked(BaseModel):
    connection_id: UUID
    platform: Platform
    grant_number: int
    account: _Account
    granted: tuple[str, ...]
    expires_at: datetime | None = None

    def link(self) -> Link:
        return Link(
            connection_id=self.connection_id,
            platform=self.platform,
            grant_number=self.grant_number,
            account=Account(**self.account.model_dump()),
            granted=self.granted,
            expires_at=self.expires_at,
        )


class _Flow(BaseModel):
    authorize_url: str
    expires_at: datetime


class _Checked(BaseModel):
    result: CheckResult
    detail: str | None = None


class HttpGateway:
    """The port of app over the internal API."""

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    async def start_flow(
        self,
        platform: Platform,
        user_id: str,
        connection_id: UUID | None,
        return_to: str | None,
        language: str,
    ) -> Flow:
        """Begin a consent."""
        body: dict[str, Any] = {"platform": platform, "user_id": user_id}
        if connection_id is not None:
            body["connection_id"] = str(connection_id)
        if return_to is not None:
            body["return_to"] = return_to
        flow = _parsed(_Flow, await self._call("POST", "flows", body, language))
        return Flow(flow.authorize_url, flow.expires_at)

    async def finish_flow(self, finish: str, user_id: str, language: str) -> Link:
        """Trade what came back from the consent for tokens, once."""
        body = {"user_id": user_id}
        answer = await self._call("POST", f"flows/{finish}/finish", body, language, once=True)
        return _parsed(_Linked, answer).link()

    async def store_token(
        self,
        connection_id: UUID,
        platform: Platform,
        user_id: str,
        token: SecretStr,
        channel: str | None,
        language: str,
    ) -> Link:
        """Verify a pasted token and keep it."""
        body: dict[str, Any] = {
            "platform": platform,
            "user_id": user_id,
            "token": token.get_secret_value(),
        }
        if channel is not None:
            body["channel"] = channel
        answer = await self._call("PUT", f"credentials/{connection_id}", body, language)
        return _parsed(_Linked, answer).link()

    async def check(self, connection_id: UUID) -> CheckAnswer:
        """Ask the platform whether the token still works."""
        answer = await self._call("POST", f"credentials/{connection_id}/check", {})
        checked = _parsed(_Checked, answer)
        return CheckAnswer(checked.result, checked.detail)

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        language: str = "ru",
        *,
        once: bool = False,
    ) -> dict[str, Any]:
        """`once`: whatever is refused is used up by that."""
        try:
            status, answer = await self._client.call(
                method, f"/internal/v1/{path}", body, language=language
            )
        except ServiceUnavailable as error:
            raise GatewaySilent(str(error)) from None
        if status == 200:
            return answer
        code = str(answer.get("code"))
        if REFUSALS.get(code) == status:
            detail = str(answer.get("detail", ""))
            raise GatewayRefused(status, code, detail, again=status == 503 and not once)
        raise GatewaySilent(f"answered {status}")


def _parsed(model: type[M], answer: dict[str, Any]) -> M:
    try:
        return model.model_validate(answer)
    except ValidationError:
        raise GatewaySilent("answered something unreadable") from None
