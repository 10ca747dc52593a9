"""Carries out a schedule of faults and counts what was really done."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import quote

from chaos.faults import Fault
from chaos.leading import Leading
from chaos.proxy import Proxy, Way
from chaos.supervisor import Supervisor
from chaos.system import System

SLOW = (0.5, 0.3)
"""Seconds and jitter of `delay`: far below the quarantine, also on the way to the platforms."""
NARROW = 1_000_000
"""Bytes a second of `limit`: a clip gets through in less than a quarantine, though its sender may
have died meanwhile and only the kernel still sends."""
AWHILE = 2_000
"""Bytes of `drop_after`."""
AGAIN = 12.0
"""Seconds after which it is made likelier that somebody passes a point."""
SHRUG = {"raise"}
"""Actions at failpoints that are tools to get somewhere, not faults to be covered."""


class Torturer:
    """One run's faults."""

    def __init__(
        self,
        system: System,
        supervisor: Supervisor,
        leading: Leading,
        *,
        seed: int,
        say: Callable[[str], None],
    ) -> None:
        self._system = system
        self._supervisor = supervisor
        self._leading = leading
        self._random = random.Random(seed)
        self._say = say
        self._done: Counter[str] = Counter()

    async def run(self, lanes: Sequence[Sequence[Fault]], seconds: float) -> None:
        """All lanes to their ends, orders at failpoints for `seconds` at most: nobody may pass.

        A fault that can't be carried out is told and not counted.
        """
        began = time.monotonic()
        *side_by_side, failpoints = lanes
        async with asyncio.TaskGroup() as group:
            for lane in side_by_side:
                group.create_task(self._lane(lane, began))
            group.create_task(self._arm(failpoints, began, seconds))

    async def calm(self) -> None:
        """Undo everything that lasts."""
        self._supervisor.disarm()
        for proxy in self._system.proxies.values():
            await proxy.calm()
        for order in await asyncio.to_thread(self._system.sandbox.faults):
            self._done[f"platform {order['kind']}"] += order["done"]
        await asyncio.to_thread(self._system.sandbox.calm)
        await asyncio.to_thread(self._system.stack.thaw, "sandbox")
        for server in self._system.servers.all:
            await asyncio.to_thread(server.thaw)
            await asyncio.to_thread(server.start)
        await self._supervisor.settle()

    @property
    def done(self) -> Counter[str]:
        """Executed faults by kind."""
        fired = Counter[str]()
        for (_, action), count in self._supervisor.fired.items():
            if action not in SHRUG:
                fired[f"failpoint {action}"] += count
        return self._done + fired

    async def _lane(self, lane: Sequence[Fault], began: float) -> None:
        for fault in lane:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            self._say(str(fault))
            try:
                await self._do(fault)
            except Exception as error:  # noqa: BLE001 - a fault that fails is no reason to stop
                self._say(f"       could not be done: {fault}: {error!r}")

    async def _arm(self, lane: Sequence[Fault], began: float, seconds: float) -> None:
        """Orders wait for their turn while their point still has an older one."""
        waiting, lead_at = list(lane), AGAIN
        while waiting and (now := time.monotonic() - began) < seconds:
            armed = self._supervisor.armed()
            for fault in [one for one in waiting if one.at <= now]:
                if fault.target not in armed:
                    self._say(str(fault))
                    self._supervisor.arm(fault.target, fault.kind.split()[1])
                    armed.add(fault.target)
                    waiting.remove(fault)
            if now > lead_at:
                lead_at = now + AGAIN
                for point in armed:
                    await self._lead(point)
            await asyncio.sleep(0.3)

    async def _lead(self, point: str) -> None:
        """Help on what is still waiting; servers may be away just now."""
        with suppress(Exception):
            await self._leading.to(point)

    async def _do(self, fault: Fault) -> None:
        match fault.kind.split():
            case ["kill", "process"]:
                await self._supervisor.kill(fault.target)
            case ["freeze", "process"]:
                await self._supervisor.freeze(fault.target)
            case [action, "server"]:
                await self._server(action, fault)
            case ["platform", kind]:
                platform, step = fault.target.split()
                order = self._system.sandbox.fail
                await asyncio.to_thread(order, platform, step, kind, fault.seconds or None)
                return  # counted when the platform has done it
            case ["expire", "token"]:
                await self._leading.expire(fault.target)
            case ["purge"]:
                await asyncio.to_thread(self._purge, fault.target)
            case ["poison"]:
                await self._leading.poison()
            case _:
                await self._network(fault)
        self._done[self._kind(fault)] += 1

    @staticmethod
    def _kind(fault: Fault) -> str:
        where = {"postgres", "rabbitmq", "redis", "sandbox"}
        return f"{fault.kind} {fault.target}" if fault.target in where else fault.kind

    async def _server(self, action: str, fault: Fault) -> None:
        if fault.target == "sandbox":
            await asyncio.to_thread(self._system.stack.freeze, "sandbox")
            await asyncio.sleep(fault.seconds)
            await asyncio.to_thread(self._system.stack.thaw, "sandbox")
            return
        server = {one.name: one for one in self._system.servers.all}[fault.target]
        match action:
            case "kill":
                await asyncio.to_thread(server.kill)
                await asyncio.sleep(fault.seconds)
            case "freeze":
                await asyncio.to_thread(server.freeze)
                await asyncio.sleep(fault.seconds)
                await asyncio.to_thread(server.thaw)
            case _:
                await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)

    async def _network(self, fault: Fault) -> None:
        proxy = self._system.proxies[fault.target]
        match fault.kind:
            case "cut":
                proxy.cut()
            case "rst":
                proxy.rst()
            case "half_close":
                proxy.half_close(self._random.choice(list(Way)))
            case _:
                self._lasting(proxy, fault.kind)
                await asyncio.sleep(fault.seconds)
                await proxy.calm()

    @staticmethod
    def _lasting(proxy: Proxy, kind: str) -> None:
        match kind:
            case "refuse":
                proxy.refuse()
            case "delay":
                proxy.delay(*SLOW)
            case "blackhole":
                proxy.blackhole()
            case "lose answers":
                proxy.blackhole((Way.TO_CLIENT,))
            case "lose requests":
                proxy.blackhole((Way.TO_SERVER,))
            case "limit":
                proxy.limit(NARROW)
            case "drop_after":
                proxy.drop_after(AWHILE)
            case _:
                raise ValueError(kind)

    def _purge(self, queue: str) -> None:
        stem = queue.removesuffix("*")
        rabbitmq, vhost = self._system.servers.rabbitmq, quote(self._system.stack.stores.name)
        _, queues = rabbitmq.api("GET", f"/api/queues/{vhost}")
        for one in queues:
            if one["name"] == queue or (stem != queue and one["name"].startswith(stem)):
                rabbitmq.api("DELETE", f"/api/queues/{vhost}/{quote(one['name'])}/contents")
