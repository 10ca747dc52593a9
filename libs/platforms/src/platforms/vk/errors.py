"""VK's error codes as data (platforms/vk.md §4, from VKCOM/vk-api-schema errors.json)."""

from collections.abc import Mapping
from datetime import timedelta

from platforms.errors import (
    AccessRevoked,
    ContentRefused,
    NeedsHuman,
    NoRight,
    NotConfigured,
    NotYet,
    RateLimited,
    TokenExpired,
    Unavailable,
)
from platforms.reasons import Reason
from platforms.refusals import Refusal

AGAIN = Refusal(Unavailable)
UNCLEAR = Refusal(Unavailable, unclear=True)
OUR_FAULT = Refusal(NotConfigured)
NO_RIGHT = Refusal(NoRight)
TOKEN = Refusal(TokenExpired)
BAD_INPUT = Refusal(ContentRefused, Reason.BAD_REQUEST)
TEXT = Refusal(ContentRefused, Reason.TEXT_REFUSED)
CONFIRM = Refusal(NeedsHuman, Reason.VALIDATION)
TWO_FACTOR = Refusal(NeedsHuman, Reason.TWO_FACTOR)
CAPTCHA = Refusal(NeedsHuman, Reason.CAPTCHA)
DEAD = Refusal(AccessRevoked, Reason.ACCOUNT_BLOCKED)
GONE = Refusal(ContentRefused, Reason.GONE)

# VK never tells how long to wait; these waits are ours.
SECOND = Refusal(RateLimited, wait=timedelta(seconds=1))
HOUR = Refusal(NotYet, wait=timedelta(hours=1))
QUOTA = Refusal(NotYet, wait=timedelta(hours=6))

NOT_FOUND = 104
ACCESS_TO_VIDEO_DENIED = 204

ERRORS: Mapping[int, Refusal] = {
    1: UNCLEAR,  # unknown error
    2: OUR_FAULT,  # the application is switched off
    3: OUR_FAULT,  # unknown method, or closed for this application
    4: OUR_FAULT,  # signature
    5: TOKEN,
    6: SECOND,  # too many requests per second
    7: NO_RIGHT,
    8: OUR_FAULT,  # invalid request
    9: HOUR,  # flood control
    10: UNCLEAR,  # internal error
    11: OUR_FAULT,  # test mode
    13: OUR_FAULT,
    14: CAPTCHA,
    15: NO_RIGHT,  # see SUBCODES
    16: OUR_FAULT,  # HTTPS needed
    17: CONFIRM,
    18: DEAD,
    19: Refusal(ContentRefused, Reason.MODERATION),  # content blocked
    20: NO_RIGHT,
    21: NO_RIGHT,
    22: AGAIN,  # upload error
    23: OUR_FAULT,  # method switched off
    24: CONFIRM,
    25: TOKEN,
    27: NO_RIGHT,  # a community's token
    28: NO_RIGHT,  # an application's token
    29: QUOTA,
    30: NO_RIGHT,
    32: UNCLEAR,
    33: OUR_FAULT,
    34: OUR_FAULT,
    35: OUR_FAULT,
    36: UNCLEAR,  # the method timed out
    37: DEAD,
    38: BAD_INPUT,
    39: BAD_INPUT,
    40: BAD_INPUT,
    41: CONFIRM,
    42: OUR_FAULT,  # IP not allowed
    43: AGAIN,  # section unavailable
    100: BAD_INPUT,
    101: BAD_INPUT,
    103: BAD_INPUT,
    NOT_FOUND: GONE,
    105: AGAIN,
    106: AGAIN,
    113: BAD_INPUT,
    119: BAD_INPUT,
    125: BAD_INPUT,
    150: BAD_INPUT,
    200: NO_RIGHT,
    203: NO_RIGHT,
    ACCESS_TO_VIDEO_DENIED: NO_RIGHT,
    210: NO_RIGHT,
    214: NO_RIGHT,  # wall closed
    219: TEXT,
    220: TEXT,
    222: TEXT,
    224: TEXT,
    600: BAD_INPUT,
    603: BAD_INPUT,
    703: TWO_FACTOR,
    704: TWO_FACTOR,
    1105: HOUR,  # too many logins
    1114: TOKEN,
    1116: TOKEN,
    1117: TOKEN,
    1118: TOKEN,
    3001: Refusal(NotYet, wait=timedelta(seconds=30)),  # clip not processed yet
    3300: CAPTCHA,
    3301: CONFIRM,
    3302: CONFIRM,
    3303: CONFIRM,
    3304: CONFIRM,
    3609: TOKEN,
    3610: DEAD,
    3611: DEAD,
    9999: OUR_FAULT,
    11500: CONFIRM,
    13000: Refusal(NoRight, Reason.ACCOUNT_BLOCKED),  # active bans
}

SUBCODES: Mapping[tuple[int, int], Refusal] = {
    (15, 1133): Refusal(NoRight, Reason.SCOPE_MISSING),  # the token's scopes lack the method
    (15, 1134): OUR_FAULT,  # this kind of application may not
}


def refusal(code: int, subcode: int | None) -> Refusal:
    """The row for a code; an unknown code is tried again until the attempts are used up."""
    return SUBCODES.get((code, subcode or 0)) or ERRORS.get(code, AGAIN)
