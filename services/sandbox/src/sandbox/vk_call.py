"""One call of a VK API method: its parameters read as strictly as VK reads them."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.journal import Entry
from sandbox.vk_errors import ApiError, bad_parameter
from sandbox.vk_people import Token, User

TRUE, FALSE = ("1", "true"), ("0", "false", "")


@dataclass(frozen=True)
class Call:
    """`user` is None for community tokens."""

    method: str
    params: dict[str, str]
    token: Token
    user: User | None
    entry: Entry
    fault: str | None

    def person(self) -> User:
        """The user; methods that need one refuse community tokens before."""
        if self.user is None:
            raise ApiError(27)
        return self.user

    def flag(self, name: str) -> bool:
        """Only `1` and `true` are true; Python's `True` and `False` are not VK's."""
        value = self.params.get(name, "")
        if value not in TRUE + FALSE:
            self.entry.warn(f"{name}={value!r} is no boolean of VK; it counts as false")
        return value in TRUE

    def text(self, name: str, limit: int) -> str:
        value = self.params.get(name, "")
        if len(value) > limit:
            raise bad_parameter(f"{name} is too long, the limit is {limit}")
        return value

    def number(
        self, name: str, default: int | None = None, *, low: int | None = None, high: int = 2**63
    ) -> int:
        """Without `default` the parameter is required."""
        value = self.params.get(name, "")
        if not value:
            if default is None:
                raise bad_parameter(f"{name} is undefined")
            return default
        try:
            number = int(value)
        except ValueError as error:
            raise bad_parameter(f"{name} not integer") from error
        if low is not None and number < low:
            raise bad_parameter(f"{name} should be greater or equal to {low}")
        if number > high:
            raise bad_parameter(f"{name} should be less or equal to {high}")
        return number

    def words(self, name: str) -> list[str]:
        """A comma list, also under its `name[]` spelling."""
        value = self.params.get(name) or self.params.get(f"{name}[]") or ""
        return [word.strip() for word in value.split(",") if word.strip()]
