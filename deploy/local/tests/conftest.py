"""One private set of servers for these tests, started by several shells at the same time."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import servers as program
from servers import Servers

STARTERS = 3


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Left to other processes to start, so that every test also shows they outlive these."""
    home = tmp_path_factory.mktemp("servers")  # mode 0700: the user postgres can't enter
    command = (sys.executable, program.__file__, "up", "--home", str(home))
    shells = [subprocess.Popen(command) for _ in range(STARTERS)]
    assert [shell.wait(120) for shell in shells] == [0] * STARTERS
    yield Servers(home)
    Servers(home).wipe()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A second home, for a server that lives beside the shared ones."""
    return tmp_path / "beside"
