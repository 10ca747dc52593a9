"""A process imports what it uses: the start of a worker is mostly that."""

import subprocess
import sys

import pytest

from localrun.plan import SERVICES

OF_TASKS = ("alembic", "mako")
"""Only `migrate` and the doctor need these."""
OF_TRACES = ("opentelemetry.sdk.trace", "opentelemetry.exporter")
"""Only those who tell a collector."""
OF_OTHERS = ("typer", "pytest", "cli", "sandbox")


@pytest.mark.parametrize("package", sorted(SERVICES.values()))
def test_a_process_loads_nothing_that_only_others_need(package: str) -> None:
    heavy = (*OF_TASKS, *OF_TRACES, *OF_OTHERS)
    program = (
        f"import sys, {package}.__main__\n"
        f"print(*(one for one in {heavy} if one in sys.modules), end='')"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.decode() == ""


def test_the_collector_of_garbage_works_again_once_everything_is_imported() -> None:
    program = (
        "import gc, runpy, sys, common.service\n"
        "sys.argv = ['connections', 'topology', '--rights']\n"
        "runpy.run_module('connections', run_name='__main__', alter_sys=True)\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 0, file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stderr.decode().split() == ["True", "True"]
