"""What only RabbitMQ's administrator can ask: the user's exact rights, and alarms.

The processes don't know the administrator's addresses; whoever wants these lines gives the doctor
those of the task `topology`.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from common.bus import rights
from common.bus.subscription import Queue
from common.doctor.finding import SECONDS, Finding
from common.settings import Privileged, Settings, read

NAMES = "RABBITMQ_ADMIN_URL and RABBITMQ_MANAGEMENT_URL"


async def asked(
    settings: Settings, service: str, own: Sequence[Queue], topology: str
) -> AsyncIterator[Finding]:
    """Two lines, or one that says why there are none."""
    privileged, _ = read(Privileged)
    admin, management = privileged.rabbitmq_admin_url, privileged.rabbitmq_management_url
    if admin is None or management is None:
        why = f"alarms and exact rights are not asked: that takes {NAMES}"
        yield Finding("broker management", None, why)
        return
    boss = urlsplit(admin.get_secret_value())
    login = (unquote(boss.username or ""), unquote(boss.password or ""))
    user = urlsplit(settings.rabbitmq_url.get_secret_value())
    vhost = quote(unquote(user.path[1:]) or "/", safe="")
    here = f"{vhost}/{quote(unquote(user.username or ''), safe='')}"
    try:
        async with httpx.AsyncClient(
            base_url=management, auth=login, timeout=SECONDS, trust_env=False
        ) as client:
            alarms = await client.get("/api/health/checks/alarms")
            given = await client.get(f"/api/permissions/{here}")
            topics = await client.get(f"/api/topic-permissions/{here}")
    except httpx.HTTPError as error:
        why = f"RABBITMQ_MANAGEMENT_URL does not answer ({type(error).__name__})"
        yield Finding("broker management", None, why, f"mend {NAMES}")
        return
    if alarms.status_code == httpx.codes.UNAUTHORIZED:
        yield Finding("broker management", None, "the login is refused", f"mend {NAMES}")
        return
    mend = "free memory or disk: publishing is blocked while an alarm lasts"
    calm = alarms.status_code == httpx.codes.OK
    yield Finding("broker alarms", calm, "none" if calm else "memory or disk runs out", mend)
    odd = _odd(rights.needed(service, own), _body(given), _body(topics))
    yield Finding(
        "broker rights, exactly",
        not odd,
        f"other than needed: {', '.join(odd)}" if odd else "what the service needs and no more",
        f"{topology}: it gives them; `{topology} --rights` prints them",
    )


def _body(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    return answer.json() if answer.status_code == httpx.codes.OK else None


def _odd(needed: rights.Rights, given: Any, topics: Any) -> list[str]:  # noqa: ANN401 - JSON
    given = given or {}
    odd = [
        name for name in ("configure", "write", "read") if given.get(name) != getattr(needed, name)
    ]
    wanted = {"exchange": needed.topics.exchange, "write": needed.topics.write}
    told = [one for one in topics or () if all(one.get(key) == wanted[key] for key in wanted)]
    return odd if told else [*odd, "topics"]
