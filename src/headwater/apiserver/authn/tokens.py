"""The door to JSON Web Tokens: issues and verifies the tokens of service accounts. The library loads on first use."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headwater.apiserver.authn.serviceaccounts import account_user_name
from headwater.base.clock import Clock
from headwater.base.ids import new_uid
from headwater.machinery.errors import Unauthorized

ALGORITHM: Final = "RS256"
LEGACY_ISSUER: Final = "kubernetes/serviceaccount"
MIN_SECONDS: Final = 600
MAX_SECONDS: Final = 1 << 32
_LEEWAY_SECONDS: Final = 10
_LEGACY: Final = "kubernetes.io/serviceaccount/"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key pair as PEM text; the private half may be absent on a server that only verifies."""

    public_pem: str
    private_pem: str = ""

    @property
    def key_id(self) -> str:
        """The `kid` of its tokens: a hash of the public key, as Kubernetes makes it."""
        encoded = "".join(line for line in self.public_pem.splitlines() if not line.startswith("-----"))
        digest = hashlib.sha256(base64.b64decode(encoded)).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class BoundObject:
    """The Pod, Secret or Node whose end is also the end of a token. `kind` is lower case."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says. `secret_name` is set for the tokens that stand in Secrets."""

    cluster: str
    namespace: str
    name: str
    uid: str
    token_id: str = ""
    audiences: tuple[str, ...] = ()
    expires_at: float = 0.0
    bound: BoundObject | None = None
    secret_name: str = ""


