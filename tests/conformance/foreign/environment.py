"""An environment of their own for foreign client libraries: aiogram pins an older pydantic."""

import hashlib
import subprocess
import sys
from pathlib import Path

from localrun.lock import locked

HERE = Path(__file__).parent
LOCK = HERE.parent / "requirements.lock"
LOCAL = HERE.parents[2] / ".local"
ENVIRONMENT = LOCAL / "conformance-venv"


def foreign_python() -> Path:
    """The interpreter of an environment with exactly what the lock names; built when it changed.

    Several test workers may ask at once: the first one builds, the others wait.
    """
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    built = ENVIRONMENT / "lock.sha256"
    python = ENVIRONMENT / "bin" / "python"
    with locked(LOCAL / "conformance-venv.lock"):
        if not (python.exists() and built.exists() and built.read_text() == wanted):
            _run(sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT))
            _run(
                str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--require-hashes", "--requirement", str(LOCK),
            )  # fmt: skip
            built.write_text(wanted)
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
