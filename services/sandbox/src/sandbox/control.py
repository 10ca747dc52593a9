"""The control plane: what tests and demos read and order. No platform has these paths."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.consent import Mode
from sandbox.faults import UnknownFaultError
from sandbox.moderation import AnyOrder
from sandbox.world import World


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultOrder(_Body):
    """The next `times` calls of `step` fail as `kind` says."""

    platform: str
    step: str
    kind: str
    times: Annotated[int, Field(ge=1)] = 1
    seconds: Annotated[float, Field(gt=0)] | None = None


class ClockMove(_Body):
    """Only forward."""

    advance_seconds: Annotated[float, Field(ge=0)]


class ExpiryOrder(_Body):
    """Whose access tokens die of age now; refresh tokens and everybody else's live on."""

    platform: str
    account: str


class ConsentOrder(_Body):
    """What the person at the consent page does from now on."""

    mode: Mode
    scopes: list[str] | None = None
    without: list[str] = []
    account: str | None = None


class AccountOrder(BaseModel):
    """Everything but `platform` are that platform's overrides."""

    model_config = ConfigDict(extra="allow")
    platform: str


def router(world: World) -> APIRouter:
    """Everything under `/_…`, and `/healthz`."""
    routes = APIRouter()
    _reading(routes, world)
    _faults(routes, world)
    _ordering(routes, world)
    _accounts(routes, world)
    _consent(routes, world)
    return routes


def _reading(routes: APIRouter, world: World) -> None:
    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/_ledger")
    async def ledger(platform: str | None = None) -> list[dict[str, Any]]:
        return [asdict(post) for post in world.ledger.posts(platform)]

    @routes.get("/_journal")
    async def journal(
        platform: str | None = None, step: str | None = None, after: int = 0
    ) -> list[dict[str, Any]]:
        return [entry.shown() for entry in world.journal.entries(platform, step, after)]

    @routes.get("/_switches")
    async def switches() -> dict[str, Any]:
        return world.switches.shown()


def _faults(routes: APIRouter, world: World) -> None:
    @routes.get("/_faults")
    async def faults() -> dict[str, Any]:
        return world.faults.shown()

    @routes.post("/_faults", status_code=201)
    async def order(body: FaultOrder) -> dict[str, Any]:
        try:
            return asdict(
                world.faults.order(body.platform, body.step, body.kind, body.times, body.seconds)
            )
        except UnknownFaultError as error:
            raise HTTPException(422, str(error)) from error

    @routes.delete("/_faults", status_code=204)
    async def withdraw() -> None:
        world.faults.clear()


def _ordering(routes: APIRouter, world: World) -> None:
    @routes.post("/_clock")
    async def clock(body: ClockMove) -> dict[str, str]:
        world.clock.advance(body.advance_seconds)
        return {"now": world.clock.stamp()}

    @routes.post("/_switches")
    async def switch(body: dict[str, bool]) -> dict[str, Any]:
        try:
            world.switches.set(body)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return world.switches.shown()

    @routes.post("/_posts", status_code=204)
    async def moderate(body: AnyOrder) -> None:
        if body.platform not in world.moderators:
            raise HTTPException(422, f"platforms that change posts: {sorted(world.moderators)}")
        if not world.moderate(body):
            raise HTTPException(404, "no such post, or it has no file yet")

    @routes.delete("/_state", status_code=204)
    async def reset() -> None:
        world.reset()


def _accounts(routes: APIRouter, world: World) -> None:
    @routes.post("/_accounts", status_code=201)
    async def account(body: AccountOrder) -> dict[str, Any]:
        maker = world.accounts.get(body.platform)
        if maker is None:
            raise HTTPException(422, f"platforms with accounts: {sorted(world.accounts)}")
        try:
            overrides = maker.overrides.model_validate(body.model_extra or {})
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False)
            raise HTTPException(422, problems) from error
        return maker.make(overrides)

    @routes.post("/_tokens/expire")
    async def expire(body: ExpiryOrder) -> dict[str, int]:
        expiry = world.expiries.get(body.platform)
        if expiry is None:
            raise HTTPException(422, f"platforms whose tokens expire: {sorted(world.expiries)}")
        expired = expiry(body.account)
        if not expired:
            raise HTTPException(404, "no live access token of this account")
        return {"expired": expired}


def _consent(routes: APIRouter, world: World) -> None:
    @routes.post("/_consent")
    async def behave(body: ConsentOrder) -> dict[str, Any]:
        consents = world.consents
        consents.mode, consents.account = body.mode, body.account
        consents.scopes = None if body.scopes is None else frozenset(body.scopes)
        consents.without = frozenset(body.without)
        return body.model_dump()

    @routes.post("/_consent/{ticket}")
    async def decide(ticket: str, request: Request) -> Response:
        form = await request.form()
        decision, account = form.get("decision"), form.get("account")
        if decision not in ("allow", "deny") or not isinstance(account, str):
            return HTMLResponse("<p>Bad form.</p>", 400)
        scopes = [scope for scope in form.getlist("scope") if isinstance(scope, str)]
        return world.consents.decide(
            ticket, allowed=decision == "allow", account=account, scopes=scopes
        )
