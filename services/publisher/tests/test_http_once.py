"""One effect, however often and however fast it is asked; and how often one may ask at all."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from fastapi import FastAPI

from support.people import bearer
from support.serving import serving

from .person import PATH, Person, ahead, code_of, person

pytestmark = pytest.mark.anyio
KEY = {"Idempotency-Key": "k-1"}


async def test_a_repeated_request_gets_the_stored_answer(me: Person) -> None:
    body = await me.body()
    first = await me.api.post(PATH, json=body, headers=KEY)
    again = await me.api.post(PATH, json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await me.count() == 1


async def test_a4_the_same_key_with_another_body_is_refused(me: Person) -> None:
    await me.api.post(PATH, json=await me.body(), headers=KEY)
    answer = await me.api.post(PATH, json=await me.body(), headers=KEY)
    assert code_of(answer) == (422, "idempotency_mismatch")


async def test_a4_a_key_belongs_to_its_user_and_its_route(me: Person, stranger: Person) -> None:
    mine = await me.api.post(PATH, json=await me.body(), headers=KEY)
    theirs = await stranger.api.post(PATH, json=await stranger.body(), headers=KEY)
    assert theirs.status_code == 202
    publication = mine.json()["publications"][0]
    cancelled = await me.api.post(f"{PATH}/{publication['id']}/cancel", headers=KEY)
    assert cancelled.json()["verdict"] == "cancelled"


async def test_a_refusal_is_not_stored(me: Person) -> None:
    account = await me.connect()
    bad = await me.api.post(
        PATH, json=await me.body(account, schedule_at=ahead(seconds=1)), headers=KEY
    )
    assert bad.status_code == 422
    good = await me.api.post(PATH, json=await me.body(account), headers=KEY)
    assert good.status_code == 202


async def test_a4_of_twenty_at_once_with_one_key_one_takes_effect(me: Person) -> None:
    body = await me.body()
    answers = await asyncio.gather(*(me.api.post(PATH, json=body, headers=KEY) for _ in range(20)))
    for answer in answers:
        if answer.status_code == 202:
            assert answer.json() == next(one for one in answers if one.is_success).json()
        else:
            assert code_of(answer) == (409, "idempotency_in_flight")
            assert int(answer.headers["retry-after"]) >= 1
    assert await me.count() == 1
    late = await me.api.post(PATH, json=body, headers=KEY)
    assert late.headers["idempotent-replayed"] == "true"


async def test_a4_every_post_can_be_repeated(me: Person) -> None:
    publication = await me.one()
    await me.lab.rows(
        "UPDATE publications SET status = 'uncertain' WHERE id = :id", id=publication["id"]
    )
    for step, body in (("resolve", {"outcome": "failed"}), ("retry", None), ("cancel", None)):
        path = f"{PATH}/{publication['id']}/{step}"
        one = await me.api.post(path, json=body, headers=KEY)
        two = await me.api.post(path, json=body, headers=KEY)
        assert one.is_success, one.text
        assert two.json() == one.json()
        assert two.status_code == one.status_code
        assert two.headers["idempotent-replayed"] == "true"
    assert (await me.get(publication))["status"] == "cancelled"


async def test_of_twenty_at_once_without_a_key_one_wins_and_the_rest_are_duplicates(
    me: Person,
) -> None:
    body = await me.body()
    answers = await asyncio.gather(*(me.api.post(PATH, json=body) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 19}
    for answer in answers:
        if not answer.is_success:
            assert code_of(answer) == (409, "duplicate_publication")
    assert await me.count() == 1


@pytest.mark.parametrize("status", ["scheduled", "publishing", "uncertain"])
async def test_a_clip_that_is_on_its_way_to_an_account_is_not_sent_there_again(
    me: Person, status: str
) -> None:
    account = await me.connect()
    body = await me.body(account)
    [first] = (await me.api.post(PATH, json=body)).json()["publications"]
    await me.lab.rows(
        "UPDATE publications SET status = :status WHERE id = :id", status=status, id=first["id"]
    )
    assert code_of(await me.api.post(PATH, json=body)) == (409, "duplicate_publication")
    elsewhere = await me.ask(await me.connect(), clip_id=body["clip_id"])
    assert elsewhere.status_code == 202


@pytest.mark.parametrize("status", ["published", "failed", "cancelled"])
async def test_a_clip_that_ended_may_be_published_again(me: Person, status: str) -> None:
    account = await me.connect()
    body = await me.body(account)
    [first] = (await me.api.post(PATH, json=body)).json()["publications"]
    await me.lab.rows(
        "UPDATE publications SET status = :status WHERE id = :id", status=status, id=first["id"]
    )
    assert (await me.api.post(PATH, json=body)).status_code == 202


class TestRates:
    """Twenty requests a minute, counted per request, told last of all problems."""

    async def test_a5_the_twenty_first_request_of_a_minute_waits(
        self, new_app: Callable[..., FastAPI], me: Person
    ) -> None:
        async with (
            serving(new_app(publish_rate="20/minute")) as url,
            person(url, me.user, me.lab, me.clip) as busy,
        ):
            account = await busy.connect()
            bodies = [await busy.body(account) for _ in range(20)]
            bad = bodies[0] | {"schedule_at": ahead(seconds=1)}
            for body in (bad, *bodies[1:]):
                assert (await busy.api.post(PATH, json=body)).status_code in {202, 422}
            over = await busy.api.post(PATH, json=bodies[0])
            assert code_of(over) == (429, "rate_limited")
            assert 1 <= int(over.headers["retry-after"]) <= 61
            assert code_of(await busy.api.post(PATH, json=bad)) == (422, "schedule_too_soon")
            twin = code_of(await busy.api.post(PATH, json=bodies[1]))
            assert twin == (409, "duplicate_publication")
            assert (await busy.api.get(PATH)).status_code == 200
            assert (await busy.api.post(f"{PATH}/validate", json=bodies[0])).status_code == 200
            other = bearer(f"{me.user}-2", "free")
            assert (await busy.api.post(PATH, json=bodies[0], headers=other)).status_code == 403

    async def test_a5_without_redis_each_process_counts_for_itself(
        self, new_app: Callable[..., FastAPI], me: Person
    ) -> None:
        away = new_app(publish_rate="2/minute", redis_url="redis://127.0.0.1:1/0")
        async with serving(away) as url, person(url, me.user, me.lab, me.clip) as busy:
            account = await busy.connect()
            answers = [await busy.ask(account) for _ in range(3)]
            ready = await busy.api.get("/readyz")
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert ready.status_code == 200
        assert ready.json()["checks"]["redis"]["ok"] is False
