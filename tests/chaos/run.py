"""`make chaos`: many publications and many faults, and at the end one question: was all of it kept?

python -m chaos.run [--seed N] [--minutes 10] [--publications 1000] [--short] [--home .local]

`--short` is for every change: each failpoint once, on each platform, under a small load.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM

from chaos import evidence, report
from chaos.book import Book
from chaos.crowd import Crowd
from chaos.evidence import Waiting
from chaos.faults import LAST_PART, schedule
from chaos.history import History
from chaos.leading import Leading
from chaos.plan import planned
from chaos.rolling import Rolling, rounds_in
from chaos.rounds import Rounds
from chaos.supervisor import Supervisor
from chaos.system import PAIRS, System, rates
from chaos.torture import Torturer
from localrun.environment import TREE
from localrun.plan import EVERY_PLATFORM

PEOPLE, FEW = 10, 4
SHORT = (1.2, 100)
"""Minutes and publications of a short run; it goes on until all failpoints had their turn."""
RESERVE = 1.02
"""A little more is asked for than has to be accepted."""
SETTLE_SECONDS = 200.0
TELL_SECONDS = 15.0


class Chaos:
    """One run."""

    def __init__(
        self, home: Path, *, seed: int, minutes: float, publications: int, short: bool
    ) -> None:
        self._seed = seed
        self._short = short
        self._people = FEW if short else PEOPLE
        self._seconds = minutes * 60
        self._wanted = publications
        self._rolls = 0 if short else rounds_in(self._seconds)
        workers = EVERY_PLATFORM if short else PAIRS
        self._system = System(home, seed, workers=workers, apart=short)
        self._book = Book()
        self._log = home / "faults.log"
        self._began = time.monotonic()
        self._never: list[str] = []

    async def run(self) -> report.Run:
        """All of it; whatever was started is ended, and kept only when something is wrong."""
        kept = True
        asyncio.get_running_loop().add_signal_handler(SIGTERM, _cancel(asyncio.current_task()))
        try:
            self._tell("starting servers and every process ...")
            await self._system.up()
            run = await self._torture()
            kept = bool(report.problems(report.told(run)))
        except asyncio.CancelledError:
            kept = False
            raise
        finally:
            await self._system.down(keep=kept)
        return run

    async def _torture(self) -> report.Run:
        supervisor = Supervisor(self._system)
        crowd = Crowd(self._system, self._book, self._people, seed=self._seed)
        leading = Leading(self._system, supervisor, crowd.accounts, self._book, seed=self._seed)
        torturer = Torturer(self._system, supervisor, leading, seed=self._seed, say=self._write)
        rolling = Rolling(self._system, supervisor, seed=self._seed, say=self._write)
        watching = [
            asyncio.create_task(supervisor.run()),
            asyncio.create_task(self._progress(torturer)),
        ]
        try:
            self._tell("people connect their accounts ...")
            await crowd.arrive()
            self._tell(f"{self._wanted} publications and faults for {self._seconds:.0f} s ...")
            await self._live(crowd, self._torment(torturer, supervisor, leading, rolling))
            self._tell("calm; waiting for everything to end ...")
            await torturer.calm()
            await crowd.mend()
            return await self._gathered(torturer, supervisor, rolling, await self._settled())
        finally:
            crowd.end()
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _live(self, crowd: Crowd, torment: Awaitable[None]) -> None:
        """People live while they are tormented; some come and go until both are done."""
        publications, rng = int(self._wanted * RESERVE) + 1, random.Random(self._seed)
        asks = planned(rng, self._people, publications, self._seconds * 0.9)
        async with asyncio.TaskGroup() as group:
            going = group.create_task(crowd.come_and_go())
            await asyncio.gather(crowd.live(asks), torment)
            crowd.leave()
            await going

    async def _torment(
        self, torturer: Torturer, supervisor: Supervisor, leading: Leading, rolling: Rolling
    ) -> None:
        if self._short:
            rounds = Rounds(self._system, supervisor, leading, say=self._write)
            await rounds.run()
            self._never = rounds.missing
            return
        lanes = schedule(self._seed, self._seconds, list(self._system.stack.members))
        await asyncio.gather(
            torturer.run(lanes, self._seconds),
            rolling.run(self._rolls, self._seconds * LAST_PART),
        )

    async def _settled(self) -> Waiting:
        """Wait until nothing is on its way, or until that takes too long; what still waits then.

        Statistics go on for ever, so a fact that is told after that says nothing.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            with suppress(OSError):
                publications = await evidence.unended(self._system)
                waiting = await evidence.waiting(self._system)
                if not publications and waiting.nothing:
                    return waiting
                if time.monotonic() > deadline:
                    self._tell(f"not ended in time: {publications} publications, {waiting}")
                    return waiting
            await asyncio.sleep(1)

    async def _gathered(
        self, torturer: Torturer, supervisor: Supervisor, rolling: Rolling, waiting: Waiting
    ) -> report.Run:
        history = History(
            accepted=list(self._book.accepted.values()),
            cancels=self._book.cancels,
            rows=await evidence.rows(self._system),
            timelines=await evidence.timelines(self._system),
            posts=await asyncio.to_thread(evidence.posts, self._system),
            calls=await asyncio.to_thread(evidence.calls, self._system),
            deaths=supervisor.deaths,
            rates=rates(),
            unsent=waiting.facts,
            left=waiting.messages,
        )
        fired: dict[str, dict[str, int]] = defaultdict(dict)
        for (point, action), count in supervisor.fired.items():
            fired[point][action] = count
        return report.Run(
            self._seed,
            self._wanted,
            time.monotonic() - self._began,
            history,
            torturer.done,
            fired,
            self._never if self._short else report.never_fired(fired),
            self._book.said,
            waiting.dead,
            rolling.rounds,
            self._rolls,
            rolling.ended,
        )

    async def _progress(self, torturer: Torturer) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            cancels = len(self._book.cancels)
            self._tell(
                f"{len(self._book.accepted)} accepted, {cancels} cancels answered, "
                f"{sum(torturer.done.values())} faults"
            )

    def _tell(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:6.0f} s  {what}", flush=True)  # noqa: T201 - a command's output

    def _write(self, what: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {what}\n")


def _cancel(task: "asyncio.Task[object] | None") -> Callable[[], object]:
    assert task is not None
    return task.cancel


def main(words: Sequence[str], say: Callable[[str], object] = print) -> int:
    """The command line; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(description="Faults against promises.")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--publications", type=int, default=1000)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--home", type=Path, default=TREE / ".local")
    arguments = parser.parse_args(words)
    home: Path = arguments.home.resolve()
    if arguments.short:
        arguments.minutes, arguments.publications = SHORT
    say(f"SEED={arguments.seed}")
    chaos = Chaos(
        home / "chaos",
        seed=arguments.seed,
        minutes=arguments.minutes,
        publications=arguments.publications,
        short=arguments.short,
    )
    try:
        run = asyncio.run(chaos.run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    told = report.told(run)
    report.write(told, home / "chaos.json")
    say(report.page(told))
    wrong = report.problems(told)
    for one in wrong:
        say(f"WRONG  {one}")
    say(f"Written to {home / 'chaos.json'}" + (f"; kept: {home / 'chaos'}" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
