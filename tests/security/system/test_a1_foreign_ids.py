"""What belongs to somebody else is as if it were not there: every operation, both ways (A1, A6)."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from common.ids import new_id
from localrun.environment import TREE
from localrun.person import Person
from security.system.conftest import System
from security.system.operations import Operation, operations, put
from support.waiting import wait_for

CLIP = TREE / "deploy/local/clip.mp4"
LISTS = {"list_connections", "list_publications", "summarise_stats", "export_stats"}
NAMELESS = {
    "list_platforms": "the same for all",
    "connect": "names no id: a token is pasted",
    "finish": "a finish id works for who started alone: O3",
    "put_media": "makes a key of one's own",
    "stream_publications": "its own test below",
    "pause": "operators only",
    "resume": "operators only",
    "list_pauses": "operators only",
}
"""Operations in which nothing of somebody else's can be named. A new one belongs here, or it is
asked for foreign ids by itself."""

GIVEN_BY_OTHERS = {"clip_id", "post_id"}
"""The host product's and the platforms' own names: here they lead to nothing."""


@dataclass
class Owner:
    """Somebody who has one of everything."""

    person: Person
    connection: str
    publications: list[str]
    key: str
    clip: str

    def id_for(self, name: str) -> str:
        """What they have under such a name."""
        known = {
            "connection_id": self.connection,
            "publication_id": self.publications[0],
            "clip_id": self.clip,
        }
        return known[name]

    @property
    def everything(self) -> set[str]:
        """Every id of theirs."""
        return {self.connection, *self.publications, self.key, self.clip}

    def state(self) -> list[Any]:
        """What they see."""
        return [
            self.person.ask("publisher", "GET", f"/v1/publications/{self.publications[1]}"),
            self.person.ask("connections", "GET", "/v1/connections"),
        ]


def owner(system: System) -> Owner:
    person = system.person()
    bot = system.sandbox.account("telegram")
    linked = person.connect_by_token("telegram", bot["token"], channel=bot["channel"])
    key, clip = person.upload(CLIP)["key"], f"clip-{secrets.token_hex(8)}"
    request = {"media": {"key": key}, "targets": [{"connection_id": linked["id"]}], "title": clip}
    (now,) = person.publish(clip_id=clip, **request)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (later,) = person.publish(clip_id=f"{clip}-2", schedule_at=tomorrow, **request)
    (shown,) = person.watch([now["id"]], seconds=60)
    proven = datetime.fromisoformat(shown["published_at"])
    wait_for(lambda: checked_at(person) >= proven)  # connections hears of it a moment later
    return Owner(person, linked["id"], [now["id"], later["id"]], key, clip)


def checked_at(person: Person) -> datetime:
    """When their only account was last known to work."""
    (connection,) = person.ask("connections", "GET", "/v1/connections")["items"]
    return datetime.fromisoformat(connection["checked_at"])


@pytest.fixture(scope="module")
def anna(system: System) -> Iterator[Owner]:
    found = owner(system)
    yield found
    found.person.close()


@pytest.fixture(scope="module")
def boris(system: System) -> Iterator[Owner]:
    found = owner(system)
    yield found
    found.person.close()


def send(
    system: System, who: Owner, operation: Operation, *, body: Any = None, **named: str
) -> httpx.Response:
    path = operation.path.replace("{platform}", "vk")
    for name in operation.ids_in_path:
        path = path.replace("{" + name + "}", named.pop(name))
    return who.person._api.request(
        operation.method,
        system.stack.urls[operation.service] + path,
        json=operation.body() if body is None else body,
        params=named,
    )


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """All of an answer but what is new in each."""
    new = {"date", "traceparent"}
    headers = {name: value for name, value in answer.headers.items() if name not in new}
    return answer.status_code, headers, answer.content


def absent(name: str) -> str:
    return str(new_id()) if name != "clip_id" else f"clip-{secrets.token_hex(8)}"


def test_a1_every_operation_is_asked(system: System) -> None:
    unasked = {
        one.name
        for one in operations(system.stack)
        if not (one.ids_in_path or one.ids_in_body or one.ids_in_query)
    }
    assert unasked - LISTS == set(NAMELESS)


@pytest.mark.timeout(300)
def test_a1_a_foreign_id_in_the_path_is_404_like_one_that_nobody_has(
    system: System, anna: Owner, boris: Owner
) -> None:
    asked = []
    before = boris.state()
    for operation in operations(system.stack):
        if names := operation.ids_in_path:
            foreign = send(system, anna, operation, **{n: boris.id_for(n) for n in names})
            random = send(system, anna, operation, **{n: absent(n) for n in names})
            assert foreign.status_code == 404, operation.name
            assert told(foreign) == told(random), operation.name
            if operation.method == "GET" and "files" not in operation.path:
                own = send(system, boris, operation, **{n: boris.id_for(n) for n in names})
                assert own.status_code == 200, operation.name
            asked.append(operation.name)
    assert len(asked) >= 12
    assert boris.state() == before


def test_a1_a_foreign_id_in_the_body_is_like_one_that_nobody_has(
    system: System, anna: Owner, boris: Owner
) -> None:
    asked = []
    for operation in operations(system.stack):
        for path in operation.ids_in_body:
            if path[-1] in GIVEN_BY_OTHERS:
                continue
            usual = operation.body()
            if "media" in usual:
                usual = put(usual, ("media", "key"), anna.key)
            foreign, random = (
                send(system, anna, operation, body=put(usual, path, one))
                for one in (boris.id_for(path[-1]), absent(path[-1]))
            )
            assert told(foreign) == told(random), operation.name
            assert foreign.status_code in {404, 422} or operation.name == "validate_publications"
            asked.append(operation.name)
    assert set(asked) == {"authorize", "publish", "validate_publications"}


@pytest.mark.parametrize("name", ["publish", "validate_publications"])
def test_a1_a_foreign_file_is_like_one_that_nobody_has(
    system: System, anna: Owner, boris: Owner, name: str
) -> None:
    (operation,) = (one for one in operations(system.stack) if one.name == name)
    usual = put(operation.body(), ("targets", "0", "connection_id"), anna.connection)
    lost = f"{boris.key[:-8]}{secrets.token_hex(4)}"
    foreign, random = (
        send(system, anna, operation, body=put(usual, ("media", "key"), key))
        for key in (boris.key, lost)
    )
    assert told(foreign) == told(random)
    assert "media_not_found" in foreign.text


def test_a1_lists_never_mix(system: System, anna: Owner, boris: Owner) -> None:
    for operation in operations(system.stack):
        if operation.name not in LISTS:
            continue
        hers, his = (send(system, who, operation) for who in (anna, boris))
        assert (hers.status_code, his.status_code) == (200, 200)
        assert not any(one in hers.text for one in boris.everything), operation.name
        assert not any(one in his.text for one in anna.everything), operation.name
        for name in operation.ids_in_query:
            filtered = send(system, anna, operation, **{name: boris.id_for(name)})
            assert filtered.json() == {"items": [], "next_cursor": None}, operation.name


def test_a1_lists_show_what_is_ones_own(system: System, anna: Owner) -> None:
    """Else an empty list would prove nothing."""
    shown = "".join(
        send(system, anna, one).text for one in operations(system.stack) if one.name in LISTS
    )
    assert {anna.connection, *anna.publications} <= {one for one in anna.everything if one in shown}


def test_a1_a_cursor_of_somebody_else_opens_nothing(anna: Owner, boris: Owner) -> None:
    cursor = boris.person.ask("publisher", "GET", "/v1/publications?limit=1")["next_cursor"]
    page = anna.person.ask("publisher", "GET", f"/v1/publications?cursor={cursor}")
    assert not {one["id"] for one in page["items"]} & boris.everything


def test_a1_the_stream_tells_nobody_elses(system: System, anna: Owner, boris: Owner) -> None:
    url = f"{system.stack.urls['publisher']}/v1/publications/stream"
    headers = {**anna.person._api.headers, "Last-Event-ID": "1"}
    with httpx.stream("GET", url, headers=headers, trust_env=False, timeout=20) as stream:
        heard = ""
        for line in stream.iter_lines():
            heard += line
            if all(one in heard for one in anna.publications):
                break
    assert not any(one in heard for one in boris.everything)


@pytest.mark.parametrize("name", ["pause", "resume", "list_pauses"])
def test_a1_operators_endpoints_are_not_there_for_others(
    system: System, anna: Owner, boris: Owner, name: str
) -> None:
    (operation,) = (one for one in operations(system.stack) if one.name == name)
    bodies = [{"scope": "connection", "id": one} for one in (boris.connection, absent("id"))]
    first, second = (send(system, anna, operation, body=one) for one in bodies)
    assert first.status_code == 404
    assert told(first) == told(second)


def test_a6_a_stranger_can_not_tell_whether_an_id_exists(system: System, boris: Owner) -> None:
    """401 comes before anything that could tell: the row, the form of the id, the body."""
    for operation in operations(system.stack):
        for name in operation.ids_in_path:
            url = system.stack.urls[operation.service] + operation.path
            answers = [
                httpx.request(
                    operation.method,
                    url.replace("{" + name + "}", one),
                    content=b"{broken",
                    headers={"content-type": "application/json"},
                    trust_env=False,
                )
                for one in (boris.id_for(name), absent(name), "no-id")
            ]
            assert answers[0].status_code == (404 if "files" in url else 401), operation.name
            assert told(answers[0]) == told(answers[1]) == told(answers[2]), operation.name
