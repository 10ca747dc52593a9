"""A signed link gives the file, whole or by ranges, to whoever holds it; nothing else does."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from common.ids import new_id
from publisher.media.accept import accept_key
from publisher.media.parts import MediaParts
from publisher.media.ports import MediaRef
from support.people import bearer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def publication(
    gateway: httpx.AsyncClient, parts: MediaParts, rows: Any, clip: bytes
) -> UUID:
    answer = await gateway.put("/v1/media/мой клип.mp4", content=clip, headers=bearer("u"))
    publication_id = new_id()
    rows.publications[publication_id] = await accept_key(parts, answer.json()["key"], "u")
    return publication_id


@pytest.fixture
def path(parts: MediaParts, rows: Any, publication: UUID) -> str:
    return parts.links.link(publication, rows.publications[publication]).removeprefix(
        "http://clipcast.test"
    )


async def test_the_whole_file(gateway: httpx.AsyncClient, path: str, clip: bytes) -> None:
    answer = await gateway.get(path)
    assert answer.status_code == 200
    assert answer.content == clip
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(clip))
    assert answer.headers["accept-ranges"] == "bytes"
    disposition = answer.headers["content-disposition"]
    assert disposition == (
        "attachment; filename*=UTF-8''%D0%BC%D0%BE%D0%B9%20%D0%BA%D0%BB%D0%B8%D0%BF.mp4"
    )


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=0-99", 206, 0, 100),
        ("bytes=100-", 206, 100, 160945),
        ("bytes=-100", 206, 160845, 160945),
        ("bytes=-999999", 206, 0, 160945),
        ("bytes=160944-160944", 206, 160944, 160945),
        ("bytes=160000-999999", 206, 160000, 160945),
        ("BYTES=5 - 6", 206, 5, 7),
        ("bytes=160945-", 416, 0, 0),
        ("bytes=999999-9999999", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=9-1", 200, 0, 160945),
        ("bytes=0-1,5-6", 200, 0, 160945),
        ("bytes=-", 200, 0, 160945),
        ("bytes=a-b", 200, 0, 160945),
        ("bytes=" + "9" * 40 + "-", 200, 0, 160945),
        ("lines=0-1", 200, 0, 160945),
    ],
)
async def test_ranges(
    gateway: httpx.AsyncClient,
    path: str,
    clip: bytes,
    asked: str,
    status: int,
    start: int,
    stop: int,
) -> None:
    answer = await gateway.get(path, headers={"Range": asked})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(clip)}"
        return
    assert answer.content == clip[start:stop]
    head = await gateway.head(path, headers={"Range": asked})
    assert head.status_code == status
    for name in ("content-length", "content-range", "etag", "content-type"):
        assert head.headers.get(name) == answer.headers.get(name)
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(clip)}"


async def test_if_range_gives_the_rest_of_the_same_file_only(
    gateway: httpx.AsyncClient, path: str
) -> None:
    etag = (await gateway.head(path)).headers["etag"]
    for condition, status in ((etag, 206), ('"other"', 200), ("W/" + etag, 200)):
        answer = await gateway.get(path, headers={"Range": "bytes=1-", "If-Range": condition})
        assert answer.status_code == status


def with_query(path: str, **changes: str) -> str:
    parts = urlsplit(path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return str(httpx.URL(parts.path, params={k: v for k, v in query.items() if v}))


async def test_every_wrong_link_has_the_same_answer(
    gateway: httpx.AsyncClient, path: str, publication: UUID, rows: Any
) -> None:
    other = new_id()
    rows.publications[other] = rows.publications[publication]
    signed = parse_qs(urlsplit(path).query)
    late = str(int(signed["expires"][0]) + 1)
    sig = signed["sig"][0]
    wrong = [
        with_query(path, sig=sig[:-1] + ("A" if sig[-1] != "A" else "B")),
        with_query(path, sig=""),
        with_query(path, sig="ключ"),
        with_query(path, expires=late),
        with_query(path, expires=""),
        with_query(path, expires="-1"),
        with_query(path, expires="9" * 30),
        with_query(path, expires="١٢٣"),
        path.replace(str(publication), str(other)),
        path.replace(str(publication), str(new_id())),
        path.replace(str(publication), "not-an-id"),
    ]
    answers = [await gateway.get(link) for link in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    for link in wrong:
        assert (await gateway.head(link)).status_code == 404
        part = await gateway.get(link, headers={"Range": "bytes=0-0"})
        assert (part.status_code, part.content) == (404, answers[0].content)


async def test_a_link_of_one_publication_opens_no_other_of_the_same_person(
    gateway: httpx.AsyncClient, parts: MediaParts, rows: Any, publication: UUID, path: str
) -> None:
    """Not even with the same file, at the same time: the publication is signed as well."""
    other = new_id()
    rows.publications[other] = rows.publications[publication]
    theirs = urlsplit(parts.links.link(other, rows.publications[other]))
    mine = urlsplit(path)
    assert parse_qs(theirs.query)["expires"] == parse_qs(mine.query)["expires"]
    for link in (f"{mine.path}?{theirs.query}", f"{theirs.path}?{mine.query}"):
        for method in ("GET", "HEAD"):
            assert (await gateway.request(method, link)).status_code == 404
    assert (await gateway.get(f"{theirs.path}?{theirs.query}")).status_code == 200


async def test_a_link_ends_with_its_time(gateway: httpx.AsyncClient, path: str, clock: Any) -> None:
    clock.at += timedelta(hours=24) - timedelta(seconds=1)
    assert (await gateway.head(path)).status_code == 200
    clock.at += timedelta(seconds=1)
    assert (await gateway.get(path)).status_code == 404
    assert (await gateway.head(path)).status_code == 404
    assert (await gateway.get(path, headers={"Range": "bytes=0-0"})).status_code == 404


async def test_a_link_does_not_lead_to_a_later_file(
    gateway: httpx.AsyncClient, path: str, publication: UUID, rows: Any
) -> None:
    value: Mapping[str, Any] = rows.publications[publication].to_json()
    rows.publications[publication] = MediaRef.from_json({**value, "key": "u/u/other/a.mp4"})
    assert (await gateway.get(path)).status_code == 404


def test_the_part_before_the_question_mark_is_stable(parts: MediaParts, clock: Any) -> None:
    ref = MediaRef("u/u/a/b.mp4", None, "b.mp4", 1, None, "x", 1.0, 2, 3)
    publication = new_id()
    first = parts.links.link(publication, ref)
    clock.at += timedelta(hours=1)
    second = parts.links.link(publication, ref)
    assert first != second
    assert first.partition("?")[0] == second.partition("?")[0]
    assert first.startswith(f"http://clipcast.test/v1/files/{publication}?expires=")


async def test_a_file_that_changed_or_went_is_not_served(
    gateway: httpx.AsyncClient, path: str, publication: UUID, rows: Any, root: Any
) -> None:
    file = root / rows.publications[publication].key
    file.write_bytes(file.read_bytes())
    assert (await gateway.get(path)).status_code == 404
    file.unlink()
    assert (await gateway.get(path)).status_code == 404
