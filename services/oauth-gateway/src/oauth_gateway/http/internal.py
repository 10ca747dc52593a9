"""Routes for our own services. Each may call only what it needs (security.md V6)."""

from collections.abc import Callable, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from common.auth.callers import Unauthorized
from common.contracts.words import Platform
from common.http.callers import ServiceDep
from oauth_gateway.app.check_credential import check_credential
from oauth_gateway.app.finish_flow import finish_flow
from oauth_gateway.app.lease_access_token import lease_access_token
from oauth_gateway.app.ports import Flows, Ports
from oauth_gateway.app.start_flow import StartFlow, start_flow
from oauth_gateway.app.store_pasted import StorePasted, store_pasted
from oauth_gateway.domain.returning import Returning
from oauth_gateway.http.refusing import FINISHING, PASTING, refusing
from oauth_gateway.http.schemas import (
    CheckedBody,
    FinishBody,
    LeaseBody,
    LeasedBody,
    LinkedBody,
    PastedBody,
    StartBody,
    StartedBody,
)

Finish = Annotated[str, Path(max_length=100)]


def only(*callers: str) -> Callable[[str], None]:
    """A dependency that lets these services in; to others the call is as good as unsigned."""

    def check(caller: ServiceDep) -> None:
        if caller not in callers:
            raise Unauthorized

    return check


LINKS = [Depends(only("connections"))]
CALLS_PLATFORMS = [Depends(only("publisher", "stats-collector"))]


def internal_router(
    ports: Ports, flows: Flows, returning: Returning, redirect_uris: Mapping[Platform, str]
) -> APIRouter:
    """Everything under /internal/v1."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])

    @router.post("/flows", dependencies=LINKS)
    async def start(body: StartBody) -> StartedBody:
        """Start connecting by OAuth."""
        command = StartFlow(body.platform, body.user_id, body.connection_id, body.return_to)
        with refusing():
            started = await start_flow(command, ports, flows, returning, redirect_uris)
        return StartedBody(authorize_url=started.authorize_url, expires_at=started.expires_at)

    @router.post("/flows/{finish}/finish", dependencies=LINKS)
    async def finish(finish: Finish, body: FinishBody) -> LinkedBody:
        """Trade the code that waits under a finish id."""
        with refusing(FINISHING):
            return LinkedBody.of(await finish_flow(finish, body.user_id, ports, flows))

    @router.put("/credentials/{connection_id}", dependencies=LINKS)
    async def store(connection_id: UUID, body: PastedBody) -> LinkedBody:
        """Verify and keep a pasted token."""
        command = StorePasted(connection_id, body.platform, body.user_id, body.token, body.channel)
        with refusing(PASTING):
            return LinkedBody.of(await store_pasted(command, ports))

    @router.post("/credentials/{connection_id}/check", dependencies=LINKS)
    async def check(connection_id: UUID, caller: ServiceDep) -> CheckedBody:
        """Ask the platform whether it still accepts us."""
        with refusing():
            return CheckedBody.of(await check_credential(connection_id, ports.by(caller)))

    @router.post("/credentials/{connection_id}/access-token", dependencies=CALLS_PLATFORMS)
    async def lease(connection_id: UUID, body: LeaseBody, caller: ServiceDep) -> LeasedBody:
        """Hand out an access token."""
        with refusing():
            return LeasedBody.of(
                await lease_access_token(connection_id, body.refused_version, ports.by(caller))
            )

    return router
