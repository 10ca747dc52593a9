"""The look at the database before a process listens, and how it ends when that shows a mistake."""

import asyncio
import sys
import time
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

from common.db.engine import connect
from oauth_gateway.app.open_vault import SecretMissing, SecretWrong, Shut, open_vault
from oauth_gateway.db.uow import GatewayUow
from oauth_gateway.settings import GatewaySettings
from oauth_gateway.vault.keys import Fingerprints

PATIENCE_SECONDS = 30.0
"""A database that has only just been started is waited for."""
BAD_SECRET = 2
NO_DATABASE = 3


def opened(settings: GatewaySettings) -> Fingerprints:
    """What names tokens here; ends the process when the secrets don't open what is stored."""
    try:
        return asyncio.run(_opened(settings))
    except SecretMissing as missing:
        _end(BAD_SECRET, told(missing, settings))
    except SecretWrong:
        _end(
            BAD_SECRET,
            "PLATFORM_TOKEN_SECRET: it does not open what this database keeps; "
            "the row in kept_keys was changed, or this is another system's database",
        )
    except (SQLAlchemyError, OSError) as error:
        _end(NO_DATABASE, f"DATABASE_URL: the database can't be read ({type(error).__name__})")


def told(missing: SecretMissing, settings: GatewaySettings) -> str:
    """Key ids and numbers of rows; nobody can tell a secret from them."""
    given = "the secrets given are those of " + ", ".join(key.hex() for key in settings.keyring.ids)
    former = "Add the former secret to PLATFORM_TOKEN_SECRET_PREVIOUS"
    if not any(shut.credentials for shut in missing.sealed.values()):
        return (
            f"PLATFORM_TOKEN_SECRET: key {', '.join(missing.sealed)} was used here: it seals no "
            f"credential, but the row of kept_keys, and {given}. {former} and run "
            "`python -m oauth_gateway reseal`, which moves that row"
        )
    rows = ", ".join(_row(key, shut) for key, shut in missing.sealed.items())
    return (
        f"PLATFORM_TOKEN_SECRET: {rows}, and {given}. {former}; before one is taken away, run "
        "`python -m oauth_gateway reseal` until `python -m oauth_gateway keys` shows 0 for it"
    )


def _row(key: str, shut: Shut) -> str:
    named = f" ({', '.join(map(str, shut.connections))})" if shut.connections else ""
    return f"{shut.credentials} credentials are sealed under key {key}{named}"


async def _opened(settings: GatewaySettings) -> Fingerprints:
    engine = connect(settings.database_url, "oauth-gateway", size=1)
    give_up = time.monotonic() + PATIENCE_SECONDS
    try:
        while True:
            try:
                return await open_vault(lambda: GatewayUow(engine), settings.keyring)
            except (SQLAlchemyError, OSError):
                if time.monotonic() >= give_up:
                    raise
            await asyncio.sleep(1)
    finally:
        await engine.dispose()


def _end(code: int, why: str) -> NoReturn:
    print(why, file=sys.stderr)  # noqa: T201 - as bad settings are told
    raise SystemExit(code)
