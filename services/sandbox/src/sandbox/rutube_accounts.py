"""The Rutube account that exists from the start, and those that tests ask for."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sandbox.ledger import Post
from sandbox.rutube_state import RutubeState, Video
from sandbox.world import World

DEMO_TOKEN = "c11bca57c11bca57c11bca57c11bca57c11bca57"
DEMO_USER = "clipcast@example.com"
DEMO_PASSWORD = "sandbox-rutube-password"
LOGGED = "rutube_account"
_VIDEO = TypeAdapter(Video)


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
    for post in world.ledger.posts("rutube"):
        _restore(state, post)


def make_account(world: World, state: RutubeState, order: RutubeAccount) -> dict[str, Any]:
    """`{id, username, password, token}`."""
    shown = _apply(state, order)
    fixed = order.model_copy(update={n: shown[n] for n in ("username", "password", "token")})
    world.log.append(LOGGED, {"order": fixed.model_dump()})
    return shown


def details_of(video: Video) -> dict[str, Any]:
    """What a restarted sandbox needs of a video."""
    kept: dict[str, Any] = _VIDEO.dump_python(video, mode="json")
    return kept


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


def _restore(state: RutubeState, post: Post) -> None:
    video = _VIDEO.validate_python(post.details)
    author = state.accounts.get(video.author.token)
    if author is None:
        return
    video.author = author
    state.last_track = max(state.last_track, video.track_id)
    if post.sha256 is None:
        video.failure = "download_error"  # a restart ends what was under way
    else:
        video.published_from = video.created
    if post.deleted_at is None:
        state.videos[video.id] = video
