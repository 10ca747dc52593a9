"""oauth-gateway's unit of work: common's transaction with the credentials on it."""

from common.db.unit_of_work import UnitOfWork
from oauth_gateway.db.erasing import ErasingRows
from oauth_gateway.db.repositories import CredentialRows


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
