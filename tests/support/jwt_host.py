"""The host product: it signs tokens and publishes its keys, on a real socket, in any mood."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi import FastAPI, Response

MAKERS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Key:
    """One pair of keys."""

    def __init__(self, kid: str, algorithm: str = "ES256", private: Any = None) -> None:
        self.kid, self.algorithm = kid, algorithm
        self.private = private or MAKERS[algorithm]()

    def sign(self, kid: str | None = None, **changed: Any) -> str:
        """A token of this key; None removes a claim."""
        claims = {"sub": "anna", "aud": "clipcast", "exp": int(time.time()) + 600} | changed
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(given, self.private, self.algorithm, headers={"kid": kid or self.kid})

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half."""
        made = jwt.get_algorithm_by_name(self.algorithm)
        found: dict[str, Any] = made.to_jwk(self.private.public_key(), as_dict=True)
        return found | {"kid": self.kid, "use": "sig", "alg": self.algorithm}


class Host:
    """Answers with `listed`, or with whatever `answer` makes; counts who asks."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self.answer: Callable[[], Response] | None = None
        self.silence: asyncio.Event | None = None
        self.asked = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/keys")
        async def keys() -> Response:
            self.asked += 1
            if self.silence:
                await self.silence.wait()
            if self.answer:
                return self.answer()
            return Response(json.dumps({"keys": self.listed}), media_type="application/json")

        return app


def too_much() -> Response:
    """More than anybody wants to read."""
    return Response(b'{"keys": [' + b" " * 2**22 + b"]}")


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"x") -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
