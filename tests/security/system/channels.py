"""Every place where the running system can be read, as pieces for the search."""

import base64
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import redis

from localrun.binaries import POSTGRES
from security.system.needles import Piece
from stack import Stack

TAP = "security.tap"
PRIVATE = frozenset({"secrets.json", "up.json", "ledger.jsonl"})
"""They must hold secrets: the stack's own, and what the platforms remember."""
MANY = 100_000


class Broker:
    """RabbitMQ as its administrator sees it."""

    def __init__(self, stack: Stack) -> None:
        self._server = stack.servers.rabbitmq
        self._vhost = quote(stack.stores.name, safe="")

    def tap(self) -> None:
        """A queue that gets a copy of all that is published from now on."""
        self._ask("PUT", f"queues/{self._vhost}/{TAP}", {"durable": True})
        for exchange in self._ask("GET", f"exchanges/{self._vhost}"):
            if name := exchange["name"]:
                body = {"routing_key": "#"}
                if exchange["type"] == "topic" and not name.startswith("amq."):
                    self._ask("POST", f"bindings/{self._vhost}/e/{name}/q/{TAP}", body)

    def publish(self, exchange: str, key: str, body: bytes) -> None:
        """Anything at all."""
        message = {
            "routing_key": key,
            "payload": base64.b64encode(body).decode(),
            "payload_encoding": "base64",
            "properties": {"delivery_mode": 2},
        }
        self._ask("POST", f"exchanges/{self._vhost}/{exchange}/publish", message)

    def queues(self) -> dict[str, list[dict[str, object]]]:
        """Every message with its headers, by queue; all stay there."""
        names = [one["name"] for one in self._ask("GET", f"queues/{self._vhost}")]
        order = {"count": MANY, "ackmode": "ack_requeue_true", "encoding": "base64"}
        return {
            name: self._ask("POST", f"queues/{self._vhost}/{quote(name, safe='')}/get", order)
            for name in names
        }

    def _ask(self, method: str, path: str, body: dict[str, object] | None = None):  # type: ignore[no-untyped-def] # noqa: ANN202 - whatever the API answers
        status, answer = self._server.api(method, f"/api/{path}", body)
        assert status < 300, (method, path, status, answer)
        return answer


def printed(stack: Stack) -> Iterator[Piece]:
    """Standard output and standard error of every process, and their command lines."""
    for file in sorted((stack.home / "logs").glob("*.log")):
        yield Piece("output", file.name, file.read_bytes())
    for name, member in stack.members.items():
        if process := member.process:
            yield Piece("argv", name, Path(f"/proc/{process.pid}/cmdline").read_bytes())


def metrics(stack: Stack) -> Iterator[Piece]:
    """/metrics of every process of ours."""
    for name, member in stack.members.items():
        if name != "sandbox":
            answer = httpx.get(f"http://127.0.0.1:{member.port}/metrics", trust_env=False)
            assert answer.status_code == 200, name
            yield Piece("metrics", name, answer.content)


def documents(stack: Stack) -> Iterator[Piece]:
    """What every service tells about its interface."""
    for service, url in stack.urls.items():
        if service != "sandbox":
            for path in ("/openapi.json", "/docs"):
                answer = httpx.get(url + path, trust_env=False)
                assert answer.status_code == 200, (service, path)
                yield Piece("openapi", service + path, answer.content)


def messages(broker: Broker) -> Iterator[Piece]:
    """Bodies, keys and headers of all that lies in any queue, the dead letters too."""
    for queue, found in broker.queues().items():
        for message in found:
            body = base64.b64decode(str(message.pop("payload")))
            yield Piece("queues", queue, body)
            yield Piece("queues", f"{queue}, headers", json.dumps(message).encode())


def dumps(stack: Stack) -> Iterator[Piece]:
    """Every database as its backup would hold it: bytes are written in hex there."""
    address = stack.servers.postgres.address
    program = POSTGRES.find().with_name("pg_dump")
    for service, url in stack.stores.databases.items():
        database = urlsplit(url).path.removeprefix("/")
        where = ("-h", address.host, "-p", str(address.port), "-U", address.user)
        done = subprocess.run([program, *where, database], capture_output=True, check=True)
        yield Piece("databases", service, done.stdout)


def cache(stack: Stack) -> Iterator[Piece]:
    """Every key of Redis as it is kept, and what the server wrote to its disk for it."""
    with redis.Redis.from_url(stack.stores.redis) as client:
        for key in client.scan_iter(count=1000):
            yield Piece("redis", "a key", key)
            yield Piece("redis", repr(key), client.dump(key) or b"")
            if client.type(key) == b"string":
                yield Piece("redis", repr(key), client.get(key) or b"")
    home = stack.servers.redis.home
    for file in [*home.rglob("*.aof"), *home.rglob("*.rdb")]:
        yield Piece("redis", file.name, file.read_bytes())


def files(stack: Stack) -> Iterator[Piece]:
    """All that lies below the system's own folder."""
    for file in sorted(stack.home.rglob("*")):
        if file.is_file() and file.name not in PRIVATE:
            yield Piece("files", str(file.relative_to(stack.home)), bytes(file.name, "utf-8"))
            yield Piece("files", str(file.relative_to(stack.home)), file.read_bytes())


def answers(recorded: Iterable[httpx.Response]) -> Iterator[Piece]:
    """What people were answered: status line, headers and body."""
    for one in recorded:
        head = "\n".join(f"{name}: {value}" for name, value in one.headers.items())
        place = f"{one.request.method} {one.request.url.path} {one.status_code}"
        yield Piece("answers", place, head.encode())
        yield Piece("answers", place, one.content)
