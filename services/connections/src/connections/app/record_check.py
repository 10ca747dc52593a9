"""Records what the platform said about an account: fine, refused, or nothing at all."""

from typing import assert_never

from connections.app.expire import expire
from connections.app.ports import CheckAnswer, CheckResult, Uow
from connections.app.refusals import NotFound
from connections.domain.connection import Connection
from platforms.reasons import Reason

FOR_GOOD = frozenset(
    reason.value for reason in (Reason.TOKEN_REFUSED, Reason.ACCESS_REVOKED, Reason.ACCOUNT_BLOCKED)
)
"""Only connecting again helps. A right that is missing can be given back without us."""


async def record_check(uow: Uow, asked: Connection, answer: CheckAnswer) -> Connection:
    """The connection as it is now. Raises NotFound when it was removed meanwhile.

    An answer about an earlier grant than the present one says nothing about the present one.
    """
    known = await uow.connections.lock(asked.id)
    if known is None or known.user_id != asked.user_id or not known.live:
        raise NotFound
    if known.grant_number != asked.grant_number:
        return known
    match answer.result:
        case CheckResult.OK:
            proven = known.proven(uow.now())
            await uow.connections.save(proven)
            return proven
        case CheckResult.REFUSED if answer.detail is not None and answer.detail in FOR_GOOD:
            return await expire(uow, known, answer.detail)
        case CheckResult.REFUSED | CheckResult.UNKNOWN:
            return known
        case _:
            assert_never(answer.result)
