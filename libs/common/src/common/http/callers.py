"""The dependency that turns a bearer token into a Caller."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from common.auth.callers import Caller, Unauthorized, Verifier
from common.auth.services import Forbidden, verify
from common.http.problems import Problem

bearer = HTTPBearer(auto_error=False, description="A JWT of the host product")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]


async def caller(request: Request, credentials: Credentials) -> Caller:
    """Who asks; 401 when that can't be proved."""
    verifier: Verifier = request.app.state.verifier
    if credentials is None:
        raise Unauthorized
    return await verifier.verify(credentials.credentials)


async def service(request: Request, credentials: Credentials) -> str:
    """Which of our services asks; 401 when that can't be proved."""
    if credentials is None:
        raise Unauthorized
    try:
        return verify(
            credentials.credentials, request.app.state.service, request.app.state.service_secrets
        )
    except Forbidden:
        raise Unauthorized from None


async def operator(who: Annotated[Caller, Depends(caller)]) -> Caller:
    """An operator; to everybody else the endpoint does not exist."""
    if not who.operator:
        raise Problem(404, "not_found")
    return who


CallerDep = Annotated[Caller, Depends(caller)]
ServiceDep = Annotated[str, Depends(service)]
OperatorDep = Annotated[Caller, Depends(operator)]
