"""The Rutube account that exists from the start, and those that tests ask for."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sandbox.rutube_memory import restore
from sandbox.rutube_state import RutubeState
from sandbox.world import World

DEMO_TOKEN = "c11bca57c11bca57c11bca57c11bca57c11bca57"
DEMO_USER = "clipcast@example.com"
DEMO_PASSWORD = "sandbox-rutube-password"
LOGGED = "rutube_account"


class RutubeAccount(BaseModel):
    """Overrides of `POST /_accounts`. A token of before changes that account."""

    model_config = ConfigDict(extra="forbid")
    username: str | None = None
    password: str | None = None
    token: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    revoked: bool = False


def install_accounts(world: World, state: RutubeState) -> None:
    """The demo fixture, then what an earlier process of the same ledger file had."""
    state.add_account(username=DEMO_USER, password=DEMO_PASSWORD, token=DEMO_TOKEN)
    for event in world.log.replay(LOGGED):
        _apply(state, RutubeAccount.model_validate(event["order"]))
    restore(world.log, state)


def make_account(world: World, state: RutubeState, order: RutubeAccount) -> dict[str, Any]:
    """`{id, username, password, token}`."""
    shown = _apply(state, order)
    fixed = order.model_copy(update={n: shown[n] for n in ("username", "password", "token")})
    world.log.append(LOGGED, {"order": fixed.model_dump()})
    return shown


def _apply(state: RutubeState, order: RutubeAccount) -> dict[str, Any]:
    account = state.accounts.get(order.token or "") or state.add_account(
        username=order.username, password=order.password, token=order.token
    )
    account.revoked = order.revoked
    return {
        "platform": "rutube",
        "account": str(account.id),
        "id": account.id,
        "username": account.username,
        "password": account.password,
        "token": account.token,
    }
