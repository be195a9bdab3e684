"""What a token Secret has to hold, and when its token is due for a new one (pure)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from headwater.base import jsonio
from headwater.machinery.objects import Object, namespace
from headwater.machinery.objects import annotations as annotations_of

SECRET_TYPE: Final = "kubernetes.io/service-account-token"  # noqa: S105 - a type, not a secret
ACCOUNT_NAME_ANNOTATION: Final = "kubernetes.io/service-account.name"
ACCOUNT_UID_ANNOTATION: Final = "kubernetes.io/service-account.uid"


def account_name(secret: Object) -> str:
    """Name of the service account that a token Secret is for; "" for any other Secret."""
    return annotations_of(secret).get(ACCOUNT_NAME_ANNOTATION, "") if secret.get("type") == SECRET_TYPE else ""


def is_orphan(secret: Object, account_uid: str) -> bool:
    """Whether the Secret is for an account that is gone: none of this name, or a later one."""
    known_uid = annotations_of(secret).get(ACCOUNT_UID_ANNOTATION, "")
    return not account_uid or (bool(known_uid) and known_uid != account_uid)


def missing(secret: Object, account_uid: str, ca_bundle: str) -> tuple[dict[str, str], dict[str, str]]:
    """Data (base64) and annotations that the Secret lacks, the token excepted."""
    data = secret.get("data") or {}
    wanted = {"ca.crt": _encode(ca_bundle), "namespace": _encode(namespace(secret))}
    notes = annotations_of(secret)
    uid_note = {} if notes.get(ACCOUNT_UID_ANNOTATION) == account_uid else {ACCOUNT_UID_ANNOTATION: account_uid}
    return {key: value for key, value in wanted.items() if data.get(key) != value and value}, uid_note


def seconds_until_renewal(secret: Object, now_seconds: float) -> float | None:
    """Seconds until 80 % of the token's life is over, 0 if it is or there is no token; None for one without an end."""
    text = (secret.get("data") or {}).get("token")
    if not text:
        return 0.0
    claims = _claims(text)
    if claims is None or "exp" not in claims:
        return None
    issued = float(claims.get("iat", now_seconds))
    return max(issued + 0.8 * (float(claims["exp"]) - issued) - now_seconds, 0.0)


def encoded_token(token: str) -> str:
    """A token as the data of a Secret."""
    return _encode(token)


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _claims(text: str) -> Object | None:
    """Claims of a token, unverified: they only say when to make a new one."""
    try:
        payload = base64.b64decode(text).split(b".")[1]
        claims = jsonio.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError, IndexError):
        return None
    return claims if isinstance(claims, dict) else None
