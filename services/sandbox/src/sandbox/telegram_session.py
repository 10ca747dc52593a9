"""The methods that move a bot between servers: logOut and close."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from sandbox.telegram_call import Call
from sandbox.telegram_errors import bad_request, too_many_requests

LOCKED_FOR = timedelta(minutes=10)


def log_out(call: Call) -> bool:
    """From now on, and for ten minutes, this server does not know the bot."""
    call.bot.logged_out_until = call.now + LOCKED_FOR
    return True


def close(call: Call) -> bool:
    """RefusedError in the first ten minutes after the bot was started."""
    wait = (call.bot.launched + LOCKED_FOR - call.now).total_seconds()
    if wait > 0:
        raise too_many_requests(ceil(wait))
    call.bot.launched = call.now
    return True


def require_logged_in(call: Call) -> None:
    """Raises as the cloud does after logOut."""
    if call.bot.logged_out_until is not None and call.now < call.bot.logged_out_until:
        raise bad_request("the bot has already been logged out")
