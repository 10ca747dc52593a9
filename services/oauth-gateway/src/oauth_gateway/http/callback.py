"""Where platforms send browsers back to; the answer is always a redirect to the frontend."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from common.contracts.words import Platform
from oauth_gateway.app.ports import Flows
from oauth_gateway.app.take_callback import take_callback
from oauth_gateway.domain.callback import read
from oauth_gateway.domain.returning import Returning

HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def callback_router(flows: Flows, returning: Returning) -> APIRouter:
    """`GET /api/oauth/{platform}/callback`, the only route for people."""
    router = APIRouter(tags=["oauth"])

    @router.get("/api/oauth/{platform}/callback", status_code=303, response_class=RedirectResponse)
    async def callback(platform: Platform, request: Request) -> RedirectResponse:
        """Nothing is connected here; the frontend finishes with its user's own token."""
        said = read(request.query_params.multi_items())
        home = await take_callback(platform, said, flows, returning)
        return RedirectResponse(home, status_code=303, headers=HEADERS)

    return router
