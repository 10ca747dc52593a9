"""How this service says no, where no platform did."""


class UnknownFlow(Exception):
    """The platform does not connect by OAuth, or `return_to` is not in our list."""


class NotPasted(Exception):
    """The platform does not connect by a pasted token, or needs a channel as well."""


class StateInvalid(Exception):
    """The flow is over, was never started, or was started by somebody else."""


class AccountMismatch(Exception):
    """Another account than the one this connection belongs to."""


class Gone(Exception):
    """There is no usable token and there will be none before the owner reconnects."""


class FlowsUnavailable(Exception):
    """The place where flows are kept does not answer, or this process lacks their secret."""
