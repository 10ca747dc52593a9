"""Tokens that somebody put together, each wrong in a way of its own."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.jwt_host import Key, unsigned
from support.people import JWT_SECRET

ISSUER = "https://product.example"
RSA, EC, STRANGER = Key("rsa", "RS256"), Key("ec", "ES256"), Key("stranger", "RS256")
OCTETS = {
    "kty": "oct",
    "kid": "octets",
    "alg": "HS256",
    "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
}
NOW = int(time.time())
CLAIMS: dict[str, Any] = {
    "sub": "anna",
    "aud": "clipcast",
    "iss": ISSUER,
    "iat": NOW,
    "exp": NOW + 6000,
}


@dataclass(frozen=True)
class Forger:
    """Signs as the host product does, in one of the two ways it may."""

    kind: str

    def sign(self, headers: dict[str, Any] | None = None, **changed: Any) -> str:
        claims = {name: one for name, one in (CLAIMS | changed).items() if one is not None}
        if self.kind == "secret":
            return jwt.encode(claims, JWT_SECRET, "HS256", headers=headers)
        return jwt.encode(claims, RSA.private, "RS256", headers={"kid": "rsa", **(headers or {})})

    def by_hand(self, header: str, claims: str) -> str:
        """With a good signature over whatever text."""
        parts = [base64.urlsafe_b64encode(one.encode()).rstrip(b"=") for one in (header, claims)]
        algorithm = jwt.get_algorithm_by_name("HS256" if self.kind == "secret" else "RS256")
        key = algorithm.prepare_key(JWT_SECRET) if self.kind == "secret" else RSA.private
        signature = base64.urlsafe_b64encode(algorithm.sign(b".".join(parts), key)).rstrip(b"=")
        return b".".join([*parts, signature]).decode()

    @property
    def header(self) -> dict[str, Any]:
        return (
            {"typ": "JWT", "alg": "HS256"}
            if self.kind == "secret"
            else {"alg": "RS256", "kid": "rsa"}
        )


def with_public_key(algorithm: str) -> str:
    """HS/RS confusion: what everybody may know is used as the shared secret."""
    public = RSA.private.public_key()
    forms = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(RSA.jwk).encode(),
    }
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(CLAIMS).encode()).rstrip(b"=")
    made = jwt.get_algorithm_by_name("HS256")
    signature = made.sign(header + b"." + body, forms[algorithm])
    return b".".join([header, body, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def edited(token: str) -> str:
    """Another user under a signature that was good."""
    header, _, signature = token.split(".")
    claims = base64.urlsafe_b64encode(json.dumps(CLAIMS | {"sub": "boris"}).encode()).rstrip(b"=")
    return f"{header}.{claims.decode()}.{signature}"


FORGED: dict[str, Callable[[Forger], str]] = {
    "no algorithm": lambda _: unsigned({"alg": "none"}, CLAIMS, b""),
    "no algorithm, a signature": lambda _: unsigned({"alg": "none", "kid": "rsa"}, CLAIMS),
    "NoNe": lambda _: unsigned({"alg": "NoNe", "kid": "rsa"}, CLAIMS),
    "no header": lambda _: unsigned({}, CLAIMS),
    "the public key as the secret, PEM": lambda _: with_public_key("PEM"),
    "the public key as the secret, DER": lambda _: with_public_key("DER"),
    "the public key as the secret, JWK": lambda _: with_public_key("JWK"),
    "a symmetric key of the list": lambda _: jwt.encode(
        CLAIMS, "secret" * 6, "HS256", headers={"kid": "octets"}
    ),
    "a key under another's id": lambda _: EC.sign("rsa", **CLAIMS),
    "another secret": lambda _: jwt.encode(CLAIMS, "x" * 40, "HS256"),
    "an empty secret": lambda _: unsigned({"alg": "HS256"}, CLAIMS, b"\0" * 32),
    "a longer hash": lambda _: jwt.encode(CLAIMS, JWT_SECRET * 2, "HS512"),
    "another audience": lambda f: f.sign(aud="somebody"),
    "no audience": lambda f: f.sign(aud=None),
    "another issuer": lambda f: f.sign(iss="https://evil.example"),
    "no issuer": lambda f: f.sign(iss=None),
    "expired": lambda f: f.sign(exp=NOW - 3600),
    "expires at a word": lambda f: f.sign(exp="tomorrow"),
    "never expires": lambda f: f.sign(exp=None),
    "expires at infinity": lambda f: f.by_hand(
        json.dumps(f.header), json.dumps(CLAIMS | {"exp": float("inf")})
    ),
    "expires after all numbers": lambda f: f.by_hand(
        json.dumps(f.header), json.dumps(CLAIMS)[:-1] + ', "extra": 1e999}'
    ),
    "expires in too many years": lambda f: f.sign(exp=10**400),
    "not yet": lambda f: f.sign(nbf=NOW + 3600),
    "issued later": lambda f: f.sign(iat=NOW + 3600),
    "no user": lambda f: f.sign(sub=None),
    "an empty user": lambda f: f.sign(sub=""),
    "a user that is a number": lambda f: f.by_hand(
        json.dumps(f.header), json.dumps(CLAIMS | {"sub": 7})
    ),
    "a user with a control sign": lambda f: f.sign(sub="anna\0"),
    "huge": lambda f: f.sign(more="x" * 9000),
    "an unknown key": lambda _: STRANGER.sign(**CLAIMS),
    "no key id and a stranger's key": lambda _: jwt.encode(CLAIMS, STRANGER.private, "RS256"),
    "a key id that is a path": lambda _: STRANGER.sign("../../dev/null", **CLAIMS),
    "its own key set": lambda _: jwt.encode(
        CLAIMS, STRANGER.private, "RS256", headers={"kid": "x", "jku": "http://127.0.0.1:1/"}
    ),
    "its own certificate": lambda _: jwt.encode(
        CLAIMS, STRANGER.private, "RS256", headers={"kid": "x", "x5u": "http://127.0.0.1:1/"}
    ),
    "its own key": lambda _: jwt.encode(
        CLAIMS, STRANGER.private, "RS256", headers={"kid": "rsa", "jwk": STRANGER.jwk}
    ),
    "a claim twice": lambda f: f.by_hand(
        json.dumps(f.header), json.dumps(CLAIMS)[:-1] + ', "sub": "boris"}'
    ),
    "the algorithm twice": lambda f: f.by_hand(
        '{"alg": "none", ' + json.dumps(f.header)[1:], json.dumps(CLAIMS)
    ),
    "critical and unknown": lambda f: f.sign(headers={"crit": ["sudo"], "sudo": True}),
    "another user put in": lambda f: edited(f.sign()),
    "a signature cut off": lambda f: f.sign().rpartition(".")[0] + ".",
    "two parts": lambda f: f.sign().rpartition(".")[0],
    "five parts": lambda f: f"{f.sign()}.x.y",
    "brackets in the header": lambda f: f.by_hand("[" * 3000, "{}"),
    "brackets in the claims": lambda f: unsigned(f.header, {})[:40] + "." + "W1tb" * 1500 + ".eA",
    "a list for claims": lambda f: f.by_hand(json.dumps(f.header), "[]"),
    "spaces": lambda f: f" {f.sign()} x",
    "garbage": lambda _: "garbage",
    "dots": lambda _: "..",
    "letters of the world": lambda _: "клипкаст",
}  # fmt: skip
SCHEMES = (
    "Basic {}", "Token {}", "JWT {}", "{}", "Bearer", "", "Bearer:{}", "bearer\t{}",
)  # fmt: skip
