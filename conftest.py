"""Fixtures that every package's tests may ask for, and who runs which tests when several do."""

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["support.servers"]

TOGETHER = (
    "tests/e2e/",
    "tests/security/system/",
    "tests/pace/",
    "deploy/local/tests/",
    "tests/conformance/foreign/",
)
"""Folders whose tests share something that takes long to start: one worker runs each."""


class ByFolder(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Tests of a file stay together, and those of some folders."""

    def _split_scope(self, nodeid: str) -> str:
        for folder in TOGETHER:
            if nodeid.startswith(folder):
                return folder
        return nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFolder:
    """xdist's own groups go unnoticed with this pytest: it marks them in a field that is gone."""
    return ByFolder(config, log)
