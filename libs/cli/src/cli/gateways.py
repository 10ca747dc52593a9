"""The gateways over HTTP: one call each, with the product's refusals made into failures."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from cli.failures import FAILED, NOT_ASKED, Failure, Refused, Silent
from cli.language import language, say
from cli.places import Places, how_to_set

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PATIENCE = httpx.Timeout(30, connect=15)
UPLOADING = httpx.Timeout(connect=15, read=600, write=120, pool=5)
"""After the last byte the store still looks at the file."""
LATER = frozenset({429, 502, 503, 504})
PAGE = 200
TRIES = 5


class Gateways:
    """Opened by a command, closed with it."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._clients: dict[str, httpx.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def ask(self, service: str, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - any JSON value
        """One call; the answer's JSON, None for an empty one. Raises Refused, Silent."""
        answer = self._called(service, method, path, **more)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise _no_service(service, answer) from None

    def once(self, service: str, path: str, key: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        """POST under an Idempotency-Key: said again when the answer was lost, done once."""
        for left in reversed(range(TRIES)):
            try:
                return self.ask(service, "POST", path, json=body, headers={"Idempotency-Key": key})
            except (Silent, Refused) as failure:
                if not left or failure.code not in ("no_answer", "idempotency_in_flight"):
                    raise
                time.sleep(1)
        raise AssertionError("the last try returns or raises")

    def page(
        self, service: str, path: str, limit: int, cursor: str | None = None, **query: str | None
    ) -> dict[str, Any]:
        """Up to `limit` items, of as many pages as that takes."""
        items: list[dict[str, Any]] = []
        while True:
            asked = {"limit": min(PAGE, limit - len(items)), "cursor": cursor} | query
            params = {name: value for name, value in asked.items() if value is not None}
            found = self.ask(service, "GET", path, params=params)
            items += found["items"]
            cursor = found["next_cursor"]
            if cursor is None or len(items) >= limit:
                return {"items": items, "next_cursor": cursor}

    def lines(self, service: str, path: str, kind: str) -> Iterator[str]:
        """A text answer of this media type, as it arrives."""
        client = self._client(service)
        try:
            with client.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                    raise self._problem(service, answer)
                told = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if answer.has_redirect_location or told != kind:
                    raise _no_service(service, answer)
                yield from answer.iter_text()
        except httpx.RequestError as error:
            raise _silent(service, client, error) from None

    def _called(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        client = self._client(service)
        try:
            answer = client.request(method, path, **more)
        except httpx.RequestError as error:
            raise _silent(service, client, error) from None
        if answer.is_error:
            raise self._problem(service, answer)
        if answer.has_redirect_location:
            raise _no_service(service, answer)
        return answer

    def _client(self, service: str) -> httpx.Client:
        if service not in self._clients:
            url = self.places.url(service)
            headers = {"Accept-Language": language(), "User-Agent": "clipcast"}
            if token := self.places.bearer(service):
                if not (token.isascii() and token.isprintable()):
                    raise _unauthorized(say("Это не токен.", "That is no token."))
                headers["Authorization"] = f"Bearer {token}"
            self._clients[service] = httpx.Client(
                base_url=url,
                headers=headers,
                timeout=PATIENCE,
                trust_env=urlsplit(url).hostname not in LOOPBACK,  # a proxy can't reach our own
            )
        return self._clients[service]

    def _problem(self, service: str, answer: httpx.Response) -> Failure:
        try:
            problem = answer.json()
            code, detail = str(problem["code"]), str(problem["detail"])
        except (ValueError, KeyError, TypeError):
            return _no_service(service, answer)
        flaws = problem.get("errors") or []
        if answer.status_code == 401:
            return _unauthorized(detail)
        lines = [*(_flaw(one) for one in flaws)]
        if wait := answer.headers.get("retry-after"):
            lines.append(say(f"Повторите через {wait} с.", f"Try again in {wait} s."))
        also = {"status": answer.status_code, "errors": flaws}
        if answer.status_code in LATER:
            return Silent(NOT_ASKED, code, detail, *lines, also=also)
        exit_code = NOT_ASKED if answer.status_code == 403 else FAILED
        return Refused(exit_code, code, detail, *lines, also=also)


def _flaw(flaw: Mapping[str, Any]) -> str:
    """Which target and field, and what is wrong with it."""
    target = flaw.get("target")
    where = f"--to [{target + 1}] " if isinstance(target, int) else ""
    return f"  {where}{flaw.get('field')}: {flaw.get('detail')}"


def _unauthorized(detail: str) -> Failure:
    return Refused(
        NOT_ASKED,
        "unauthorized",
        detail,
        say(
            "Возьмите токен у вашего продукта (для make up: make token) и задайте CLIPCAST_TOKEN "
            "или CLIPCAST_TOKEN_FILE.",
            "Get one from your product (for make up: make token) and set CLIPCAST_TOKEN "
            "or CLIPCAST_TOKEN_FILE.",
        ),
    )


def _silent(service: str, client: httpx.Client, error: httpx.RequestError) -> Silent:
    """Whether it was reached decides whether it may have done something."""
    away = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    why = str(error) or type(error).__name__
    return Silent(
        NOT_ASKED,
        "unreachable" if away else "no_answer",
        say(
            f"Сервис {service} не отвечает по адресу {client.base_url} ({why}).",
            f"{service} does not answer at {client.base_url} ({why}).",
        ),
        how_to_set(service),
    )


def _no_service(service: str, answer: httpx.Response) -> Failure:
    """A proxy's page, or something else that listens there. A proxy that got no answer itself
    may have passed the question on."""
    where, status = answer.url.copy_with(path="/", query=None), answer.status_code
    if status in LATER:
        told = say(
            f"Прокси перед {service} по адресу {where} не получил ответа ({status}).",
            f"A proxy before {service} at {where} got no answer ({status}).",
        )
        return Silent(NOT_ASKED, "no_answer", told)
    told = say(
        f"По адресу {where} отвечает ({status}) не {service}.",
        f"What answers at {where} ({status}) is not {service}.",
    )
    return Refused(NOT_ASKED, "unreachable", told, how_to_set(service))
