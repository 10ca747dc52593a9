"""What looks for leaks finds one of each kind, so that its silence means something."""

import base64
import gzip
import json
import secrets
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
import redis

from security.system import channels
from security.system.channels import Broker
from security.system.conftest import System
from security.system.needles import Needle, Piece, search

SECRET = "CANARY/7f+3a=91~c0d4"
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda one: one,
    "in capitals": bytes.upper,
    "url-encoded": lambda one: quote(one, safe="").encode(),
    "every sign url-encoded": lambda one: "".join(f"%{sign:02X}" for sign in one).encode(),
    "in JSON": lambda one: json.dumps({"a": one.decode()}).encode(),
    "in hex": lambda one: one.hex().encode(),
    "in large hex": lambda one: one.hex().upper().encode(),
    "packed": lambda one: gzip.compress(b"before" + one + b"after"),
} | {
    f"{name} behind {shift} bytes": lambda one, shift=shift, encode=encode: encode(  # type: ignore[misc]
        b"x" * shift + one + b"whatever comes then"
    )
    for shift in range(6)
    for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode))
}


@pytest.mark.parametrize("way", WAYS)
def test_v7_a_secret_is_found_however_it_is_written(way: str) -> None:
    data = b"2026-11-22 something happened " + WAYS[way](SECRET.encode()) + b" and went on"
    data = data if way != "packed" else WAYS[way](SECRET.encode())
    (found,) = {one.place for one in search([Piece("output", "x.log", data)], [needle()])}
    assert found == "output: x.log"


def test_v7_another_secret_is_not_found() -> None:
    other = Piece(
        "output", "x.log", "".join(w(b"another one").hex() for w in WAYS.values()).encode()
    )
    assert search([other], [needle()]) == []


def test_v7_where_it_is_welcome_it_is_no_leak() -> None:
    welcome = Needle("it", SECRET.encode(), frozenset({"answers"}))
    assert search([Piece("answers", "GET /", SECRET.encode())], [welcome]) == []
    assert search([Piece("output", "x.log", SECRET.encode())], [welcome])


def needle() -> Needle:
    return Needle("it", SECRET.encode())


class Planted:
    """Puts a secret into one place of the running system."""

    def __init__(self, system: System) -> None:
        self._system, self._stack = system, system.stack
        self.secret = f"planted{secrets.token_hex(8)}"

    def found(self, channel: str) -> bool:
        """Whether the search sees it there."""
        pieces = getattr(self, f"_{channel}")()
        return bool(search(pieces, [Needle("it", self.secret.encode())]))

    def _output(self) -> list[Piece]:
        log = self._stack.home / "logs/planted.log"
        log.write_text(f'{{"event": "{self.secret}"}}\n')
        pieces = [*channels.printed(self._stack)]
        log.unlink()
        return pieces

    def _files(self) -> list[Piece]:
        file = self._stack.home / "media/deep/down.part"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"\0\1" + self.secret.encode())
        pieces = [*channels.files(self._stack)]
        file.unlink()
        return pieces

    def _queues(self) -> list[Piece]:
        broker = Broker(self._stack)
        broker.tap()
        broker.publish("accounts.events", "Nothing.v1", self.secret.encode())
        return [*channels.messages(broker)]

    def _databases(self) -> list[Piece]:
        database = self._stack.stores.databases["publisher"].rsplit("/", 1)[1]
        sql = self._stack.servers.postgres.sql
        sql(f"CREATE TABLE planted AS SELECT '{self.secret}'::bytea AS it", database=database)
        pieces = [*channels.dumps(self._stack)]
        sql("DROP TABLE planted", database=database)
        return pieces

    def _redis(self) -> list[Piece]:
        with redis.Redis.from_url(self._stack.stores.redis) as client:
            client.hset("planted", "it", self.secret)
            pieces = [*channels.cache(self._stack)]
            client.delete("planted")
        return pieces

    def _spans(self) -> list[Piece]:
        httpx.post(f"{self._system.sink.url}/v1/traces", content=self.secret, trust_env=False)
        return [Piece("spans", "the sink", one) for one in self._system.sink.received]

    def _answers(self) -> list[Piece]:
        answer = httpx.Response(
            303, headers={"location": f"/?{self.secret}"}, request=httpx.Request("GET", "http://x/")
        )
        return [*channels.answers([answer])]


@pytest.mark.parametrize(
    "channel", ["output", "files", "queues", "databases", "redis", "spans", "answers"]
)
def test_v7_what_is_planted_in_a_channel_is_found(system: System, channel: str) -> None:
    assert Planted(system).found(channel)
