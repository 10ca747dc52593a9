"""Every way through the system on which a secret travels: the good ones, and those that fail."""

import json
import secrets
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from localrun.environment import TREE
from localrun.person import ENDED, Person, Refused
from security.system.browser import Browser
from security.system.channels import Broker
from security.system.conftest import System

CLIP = TREE / "deploy/local/clip.mp4"
BROKEN = ("echo", "error_502_html", "html", "drop_after", "half_answer", "timeout_after")
OAUTH = {"vk": "vkid", "dzen": "yandex"}
CONNECTING = {
    "vk": (("vkid", "token"), ("vkid", "user_info")),
    "dzen": (("yandex", "token"), ("yandex", "info"), ("dzen", "me")),
    "rutube": (("rutube", "list"),),
    "telegram": (("telegram", "getMe"), ("telegram", "getChat"), ("telegram", "getChatMember")),
}
PUBLISHING: Mapping[str, tuple[str, ...]] = {
    "vk": ("video.save", "upload", "video.get"),
    "dzen": ("draft", "upload", "publish", "status"),
    "rutube": ("create", "status"),
    "telegram": ("sendVideo",),
}
CHECKING = {"vk": "users.get", "dzen": "me", "rutube": "list", "telegram": "getChat"}
SOON = timedelta(seconds=5)


def drive(system: System) -> set[str]:
    """All of it; the states and finish ids that went through browsers."""
    with ThreadPoolExecutor(4) as pool:
        platforms = [Journey(system, platform) for platform in CONNECTING]
        list(pool.map(Journey.run, platforms))
    _poisoned(system)
    platforms.append(_in_the_former_way(system))
    return {one for journey in platforms for one in journey.passed}


class Journey:
    """One platform's owner, who meets every fault there is."""

    def __init__(self, system: System, platform: str) -> None:
        self._system, self._platform = system, platform
        self._me = system.person()
        self._browser = Browser(self._me, platform)

    @property
    def passed(self) -> set[str]:
        """States and finish ids."""
        return self._browser.passed

    def run(self) -> None:
        """One thing after the other: an ordered fault hits whoever calls next."""
        self._connect_in_vain()
        self._mistype()
        self._publish()
        self._check()
        if self._platform in OAUTH:
            self._refresh()
        self._disconnect()

    def run_former(self) -> None:
        """VK's former OAuth: it alone sends the application's secret, and no verifier."""
        self._connect()
        self._connect_in_vain((("vk_oauth", "token"), ("vk", "users.get")))

    def _connect_in_vain(self, places: Iterable[tuple[str, str]] = ()) -> None:
        for place, step in places or CONNECTING[self._platform]:
            for kind in (*BROKEN, "token_refused"):
                self._fail(place, step, kind)
                self._refused(self._connect)
        if self._platform in OAUTH:
            self._refused(self._connect, decision="deny")
            self._refused(self._connect, leave_out={"video", "zen:write"})
            self._refused(self._connect, finisher=self._system.person())
            self._wander()

    def _mistype(self) -> None:
        """Tokens that were pasted wrongly, in every field where one may end up."""
        mark, call = self._system.mark, self._me.ask
        strange = f"123456789:{mark}{secrets.token_hex(12)[:23]}"
        hexed = mark + secrets.token_hex(14)
        for body in (
            {"platform": "telegram", "token": strange, "channel": "@clipcast_demo"},
            {"platform": "telegram", "token": hexed, "channel": hexed},
            {"platform": "rutube", "token": hexed},
            {"platform": "rutube", "token": [strange]},
            {"platform": "rutube", "token": {"a": strange}},
            {"platform": "rutube", "token": strange * 200},
            {"platform": "rutube", "token": hexed, "channel": strange},
            {"platform": hexed, "token": hexed},
            {"token": strange},
            [strange],
            strange,
        ):
            self._refused(call, "connections", "POST", "/v1/connections", json=body)
        broken = {
            "content": f'{{"token": "{strange}',
            "headers": {"content-type": "application/json"},
        }
        self._refused(call, "connections", "POST", "/v1/connections", **broken)
        for path in (f"/v1/connections/{hexed}", f"/v1/{hexed}", f"/v1/connections?cursor={hexed}"):
            self._refused(call, "connections", "GET", path)
        finish = {"finish": hexed}
        self._refused(call, "connections", "POST", "/v1/connections/finish", json=finish)

    def _publish(self) -> None:
        kinds = ("echo", "error_502_html", "half_answer", "token_refused")
        faults = [(step, kind) for step in PUBLISHING[self._platform] for kind in kinds]
        accounts = [self._connect() for _ in range(len(faults) + 1)]
        for step, kind in faults:
            own = "upload_error" if (self._platform, step) == ("vk", "upload") else kind
            self._fail(self._platform, step, own if kind == "token_refused" else kind)
        key = self._me.upload(CLIP)["key"]
        made = [
            one
            for some in _by(accounts, 20)
            for one in self._me.publish(
                clip_id=secrets.token_hex(6),
                media={"key": key},
                title="Clip",
                targets=[{"connection_id": one["id"]} for one in some],
            )
        ]
        self._wait()
        for one in made:
            self._me.ask("publisher", "GET", f"/v1/publications/{one['id']}/timeline")
            with suppress(Refused):
                path = f"/v1/stats/publications/{one['id']}"
                self._me.ask("stats-collector", "GET", path)
        self._me.ask("stats-collector", "GET", "/v1/stats/summary")

    def _wait(self, seconds: float = 90) -> None:
        """Until every publication ended, or waits for much longer than anybody here wants to."""
        deadline = time.monotonic() + seconds
        while True:
            page = self._me.ask("publisher", "GET", "/v1/publications?limit=100")
            if all(_settled(one) for one in page["items"]):
                return
            assert time.monotonic() < deadline, page
            time.sleep(0.5)

    def _check(self) -> None:
        path = f"/v1/connections/{self._connect()['id']}/test"
        for kind in (None, *BROKEN, "token_refused"):
            if kind:
                self._fail(self._platform, CHECKING[self._platform], kind)
            self._me.ask("connections", "POST", path)
        self._me.ask("connections", "GET", "/v1/connections?limit=100")

    def _refresh(self) -> None:
        for kind in (None, *BROKEN, "token_refused"):
            linked = self._connect()
            expire = {"platform": self._platform, "account": linked["account"]["id"]}
            self._system.sandbox.control.post("/_tokens/expire", json=expire).raise_for_status()
            if kind:
                self._fail(OAUTH[self._platform], "refresh", kind)
            self._me.ask("connections", "POST", f"/v1/connections/{linked['id']}/test")

    def _disconnect(self) -> None:
        for kind in (None, "echo", "error_502_html", "token_refused"):
            linked = self._connect()
            if kind and self._platform in OAUTH:
                self._fail(OAUTH[self._platform], "revoke", kind)
            self._me.ask("connections", "DELETE", f"/v1/connections/{linked['id']}")

    def _connect(self, **more: Any) -> dict[str, Any]:
        made = self._system.sandbox.account(self._platform)
        if self._platform in OAUTH:
            return self._consent(made["account"], **more)
        channel = {"channel": made["channel"]} if self._platform == "telegram" else {}
        return self._me.connect_by_token(self._platform, made["token"], **channel)

    def _consent(
        self,
        account: str,
        *,
        decision: str = "allow",
        leave_out: Iterable[str] = (),
        finisher: Person | None = None,
    ) -> dict[str, Any]:
        home = self._browser.come_back(account, decision, leave_out)
        body = {"finish": home.get("finish", "none")}
        answer: dict[str, Any] = (finisher or self._me).ask(
            "connections", "POST", "/v1/connections/finish", json=body
        )
        return answer

    def _wander(self) -> None:
        """The browser comes back with something else than it was sent with, or twice."""
        account = self._system.sandbox.account(self._platform)["account"]
        back = self._browser.consented(account)
        edited = back.replace("state=", "state=x")
        other = back.replace(f"/{self._platform}/", f"/{'dzen' if 'vk' in back else 'vk'}/")
        for url in (edited, other, back, back, f"{back}&error=invalid_scope"):
            self._me.browser.get(url)

    def _fail(self, platform: str, step: str, kind: str) -> None:
        self._system.sandbox.fail(platform, step, kind, seconds=1)

    @staticmethod
    def _refused(do: Any, *words: Any, **more: Any) -> None:
        with suppress(Refused):
            do(*words, **more)


