"""Doing independent slow things at the same time, and hearing of every failure."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from localrun.body import StartError


def at_once(*jobs: Callable[[], object]) -> None:
    """Run all jobs in threads to their end; then raise what failed, several as one StartError."""
    with ThreadPoolExecutor(max(len(jobs), 1)) as pool:
        done = [pool.submit(job) for job in jobs]
    failed = [error for one in done if (error := one.exception())]
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise StartError("\n".join(str(error) for error in failed)) from failed[0]
