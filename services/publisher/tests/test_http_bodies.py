"""What a request must look like before anything of it is looked at."""

from typing import Any

import pytest

from common.ids import new_id

from .person import PATH, Person, code_of, flaws_of

pytestmark = pytest.mark.anyio
BAD: list[dict[str, Any]] = [
    {"clip_id": ""},
    {"clip_id": None},
    {"clip_id": 7},
    {"clip_id": "x" * 201},
    {"clip_id": "nul \u0000"},
    {"title": None},
    {"title": ["a"]},
    {"title": "nul \u0000"},
    {"description": "nul \u0000"},
    {"media": {}},
    {"media": {"key": "a", "url": "b"}},
    {"media": {"key": "a", "size": 1}},
    {"media": {"key": "nul \u0000"}},
    {"media": {"url": "file:///etc/passwd"}},
    {"targets": []},
    {"targets": [{}]},
    {"targets": [{"platform": "vk", "connection_id": str(new_id())}]},
    {"targets": [{"platform": "myspace"}]},
    {"targets": [{"connection_id": "7"}]},
    {"targets": [{"platform": "vk", "title": "nul \u0000"}]},
    {"targets": [{"platform": "vk", "status": "published"}]},
    {"targets": [{"platform": "vk", "options": []}]},
    {"targets": [{"platform": "vk"}] * 21},
    {"schedule_at": "tomorrow"},
    {"schedule_at": "2030-01-01T00:00:00"},
    {"status": "published"},
    {"user_id": "somebody"},
    {"owner": "somebody"},
    {"plan": "business"},
    {"id": str(new_id())},
    {"targets": [{"platform": "vk", "account_id": "7"}]},
    {"targets": [{"platform": "vk", "user_id": "somebody"}]},
]
NOT_OFFERED = ("id", "status", "user_id", "owner", "plan", "version", "post_id", "hold", "media")


@pytest.mark.parametrize("changed", BAD)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/validate"])
async def test_a2_unknown_and_wrong_fields_are_refused(
    me: Person, path: str, changed: dict[str, Any]
) -> None:
    body = await me.body({"platform": "vk"})
    body = {name: one for name, one in (body | changed).items() if one is not None}
    answer = await me.api.post(path, json=body)
    assert code_of(answer) == (422, "invalid_request")
    assert flaws_of(answer)


@pytest.mark.parametrize("field", NOT_OFFERED)
async def test_a2_nothing_else_of_a_publication_can_be_edited_or_decided(
    me: Person, field: str
) -> None:
    found = await me.scheduled()
    path = f"{PATH}/{found['id']}"
    answer = await me.api.patch(path, json={"title": "New", field: "published"})
    assert code_of(answer) == (422, "invalid_request")
    if field != "post_id":
        body = {"outcome": "failed", field: "published"}
        assert code_of(await me.api.post(f"{path}/resolve", json=body)) == (422, "invalid_request")
    assert await me.get(found) == found


async def test_options_are_checked_per_platform(me: Person) -> None:
    for platform, good, bad in (
        ("vk", {"group_id": 5}, {"group_id": -5}),
        ("vk", {}, {"privacy": "nobody"}),
        ("rutube", {"category_id": 13, "hidden": True}, {"category_id": "13"}),
        ("telegram", {"disable_notification": True}, {"wallpost": True}),
        ("dzen", {}, {"hidden": True}),
    ):
        account = str((await me.connect(platform)).id)
        for options, ok in ((good, True), (bad, False)):
            body = await me.body({"connection_id": account, "options": options})
            answer = await me.api.post(f"{PATH}/validate", json=body)
            assert answer.json()["ok"] is ok, (platform, options)


async def test_odd_signs_in_options_are_refused_and_told(me: Person) -> None:
    account = str((await me.connect()).id)
    for options in ({"\u0000": 1}, {"a\u2028b": 1}, {"privacy": "\u0000"}):
        answer = await me.ask({"connection_id": account, "options": options})
        assert code_of(answer) == (422, "invalid_request")
    raw = b'{"clip_id":"c","media":{"key":"k"},"title":"\\ud800","targets":[{"platform":"vk"}]}'
    for content in (raw, raw.replace(b"title", b"\\ud800")):
        answer = await me.api.post(
            PATH, content=content, headers={"Content-Type": "application/json"}
        )
        assert code_of(answer) == (422, "invalid_request")
    assert await me.count() == 0
