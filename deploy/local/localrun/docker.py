"""The way out where a program is missing and a Docker daemon answers: the same in a container.

The container keeps its data until it is removed; its ports are published on the loopback only.
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from localrun.body import StartError


@dataclass(frozen=True)
class Image:
    """What to run: the image, port inside → port outside, environment, words after the image."""

    name: str
    ports: Mapping[int, int]
    env: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


class DockerBody:
    """Runs a server as a container named after its folder."""

    def __init__(self, home: Path, image: Image) -> None:
        self._image = image
        digest = sha256(bytes(home)).hexdigest()[:12]
        self.container = f"clipcast-{digest}-{home.name}"

    @property
    def pid(self) -> int | None:
        state = docker("inspect", "-f", "{{.State.Pid}}", self.container)
        return int(state.stdout) or None if state.returncode == 0 else None

    def start(self) -> None:
        if docker("start", self.container).returncode == 0:
            return
        image = self._image
        words = ["run", "-d", "--name", self.container]
        for inside, outside in image.ports.items():
            words += ["-p", f"127.0.0.1:{outside}:{inside}"]
        for name, value in image.env.items():
            words += ["-e", f"{name}={value}"]
        done = docker(*words, image.name, *image.words)
        if done.returncode:
            raise StartError(f"docker run {image.name}: {done.stderr.strip()}")

    def stop(self) -> None:
        docker("unpause", self.container)
        docker("stop", self.container)

    def kill(self) -> None:
        docker("kill", self.container)

    def freeze(self) -> None:
        docker("pause", self.container)

    def thaw(self) -> None:
        docker("unpause", self.container)

    def log_tail(self) -> str:
        logs = docker("logs", "--tail", "25", self.container)
        return logs.stdout + logs.stderr

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.container)


def daemon_answers() -> bool:
    """True when a Docker daemon can be used."""
    return shutil.which("docker") is not None and docker("version").returncode == 0


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the docker client."""
    return subprocess.run(("docker", *words), capture_output=True, text=True, check=False)