def _settled(publication: dict[str, Any]) -> bool:
    again = publication["next_attempt_at"]
    later = datetime.now(UTC) + SOON
    return publication["status"] in ENDED or (
        again is not None and datetime.fromisoformat(again) > later
    )


def _by(some: list[dict[str, Any]], size: int) -> Iterable[list[dict[str, Any]]]:
    return (some[at : at + size] for at in range(0, len(some), size))


def _in_the_former_way(system: System) -> Journey:
    name, flow = "oauth-gateway-http", "VK_OAUTH_FLOW"
    settings = system.stack.members[name]._env
    settings[flow] = "legacy"
    system.stack.restart(name)
    journey = Journey(system, "vk")
    journey.run_former()
    del settings[flow]
    system.stack.restart(name)
    return journey


POISON = "p0150nedca5e"
"""In messages that nobody can read: they may lie in queues, and be shown nowhere else."""


def _poisoned(system: System) -> None:
    broker = Broker(system.stack)
    event = {"specversion": "1.0", "id": POISON, "type": "PlatformConnected.v1", "data": POISON}
    for body in (POISON, json.dumps({POISON: POISON}), json.dumps(event)):
        for exchange, key in (
            ("publisher.events", "PublicationRequested.v1.vk"),
            ("publisher.events", "PublicationPublished.v1"),
            ("connections.events", "PlatformConnected.v1"),
            ("connections.events", "PlatformDisconnected.v1"),
        ):
            broker.publish(exchange, key, body.encode())


def wait_for_dead_letters(broker: Broker, seconds: float = 20) -> None:
    """Until every poisoned message was put aside."""
    deadline = time.monotonic() + seconds
    while sum(len(some) for name, some in broker.queues().items() if name.endswith(".dead")) < 12:
        assert time.monotonic() < deadline, "the poisoned messages are nowhere"
        time.sleep(0.2)


def strangers(system: System) -> list[httpx.Response]:
    """Answers to people who are nobody."""
    wrong = {"Authorization": f"Bearer {system.mark}.{system.mark}.{system.mark}"}
    return [
        httpx.get(url + path, headers=wrong, trust_env=False)
        for service, url in system.stack.urls.items()
        if service != "sandbox"
        for path in ("/v1/connections", "/v1/publications", "/internal/v1/flows", "/readyz")
    ]