class TokenIssuer:
    """Issues service-account tokens and reads them back.

    `default_cluster` is the one that tokens don't name: the only cluster of a plain server, "" where every token has to
    say of which logical cluster it is. `issuer` is also the audience of tokens that ask for none. Reading checks the
    signature, the times and the form; whether account and bound object still exist is `accounts.py`'s to find out.
    """

    def __init__(self, key: SigningKey, *, issuer: str, clock: Clock, default_cluster: str = "") -> None:
        self._key = key
        self._key_id = key.key_id
        self._private: Any = None
        self._clock = clock
        self._default_cluster = default_cluster
        self.issuer = issuer

    def issue(
        self,
        *,
        cluster: str,
        namespace: str,
        name: str,
        uid: str,
        audiences: tuple[str, ...] = (),
        seconds: int = 3600,
        bound: BoundObject | None = None,
    ) -> tuple[str, datetime]:
        """A token for TokenRequest and the time at which it expires; `seconds` is brought into the allowed range."""
        now = self._clock.now().astimezone(UTC).replace(microsecond=0)
        expires = now + timedelta(seconds=min(max(seconds, MIN_SECONDS), MAX_SECONDS))
        about: dict[str, Any] = {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}}
        if bound is not None:
            about[bound.kind] = {"name": bound.name, "uid": bound.uid}
        if cluster != self._default_cluster:
            about["clusterName"] = cluster
        claims = {
            "aud": list(audiences or (self.issuer,)),
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": self.issuer,
            "jti": new_uid(),
            "kubernetes.io": about,
            "nbf": int(now.timestamp()),
            "sub": account_user_name(namespace, name),
        }
        return self.sign(claims), expires

    def issue_legacy(self, *, cluster: str, namespace: str, name: str, uid: str, secret_name: str) -> str:
        """A token for a Secret of type kubernetes.io/service-account-token; valid as long as that Secret holds it."""
        claims = {
            "iss": LEGACY_ISSUER,
            _LEGACY + "namespace": namespace,
            _LEGACY + "secret.name": secret_name,
            _LEGACY + "service-account.name": name,
            _LEGACY + "service-account.uid": uid,
            "sub": account_user_name(namespace, name),
        }
        if cluster != self._default_cluster:
            claims[_LEGACY + "clusterName"] = cluster
        return self.sign(claims)

    def discovery(self, keys_path: str) -> dict[str, Any]:
        """The OpenID provider document, for those who check our tokens themselves."""
        return {
            "issuer": self.issuer,
            "jwks_uri": self.issuer + keys_path,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }

    def keys(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set."""
        from jwt.algorithms import RSAAlgorithm

        algorithm = RSAAlgorithm(RSAAlgorithm.SHA256)
        key = RSAAlgorithm.to_jwk(algorithm.prepare_key(self._key.public_pem), as_dict=True)
        kept = {name: key[name] for name in ("kty", "n", "e")}
        return {"keys": [{"use": "sig", "kid": self._key_id, "alg": ALGORITHM, **kept}]}

    def read(self, token: str) -> TokenClaims | None:
        """The claims of a valid token of ours; None when the token is none of ours. Raises Unauthorized."""
        unverified = peek_claims(token)
        if unverified is None or unverified.get("iss") not in (self.issuer, LEGACY_ISSUER):
            return None
        claims = self._verified(token)
        try:
            parsed = self._legacy(claims) if claims["iss"] == LEGACY_ISSUER else self._bound(claims)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Unauthorized("the service account token lacks required claims") from None
        if claims.get("sub") != account_user_name(parsed.namespace, parsed.name) or not parsed.cluster:
            raise Unauthorized("the service account token contradicts itself")
        return parsed

    def _bound(self, claims: dict[str, Any]) -> TokenClaims:
        now = self._clock.now().timestamp()
        if claims["exp"] <= now or claims.get("nbf", 0) > now + _LEEWAY_SECONDS:
            raise Unauthorized("the service account token has expired")
        about = claims["kubernetes.io"]
        bound = None
        for kind in ("pod", "secret", "node"):
            if kind in about:
                bound = BoundObject(kind, about[kind]["name"], about[kind]["uid"])
                break
        audiences = claims["aud"]
        return TokenClaims(
            cluster=about.get("clusterName", self._default_cluster),
            namespace=about["namespace"],
            name=about["serviceaccount"]["name"],
            uid=about["serviceaccount"]["uid"],
            token_id=str(claims.get("jti", "")),
            audiences=tuple(audiences) if isinstance(audiences, list) else (str(audiences),),
            expires_at=float(claims["exp"]),
            bound=bound,
        )

    def _legacy(self, claims: dict[str, Any]) -> TokenClaims:
        return TokenClaims(
            cluster=claims.get(_LEGACY + "clusterName", self._default_cluster),
            namespace=claims[_LEGACY + "namespace"],
            name=claims[_LEGACY + "service-account.name"],
            uid=claims[_LEGACY + "service-account.uid"],
            audiences=(self.issuer,),
            secret_name=claims[_LEGACY + "secret.name"],
        )

    def sign(self, claims: dict[str, Any]) -> str:
        """A token that says anything. Tokens of different purposes need different issuers (`iss`)."""
        import jwt
        from jwt.algorithms import RSAAlgorithm

        if self._private is None:
            # Reading a private key checks its primes, which takes a hundred times as long as to sign.
            self._private = RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(self._key.private_pem)
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def read_claims(self, token: str, issuer: str) -> dict[str, Any] | None:
        """The claims of a token that `sign` made for this issuer; None for tokens of another one.

        Only the signature is checked, times are the caller's to check. Raises Unauthorized.
        """
        unverified = peek_claims(token)
        if unverified is None or unverified.get("iss") != issuer:
            return None
        return self._verified(token)

    def _verified(self, token: str) -> dict[str, Any]:
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key.public_pem, algorithms=[ALGORITHM],
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.PyJWTError:
            raise Unauthorized("the token is not valid") from None
        return claims


def peek_claims(token: str) -> dict[str, Any] | None:
    """The claims of a token without any check of who made them; None when this is no JSON Web Token."""
    from headwater.base import jsonio

    parts = token.split(".")
    if len(parts) != 3 or not token.startswith("ey"):
        return None
    try:
        claims = jsonio.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None
