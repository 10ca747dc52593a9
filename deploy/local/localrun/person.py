"""A person in front of the product: connects accounts, uploads, publishes and watches.

Walks the same HTTP interfaces as a frontend would. The demo and the end-to-end tests use it.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

ENDED = frozenset({"published", "failed", "cancelled", "uncertain"})
POLL_SECONDS = 0.2


class Refused(Exception):
    """The product answered with a problem."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, dict(problem)
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")


class Person:
    """One user with a bearer token."""

    def __init__(self, urls: Mapping[str, str], token: str, language: str = "en") -> None:
        self.urls = dict(urls)
        self._api = httpx.Client(
            headers={"Authorization": f"Bearer {token}", "Accept-Language": language},
            timeout=30,
            trust_env=False,
        )
        self.browser = httpx.Client(timeout=30, trust_env=False)

    def ask(self, service: str, method: str, path: str, **more: Any) -> Any:
        """One call; the answer's JSON. Raises Refused."""
        answer = self._api.request(method, self.urls[service] + path, **more)
        if answer.is_error:
            raise Refused(answer.status_code, answer.json())
        return answer.json() if answer.content else None

    def connect_by_consent(
        self, platform: str, account: str | None = None, **body: Any
    ) -> dict[str, Any]:
        """Really walk authorize, consent page, callback and finish."""
        path = f"/v1/connections/{platform}/authorize"
        started = self.ask("connections", "POST", path, json=body)
        landed = self.consent(started["authorize_url"], account=account)
        finished: dict[str, Any] = self.ask(
            "connections", "POST", "/v1/connections/finish", json={"finish": landed["finish"]}
        )
        return finished

    def consent(
        self, authorize_url: str, *, account: str | None = None, decision: str = "allow"
    ) -> dict[str, str]:
        """Answer the platform's page; the query with which the browser lands on the frontend."""
        page = self.browser.get(authorize_url)
        form = Form()
        form.feed(page.text)
        fields = {"account": account or form.accounts[0], "scope": form.scopes}
        answer = self.browser.post(
            urljoin(authorize_url, form.action), data=fields | {"decision": decision}
        )
        back = self.browser.get(answer.headers["location"])
        query = parse_qs(urlsplit(back.headers["location"]).query)
        return {name: values[0] for name, values in query.items()}

    def connect_by_token(self, platform: str, token: str, **more: Any) -> dict[str, Any]:
        """Paste a token."""
        body = {"platform": platform, "token": token, **more}
        linked: dict[str, Any] = self.ask("connections", "POST", "/v1/connections", json=body)
        return linked

    def upload(self, clip: Path) -> dict[str, Any]:
        """Put a file into the media store, streamed."""
        with clip.open("rb") as file:
            kept: dict[str, Any] = self.ask(
                "publisher",
                "PUT",
                f"/v1/media/{clip.name}",
                content=iter(lambda: file.read(1 << 20), b""),
                headers={"Content-Length": str(clip.stat().st_size)},
            )
        return kept

    def publish(self, **body: Any) -> list[dict[str, Any]]:
        """Ask for publications."""
        answer = self.ask("publisher", "POST", "/v1/publications", json=body)
        accepted: list[dict[str, Any]] = answer["publications"]
        return accepted

    def look(self, publication_id: str) -> dict[str, Any]:
        """One publication as it stands."""
        found: dict[str, Any] = self.ask("publisher", "GET", f"/v1/publications/{publication_id}")
        return found

    def watch(
        self,
        publication_ids: Iterable[str],
        *,
        seconds: float,
        until: Callable[[dict[str, Any]], bool] = lambda one: one["status"] in ENDED,
        show: Callable[[list[dict[str, Any]]], None] = lambda _: None,
    ) -> list[dict[str, Any]]:
        """Look again and again until all are as wanted. Raises TimeoutError with what is there."""
        wanted = list(publication_ids)
        deadline = time.monotonic() + seconds
        while True:
            found = [self.look(one) for one in wanted]
            show(found)
            if all(until(one) for one in found):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(
                    [(one["platform"], one["status"], one["stage"]) for one in found]
                )
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self.browser.close()


class Form(HTMLParser):
    """What a consent page offers."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.accounts: list[str] = []
        self.scopes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the form's address, accounts and rights."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = values["action"]
        elif tag == "option":
            self.accounts.append(values["value"])
        elif tag == "input" and values.get("name") == "scope":
            self.scopes.append(values["value"])
