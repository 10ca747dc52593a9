"""Finds the three servers' programs, or gets them, without starting or changing anything else."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from localrun.addresses import How
from localrun.binaries import EPMD, POSTGRES, PSQL, RABBITMQ, REDIS, MissingError, Program
from localrun.body import StartError
from localrun.docker import daemon_answers
from localrun.lock import locked

NEEDED = {
    "postgres": (POSTGRES, PSQL),
    "rabbitmq": (RABBITMQ, EPMD),
    "redis": (REDIS,),
}
POLICY = Path("/usr/sbin/policy-rc.d")
LOCK = Path("/run/lock/clipcast-apt")
"""Of the whole machine: so are apt and the policy."""


def provide() -> dict[str, How]:
    """How each server will run; installs what is missing where that is possible."""
    if _missing() and _can_apt():
        _apt_install(sorted({package for packages in _missing().values() for package in packages}))
    missing = _missing()
    if missing and not daemon_answers():
        packages = sorted({package for packages in missing.values() for package in packages})
        raise StartError(
            f"{', '.join(missing)} missing, and no Docker daemon answers. "
            f"Install them: sudo apt-get install {' '.join(packages)}"
        )
    return {name: "docker" if name in missing else "native" for name in NEEDED}


def provide_program(program: Program) -> Path:
    """Where a program is; installs it where that is possible."""
    if program.missing and _can_apt():
        _apt_install([program.package])
    try:
        return program.find()
    except MissingError as error:
        raise StartError(f"{error}. Install it: sudo apt-get install {program.package}") from error


def _missing() -> dict[str, list[str]]:
    lacking = {
        name: [program.package for program in programs if program.missing]
        for name, programs in NEEDED.items()
    }
    return {name: packages for name, packages in lacking.items() if packages}


def _can_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt_install(packages: Sequence[str]) -> None:
    print(f"Installing {' '.join(packages)} with apt (their own services stay off) …", flush=True)
    with locked(LOCK), services_kept_off(POLICY):
        install = ("install", "-y", "--no-install-recommends", "--no-upgrade", *packages)
        if _apt_get(*install).returncode == 0:
            return
        _apt_get("update")  # a bare image has no package lists
        done = _apt_get(*install)
    if done.returncode:
        raise StartError(f"apt-get could not install {' '.join(packages)}:\n{done.stdout[-2000:]}")


def _apt_get(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("apt-get", "-q", *words),
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@contextmanager
def services_kept_off(policy: Path) -> Iterator[None]:
    """Tell Debian's scripts not to start what they install; an existing policy stays in force."""
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()
