"""A credential's tokens, each sealed for its connection, platform and field."""

import json
from uuid import UUID

from pydantic import SecretStr

from common.contracts.words import Platform
from oauth_gateway.domain.credential import Credential, Sealed
from oauth_gateway.vault.box import Box, Unreadable, key_of
from oauth_gateway.vault.keys import Keyring
from platforms.port import Grant

PURPOSE = "vault"


class TokenVault:
    """app.ports.Vault: grants in, three sealed columns out, and back."""

    def __init__(self, keyring: Keyring) -> None:
        self._box = Box(keyring, PURPOSE)

    def seal(self, connection_id: UUID, platform: Platform, grant: Grant) -> Sealed:
        """Seal each secret for its own field."""

        def field(name: str, value: str) -> bytes:
            return self._box.seal(value.encode(), str(connection_id), platform, name)

        refresh = grant.refresh_token
        return Sealed(
            access_token=field("access_token", grant.access_token.get_secret_value()),
            refresh_token=field("refresh_token", refresh.get_secret_value()) if refresh else None,
            extras=field("extras", json.dumps(dict(grant.extras))),
        )

    def nothing(self, connection_id: UUID, platform: Platform) -> Sealed:
        """What stands in a row whose tokens are lost."""
        return self.seal(connection_id, platform, Grant(SecretStr("")))

    def open(self, credential: Credential) -> Grant:
        """Raises Unreadable or UnknownKey."""

        def field(name: str, blob: bytes) -> str:
            place = (str(credential.connection_id), credential.platform, name)
            return self._box.open(blob, *place).decode()

        sealed = credential.sealed
        refresh = sealed.refresh_token
        fields = (sealed.access_token, sealed.refresh_token, sealed.extras)
        if len({key_of(blob) for blob in fields if blob is not None}) != 1:
            raise Unreadable("key")  # they are sealed together: not a secret that is missing
        return Grant(
            access_token=SecretStr(field("access_token", sealed.access_token)),
            refresh_token=None if refresh is None else SecretStr(field("refresh_token", refresh)),
            granted=credential.granted,
            extras=json.loads(field("extras", sealed.extras)),
        )
