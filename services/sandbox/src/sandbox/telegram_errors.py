"""How the Bot API says no, so that every refusal keeps one envelope and one exact wording."""


class RefusedError(Exception):
    """An `ok: false` answer: HTTP status, description and `parameters`."""

    def __init__(
        self,
        code: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters: dict[str, int] = {}
        if retry_after is not None:
            self.parameters["retry_after"] = retry_after
        if migrate_to_chat_id is not None:
            self.parameters["migrate_to_chat_id"] = migrate_to_chat_id


def bad_request(text: str) -> RefusedError:
    """HTTP 400."""
    return RefusedError(400, f"Bad Request: {text}")


def forbidden(text: str) -> RefusedError:
    """HTTP 403."""
    return RefusedError(403, f"Forbidden: {text}")


def unauthorized() -> RefusedError:
    """HTTP 401: a well-formed token that BotFather has revoked, or never gave out."""
    return RefusedError(401, "Unauthorized")


def not_found(text: str = "") -> RefusedError:
    """HTTP 404: the cloud's answer to a malformed token (no text) or to an unknown method."""
    return RefusedError(404, f"Not Found: {text}" if text else "Not Found")


def too_large() -> RefusedError:
    """HTTP 413: the upload is over 50 MB."""
    return RefusedError(413, "Request Entity Too Large")


def too_many_requests(retry_after: int) -> RefusedError:
    """HTTP 429; the delay is told in the text, in `parameters` and in the header."""
    return RefusedError(
        429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after
    )


def migrated(chat_id: int) -> RefusedError:
    """HTTP 400 of a basic group that has become a supergroup with a new id."""
    return RefusedError(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        migrate_to_chat_id=chat_id,
    )
