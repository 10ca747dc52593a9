"""Which of several problems comes first, and that nothing of another person shows through."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from common.ids import new_id
from support.people import token

from .person import PATH, Person, ahead, code_of
from .test_reactions import expired

pytestmark = pytest.mark.anyio
JSON = {"Content-Type": "application/json"}
ROUTES = [
    ("GET", PATH),
    ("POST", PATH),
    ("POST", f"{PATH}/validate"),
    ("GET", f"{PATH}/stream"),
    *[("GET", PATH + "/{id}"), ("PATCH", PATH + "/{id}"), ("GET", PATH + "/{id}/timeline")],
    *[("POST", PATH + "/{id}/" + verb) for verb in ("cancel", "retry", "resolve")],
    ("PUT", "/v1/media/clip.mp4"),
]
BODIES = [
    ("POST", PATH),
    ("POST", f"{PATH}/validate"),
    ("PATCH", PATH + "/{id}"),
    *[("POST", PATH + "/{id}/" + verb) for verb in ("cancel", "retry", "resolve")],
]
TWO_MEGABYTES = 2_000_000
OF_ONE: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PATCH", "", {"title": "New"}),
    ("GET", "/timeline", None),
    ("POST", "/cancel", None),
    ("POST", "/retry", None),
    ("POST", "/resolve", {"outcome": "failed"}),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_token_everything_is_401(
    anonymous: httpx.AsyncClient, method: str, path: str
) -> None:
    path = path.format(id=new_id())
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer x.y.z"}):
        answer = await anonymous.request(method, path, headers=headers)
        assert code_of(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "claims",
    [{"aud": "other"}, {"aud": None}, {"exp": 1}, {"exp": None}, {"sub": None}, {"sub": ""}],
)
async def test_a_token_that_proves_nobody_is_401(
    anonymous: httpx.AsyncClient, user: str, claims: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {token(user, **claims)}"}
    assert code_of(await anonymous.get(PATH, headers=headers)) == (401, "unauthorized")


async def test_401_comes_before_a_malformed_body(anonymous: httpx.AsyncClient) -> None:
    for content in (b"{", b'{"x":1}', b"\xff"):
        answer = await anonymous.post(PATH, content=content, headers=JSON)
        assert code_of(answer) == (401, "unauthorized")


async def test_a_malformed_body_comes_before_the_plan(me: Person) -> None:
    for content in (b"{", b"{}", b"\xff", b"[]", b'"x"'):
        headers = JSON | me.with_plan("free")
        answer = await me.api.post(PATH, content=content, headers=headers)
        assert code_of(answer) == (422, "invalid_request")


async def test_from_the_plan_to_the_checks_the_first_in_order_is_told(me: Person) -> None:
    """One request with every problem; they are taken away one by one."""
    account = await me.connect()
    taken = await me.one(targets=[{"connection_id": str(account.id)}], clip_id="c")
    assert taken["status"] == "publishing"
    worn = await me.connect("rutube")
    await me.lab.hear(expired(worn.id, me.user), 2)
    wrong: dict[str, Any] = {
        "clip_id": "c",
        "media": {"key": "nobody's"},
        "title": "x" * 200,
        "schedule_at": ahead(seconds=1),
        "targets": [{"connection_id": str(one.id)} for one in (account, worn)],
    }
    answer = await me.api.post(PATH, json=wrong, headers=me.with_plan("start"))
    assert code_of(answer) == (403, "plan_required")
    assert code_of(await me.api.post(PATH, json=wrong)) == (404, "media_not_found")
    wrong["media"] = {"key": await me.key()}
    assert code_of(await me.api.post(PATH, json=wrong)) == (409, "duplicate_publication")
    wrong["clip_id"] = "d"
    answer = await me.api.post(PATH, json=wrong)
    assert answer.status_code == 422
    assert {one["code"] for one in answer.json()["errors"]} == {
        "text_too_long",
        "connection_expired",
        "schedule_too_soon",
    }
    assert await me.count() == 1


@pytest.mark.parametrize(("method", "verb", "body"), OF_ONE)
async def test_the_publication_of_another_looks_like_one_that_never_was(
    me: Person, stranger: Person, method: str, verb: str, body: Any
) -> None:
    theirs = await stranger.scheduled()
    answers = [
        await me.api.request(method, f"{PATH}/{one}{verb}", json=body)
        for one in (theirs["id"], new_id())
    ]
    for answer in answers:
        assert code_of(answer) == (404, "not_found")
        assert answer.json() == answers[0].json()
    assert await stranger.get(theirs) == theirs


@pytest.mark.parametrize(("method", "verb", "body"), OF_ONE)
async def test_an_id_that_is_none_is_malformed(
    me: Person, method: str, verb: str, body: Any
) -> None:
    answer = await me.api.request(method, f"{PATH}/7{verb}", json=body)
    assert code_of(answer) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("languages", "expected"),
    [(None, "Ваш тариф"), ("en-US,ru;q=0.5", "Your plan"), ("de", "Ваш тариф")],
)
async def test_people_are_answered_in_their_language(
    me: Person, languages: str | None, expected: str
) -> None:
    headers = me.with_plan("free") | ({"Accept-Language": languages} if languages else {})
    answer = await me.api.post(PATH, json=await me.body(), headers=headers)
    assert code_of(answer) == (403, "plan_required")
    assert answer.json()["detail"].startswith(expected)
    assert answer.json()["errors"][0]["detail"].startswith(expected)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"cursor": "x"},
        {"cursor": "WzFd"},
        {"status": "gone"},
        {"platform": "myspace"},
        {"connection_id": "7"},
        {"from": "yesterday"},
        {"from": "2026-01-01T00:00:00"},
        {"clip_id": "nul \x00"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"to": "9999-12-31T23:59:59-14:00"},
    ],
)
async def test_a_query_that_makes_no_sense_is_malformed(me: Person, query: dict[str, Any]) -> None:
    assert code_of(await me.api.get(PATH, params=query)) == (422, "invalid_request")


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize("told", [True, False], ids=["length told", "chunked"])
async def test_a5_a_body_too_large_to_be_a_request_is_refused_unread(
    me: Person, method: str, path: str, told: bool
) -> None:
    """It is no JSON: whoever parsed it would say so."""
    found = await me.scheduled()
    answer = await me.api.request(
        method,
        path.format(id=found["id"]),
        content=b"{" * TWO_MEGABYTES if told else lump(TWO_MEGABYTES),
        headers=JSON | {"Idempotency-Key": "k"},
    )
    assert code_of(answer) == (413, "invalid_request")
    assert await me.get(found) == found


async def lump(size: int) -> AsyncIterator[bytes]:
    """So many bytes, whose number is not told before."""
    for _ in range(size // 10_000):
        yield b"{" * 10_000


async def test_an_unknown_address_and_a_wrong_method_are_told_as_problems(me: Person) -> None:
    assert code_of(await me.api.get("/v1/nothing")) == (404, "not_found")
    assert code_of(await me.api.delete(PATH)) == (405, "method_not_allowed")
