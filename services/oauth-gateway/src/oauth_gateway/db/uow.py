"""oauth-gateway's unit of work: common's transaction with the credentials on it."""

from common.db.unit_of_work import UnitOfWork
from oauth_gateway.db import audit
from oauth_gateway.db.erasing import ErasingRows
from oauth_gateway.db.repositories import CredentialRows
from oauth_gateway.db.sealed import SealedRows
from oauth_gateway.domain.audit import Action, Subject


class GatewayUow(UnitOfWork):
    """app.ports.Work over PostgreSQL."""

    @property
    def credentials(self) -> CredentialRows:
        """The credentials."""
        return CredentialRows(self.connection)

    @property
    def erasing(self) -> ErasingRows:
        """Those on their way out."""
        return ErasingRows(self.connection)

    @property
    def sealed(self) -> SealedRows:
        """The credentials by their keys."""
        return SealedRows(self.connection)

    async def note(self, actor: str, action: Action, *about: Subject) -> None:
        """Write down in this transaction what it does."""
        await audit.add(self.connection, actor, action, *about)
