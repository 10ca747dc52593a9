"""Where the browser goes after a platform's page: only to paths that the operator listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from common.contracts.words import Platform

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Returning:
    """`paths` has a `default`; callers name keys, never addresses (security.md O6)."""

    frontend_url: str
    paths: Mapping[str, str]

    def knows(self, key: str | None) -> bool:
        """Whether a flow may ask for it."""
        return key is None or key in self.paths

    def finished(self, key: str | None, platform: Platform, finish: str) -> str:
        """The owner said yes."""
        return self._url(key, {"platform": platform.value, "finish": finish})

    def failed(self, key: str | None, platform: Platform, error: str) -> str:
        """They did not, or something is wrong with the flow."""
        return self._url(key, {"platform": platform.value, "error": error})

    def _url(self, key: str | None, query: Mapping[str, str]) -> str:
        path = self.paths.get(key or DEFAULT, self.paths[DEFAULT])
        return f"{self.frontend_url}{path}?{urlencode(query)}"
