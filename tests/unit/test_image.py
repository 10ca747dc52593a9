"""The image holds what the processes need and nothing else: made on paper, its files really run."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

import pytest

from localrun.environment import TREE
from localrun.plan import SANDBOX, SERVICES
from support.compose import FOLDER, OURS

TEXT = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
LINES = [(line.split()[0], line.split()[1:]) for line in TEXT.splitlines() if line[:1].isupper()]
COPIED = [words for kind, words in LINES if kind == "COPY" and not words[0].startswith("--")]
ON_PATH = re.findall(r"(?<=/app/)[\w/-]+/src", TEXT)
RULES = [
    rule
    for rule in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    if rule and not rule.startswith("#")
]
LOOK = """
import json, runpy, sys
package, lacking, *sys.argv[1:] = sys.argv[1:]

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in lacking.split(","):
            raise ModuleNotFoundError(f"{name} is not locked")

sys.meta_path.insert(0, Lacking())
try:
    runpy.run_module(package, run_name="__main__", alter_sys=True)
except SystemExit:
    pass
files = [getattr(one, "__file__", None) or "" for one in sys.modules.values()]
print(json.dumps(files), file=sys.stderr)
"""


def kept_out(path: PurePosixPath) -> bool:
    """By the rules of Dockerfile.dockerignore: the last that fits decides."""
    out = False
    for rule in RULES:
        pattern = PurePosixPath(rule.removeprefix("!").removeprefix("**/"))
        places = [path, *path.parents[:-1]]
        if "**/" not in rule:
            places = [one for one in places if len(one.parts) == len(pattern.parts)]
        if any(place.match(str(pattern)) for place in places):
            out = not rule.startswith("!")
    return out


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Dockerfile would copy into /app."""
    app = tmp_path_factory.mktemp("image")
    for source, target in COPIED:
        found = TREE / source
        for file in [found] if found.is_file() else found.rglob("*"):
            path = file.relative_to(TREE)
            if file.is_file() and not kept_out(PurePosixPath(path)):
                place = app / target / path.relative_to(source) if found.is_dir() else app / path
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
    return app


def test_both_stages_start_from_the_same_minor_version() -> None:
    bases = [words[0] for kind, words in LINES if kind == "FROM"]
    assert bases == ["python:3.11-slim-bookworm"] * 2 + ["service"]


def test_every_source_is_copied_and_on_the_path(image: Path) -> None:
    sources = {str(path.relative_to(TREE)) for path in TREE.glob("*/*/src")}
    assert set(ON_PATH) == sources
    assert len(ON_PATH) == len(sources)
    assert all((image / source).is_dir() for source in sources)


def test_nothing_is_copied_that_no_process_reads(image: Path) -> None:
    files = [path.relative_to(image) for path in image.rglob("*") if path.is_file()]
    assert {file.suffix for file in files} == {".py", ".lock"}
    for part in {part for file in files for part in file.parts}:
        assert part not in {"tests", "__pycache__", ".env"}


def test_it_runs_as_nobody_in_particular_and_ends_when_told() -> None:
    (user,) = [words for kind, words in LINES if kind == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user[0])
    last = TEXT.rindex("RUN "), TEXT.index("USER ")
    assert last[0] < last[1]
    assert ("STOPSIGNAL", ["SIGTERM"]) in LINES
    assert 'ENTRYPOINT ["python", "-m"]' in TEXT


def test_d1_what_is_installed_is_what_was_locked() -> None:
    (install,) = [line for line in TEXT.splitlines() if "install " in line]
    for word in ("--require-hashes", "--no-deps", "--no-cache-dir", "-r requirements.lock"):
        assert word in install


def test_the_command_clipcast_is_there() -> None:
    assert "exec python -m cli" in TEXT
    assert list(TREE.glob("libs/*/src/cli/__main__.py"))


def test_compose_builds_only_stages_that_exist() -> None:
    stages = {words[2] for kind, words in LINES if kind == "FROM" and "AS" in words}
    assert {part["build"]["target"] for part in OURS.values()} <= stages


def unlocked() -> list[str]:
    """The modules here that the image will lack."""
    text = (TREE / "requirements.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)(?===|\[)", text, re.MULTILINE))
    return [
        module
        for module, names in packages_distributions().items()
        if not locked & {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    ]


@pytest.mark.parametrize("package", [*SERVICES.values(), SANDBOX, "cli"])
def test_a_process_starts_from_the_files_of_the_image_and_what_is_locked(
    package: str, image: Path
) -> None:
    sources = [source for source in ON_PATH if (SANDBOX in source) == (package == SANDBOX)]
    path = [*(str(image / source) for source in sources), sysconfig.get_path("purelib")]
    lacking = unlocked()
    assert "pytest" in lacking
    done = subprocess.run(  # -S: this environment's own .pth would lead back to the tree
        [sys.executable, "-S", "-c", LOOK, package, ",".join(lacking), "--help"],
        env={"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=image,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = [Path(file) for file in json.loads(done.stderr.splitlines()[-1])]
    assert any(file.match(f"{package}/__init__.py") for file in files)
    assert not [file for file in files if file.is_relative_to(TREE / "services")]
