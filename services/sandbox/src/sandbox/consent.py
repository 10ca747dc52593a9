"""The person at the consent page: shown the page, or answering by itself when a test says so."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Literal

from starlette.responses import HTMLResponse, Response

Mode = Literal["page", "allow", "deny"]


@dataclass(frozen=True)
class Decision:
    """What the person chose. `scopes` are those left on; `account` is an id of the offered ones."""

    allowed: bool
    account: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Ask:
    """A valid authorize request waiting for its person."""

    platform: str
    app: str
    scopes: tuple[str, ...]
    accounts: tuple[tuple[str, str], ...]  # id, shown name
    finish: Callable[[Decision], Response]  # redirects back to the app


class Consents:
    """Shared by VK ID, VK legacy and Yandex."""

    def __init__(self, mode: Mode) -> None:
        self._default_mode: Mode = mode
        self._waiting: dict[str, Ask] = {}
        self.reset()

    def reset(self) -> None:
        self.mode: Mode = self._default_mode
        self.scopes: frozenset[str] | None = None  # granted at most these; None: all asked
        self.without: frozenset[str] = frozenset()  # never granted
        self.account: str | None = None  # who is logged in; None: the first account
        self._waiting.clear()

    def ask(self, ask: Ask) -> Response:
        """Answer at once in the automatic modes, else show the page."""
        if self.mode == "page":
            ticket = secrets.token_urlsafe(16)
            self._waiting[ticket] = ask
            return HTMLResponse(_page(ticket, ask))
        offered = [account for account, _ in ask.accounts]
        account = self.account if self.account in offered else offered[0]
        granted = frozenset(ask.scopes) - self.without
        if self.scopes is not None:
            granted &= self.scopes
        return ask.finish(Decision(self.mode == "allow", account, granted))

    def decide(self, ticket: str, *, allowed: bool, account: str, scopes: list[str]) -> Response:
        """The page's form came back. A ticket works once."""
        ask = self._waiting.pop(ticket, None)
        if ask is None:
            return HTMLResponse("<p>This page has expired.</p>", 410)
        if account not in [offered for offered, _ in ask.accounts]:
            return HTMLResponse("<p>No such account.</p>", 400)
        return ask.finish(Decision(allowed, account, frozenset(scopes) & frozenset(ask.scopes)))


def _page(ticket: str, ask: Ask) -> str:
    accounts = "".join(
        f'<option value="{escape(account)}">{escape(name)}</option>'
        for account, name in ask.accounts
    )
    scopes = "".join(
        f'<li><label><input type="checkbox" name="scope" value="{escape(scope)}" checked> '
        f"{escape(scope)}</label></li>"
        for scope in ask.scopes
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{escape(ask.platform)}: access</title>
<h1>{escape(ask.platform)} (sandbox)</h1>
<p>The app <b>{escape(ask.app)}</b> asks for access.</p>
<form method="post" action="/_consent/{ticket}">
<p><label>Account <select name="account">{accounts}</select></label></p>
<ul>{scopes}</ul>
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form></html>"""
