"""How a use case says no; the HTTP edge turns each into a problem.

Refusal
├── PlanRequired    the plan does not cover the platform
├── NotFound        no such connection of this user
├── WrongPlatform   the platform connects another way, or is switched off here
├── Overtaken       the account was removed while it was being connected
├── GatewayRefused  the gateway or the platform behind it said no; `code` says why
└── GatewaySilent   the gateway did not answer; asking again later may help
"""


class Refusal(Exception):
    """The request is not carried out."""


class PlanRequired(Refusal):
    """The plan does not cover the platform."""


class NotFound(Refusal):
    """No such connection of this user."""


class WrongPlatform(Refusal):
    """The platform connects another way, or is switched off here."""


class Overtaken(Refusal):
    """The account was removed while it was being connected."""


class GatewayRefused(Refusal):
    """The gateway or the platform behind it said no; `detail` explains it to a person.

    `again` tells that the same request may be answered otherwise later.
    """

    def __init__(self, status: int, code: str, detail: str, *, again: bool) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.again = again
        super().__init__(code)


class GatewaySilent(Refusal):
    """The gateway did not answer in time, or failed."""
