"""What a person's browser does between our page and the platform's, and all that it carried."""

from collections.abc import Iterable
from urllib.parse import parse_qs, urljoin, urlsplit

from localrun.person import Form, Person


class Browser:
    """`passed` are the states and finish ids of every address that it was sent to."""

    def __init__(self, owner: Person, platform: str) -> None:
        self._owner, self._platform = owner, platform
        self.passed: set[str] = set()

    def come_back(
        self, account: str, decision: str = "allow", leave_out: Iterable[str] = ()
    ) -> dict[str, str]:
        """Consent, or don't; what the frontend is told."""
        back = self.consented(account, decision, leave_out)
        landed = self._owner.browser.get(back).headers["location"]
        told = parse_qs(urlsplit(landed).query)
        self.passed |= set(told.get("finish", ()))
        return {name: some[0] for name, some in told.items()}

    def consented(
        self, account: str, decision: str = "allow", leave_out: Iterable[str] = ()
    ) -> str:
        """The address of our callback, with all that the platform put into it."""
        path = f"/v1/connections/{self._platform}/authorize"
        url = self._owner.ask("connections", "POST", path, json={})["authorize_url"]
        self.passed |= set(parse_qs(urlsplit(url).query)["state"])
        form, browser = Form(), self._owner.browser
        form.feed(browser.get(url).text)
        scopes = [one for one in form.scopes if one not in set(leave_out)]
        fields = {"account": account, "scope": scopes, "decision": decision}
        return str(browser.post(urljoin(url, form.action), data=fields).headers["location"])
