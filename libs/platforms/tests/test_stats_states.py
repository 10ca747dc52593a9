"""What platforms say of a post's state, word by word, and what its numbers make of it."""

from typing import Any, cast

import pytest
from pydantic import SecretStr

from platforms.dzen.client import DzenClient
from platforms.dzen.stats import DzenStats
from platforms.errors import Unavailable
from platforms.port import Numbers, Stats
from platforms.rutube.client import RutubeClient
from platforms.rutube.stats import RutubeStats
from platforms.vk.client import VkClient
from platforms.vk.stats import VkStats

pytestmark = pytest.mark.anyio

AGAIN = Numbers(processing=True)
AGAIN_PRIVATE = Numbers(processing=True, private=True)
GONE = Numbers(gone=True)


class Told:
    """A client whose platform says this of the post; the other calls have nothing."""

    def __init__(self, said: dict[str, Any] | None) -> None:
        self._said = said
        self.votes_asked = 0

    async def video(self, *_: object) -> dict[str, Any] | None:
        return self._said

    async def videos(self, *_: object) -> list[dict[str, Any]]:
        return [] if self._said is None else [self._said]

    async def stats(self, *_: object) -> None:
        return None

    async def votes(self, *_: object) -> None:
        self.votes_asked += 1


async def read(stats: Stats, post_id: str = "1_2") -> Numbers:
    return (await stats.read(SecretStr("t"), "1", [post_id]))[post_id]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ({"processing": 1}, AGAIN),
        ({"converting": 1}, AGAIN),
        ({"processing": True}, AGAIN),
        ({"processing": 0, "converting": 0}, Numbers(views=0)),
        ({"content_restricted": 1}, Numbers(views=0, gone=True)),
        ({"content_restricted": 1, "processing": 1}, GONE),
        ({"is_private": 1, "views": 7}, Numbers(views=7, private=True)),
        ({"is_private": True}, Numbers(views=0, private=True)),
        ({"is_private": 0}, Numbers(views=0)),
        ({"is_private": 1, "processing": 1}, AGAIN_PRIVATE),
        ({"is_private": 1, "content_restricted": 1}, Numbers(views=0, gone=True)),
        ({"privacy_view": {"category": "only_me"}}, Numbers(views=0)),
    ],
)
async def test_vk(said: dict[str, Any], numbers: Numbers) -> None:
    told = Told({"owner_id": 1, "id": 2, "views": 0, **said})
    assert await read(VkStats(cast("VkClient", told))) == numbers


def reason(name: str) -> dict[str, Any]:
    return {"action_reason": {"id": 1, "name": name}}


READY = {"is_deleted": False, "publication_ts": "2026-03-01T12:05:00", "status": "ready"}


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        (None, GONE),
        ({"is_deleted": True, **reason("downloading_video")}, AGAIN),
        ({"is_deleted": True, **reason("moderation")}, AGAIN),
        ({"is_deleted": True, "status": "processing", **reason("reencoding")}, AGAIN),
        ({"is_deleted": False, "status": "processing"}, AGAIN),
        ({"is_deleted": True, **reason("blocked")}, GONE),
        ({"is_deleted": True, **reason("download_error")}, GONE),
        ({"is_deleted": True, "action_reason": 4}, GONE),
        ({"is_deleted": True}, GONE),
        ({"is_deleted": False, "status": "error"}, GONE),
        ({"is_deleted": False, "publication_ts": None}, AGAIN),
        (READY, Numbers(views=0, comments=3)),
        ({**READY, "status": None}, Numbers(views=0, comments=3)),
        ({**READY, "publication_ts": None}, Numbers(views=0, comments=3)),
        ({**READY, "action_reason": 0}, Numbers(views=0, comments=3)),
        ({**READY, "is_hidden": False}, Numbers(views=0, comments=3)),
        ({**READY, "is_hidden": True}, Numbers(views=0, comments=3, private=True)),
        ({**READY, "is_hidden": 1, "hits": 7}, Numbers(views=7, comments=3, private=True)),
        ({"is_deleted": True, "is_hidden": True, **reason("moderation")}, AGAIN_PRIVATE),
        ({"is_deleted": True, "is_hidden": True, **reason("blocked")}, GONE),
    ],
)
async def test_rutube(said: dict[str, Any] | None, numbers: Numbers) -> None:
    told = Told(None if said is None else {"hits": 0, "comments_count": 3, **said})
    assert await read(RutubeStats(cast("RutubeClient", told))) == numbers
    assert told.votes_asked == (not (numbers.gone or numbers.processing))


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        (None, GONE),
        *[({"status": word}, GONE) for word in ("rejected", "blocked", "failed", "error")],
        *[({"status": word}, GONE) for word in ("deleted", "hidden", "private", "banned")],
        *[({"status": word}, AGAIN) for word in ("processing", "uploaded", "moderation", "draft")],
        *[({"status": word}, Numbers()) for word in ("published", "ready")],
    ],
)
async def test_dzen_without_statistics(said: dict[str, Any] | None, numbers: Numbers) -> None:
    assert await read(DzenStats(cast("DzenClient", Told(said)))) == numbers


@pytest.mark.parametrize("word", ["archived", "PUBLISHED", "7"])
async def test_a_word_that_nobody_knows_of_dzen_tells_nothing(word: str) -> None:
    with pytest.raises(Unavailable):
        await read(DzenStats(cast("DzenClient", Told({"status": word}))))


async def test_dzen_without_a_status_tells_nothing() -> None:
    with pytest.raises(Unavailable):
        await read(DzenStats(cast("DzenClient", Told({}))))
