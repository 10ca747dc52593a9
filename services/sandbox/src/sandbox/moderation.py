"""What a platform does by itself to a post that people may have seen already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    platform: str
    post_id: str


class Process(_Order):
    """Processed again for so long (re-encoding, a second moderation); nothing is counted."""

    do: Literal["process"]
    seconds: Annotated[float, Field(gt=0)]


class Purge(_Order):
    """So many views were bots': taken away, as far as there are any; the rest goes on growing."""

    do: Literal["purge"]
    views: Annotated[int, Field(ge=1)]


class Hide(_Order):
    """Not for everybody from now on, whether its owner or the platform wants it so; it still is
    its owner's, and what it is besides (processed, blocked) it stays."""

    do: Literal["hide"]


class Verdict(_Order):
    """Ends any processing: the post is deleted, blocked, or as it was."""

    do: Literal["delete", "block", "restore"]


Order = Process | Purge | Hide | Verdict
AnyOrder = Annotated[Order, Field(discriminator="do")]
Moderator = Callable[[Order], bool]
"""Carries an order out; False when the platform has no such post with a file. What is deleted
can only be restored."""
