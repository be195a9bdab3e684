"""The identity of an export: a secret key, and its hash, which names the storage of the exported resources. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from datetime import datetime

from headwater.apis.apis.v1alpha2.apiexport import (
    CONDITION_IDENTITY_VALID,
    IDENTITY_NAMESPACE,
    IDENTITY_SECRET_KEY,
    REASON_GENERATION_FAILED,
    REASON_VERIFICATION_FAILED,
)
from headwater.machinery import conditions, objects
from headwater.machinery.objects import Object


def new_identity_key() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def identity_hash(key: str | bytes) -> str:
    """The identity that a key stands for: its SHA-256 in hexadecimal."""
    return hashlib.sha256(key.encode() if isinstance(key, str) else key).hexdigest()


def identity_secret(export: str, key: str) -> Object:
    """The Secret that holds an export's key."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": export, "namespace": IDENTITY_NAMESPACE},
        "data": {IDENTITY_SECRET_KEY: base64.b64encode(key.encode()).decode()},
    }


def secret_reference(export: Object) -> tuple[str, str]:
    """Namespace and name of the export's secret; both empty when none is named yet."""
    reference = objects.nested(export, "spec", "identity", "secretRef", default={})
    return reference.get("namespace") or "", reference.get("name") or ""


def refer_to_secret(export: Object, namespace: str, name: str) -> None:
    objects.set_nested(export, {"namespace": namespace, "name": name}, "spec", "identity", "secretRef")


def record_identity(export: Object, secret: Object | None, now: datetime) -> None:
    """Set the hash from the secret, once; after that only check that the secret still fits it."""
    known = objects.nested(export, "status", "identityHash", default="")
    found = _hash_of(secret)
    if not found:
        reason = REASON_VERIFICATION_FAILED if known else REASON_GENERATION_FAILED
        namespace, name = secret_reference(export)
        what = "does not exist" if secret is None else f"has no valid field {IDENTITY_SECRET_KEY}"
        _invalid(export, reason, f"secret {namespace}/{name} {what}", now)
    elif known and known != found:
        _invalid(export, REASON_VERIFICATION_FAILED, "the identity of an APIExport cannot be changed", now)
    else:
        export.setdefault("status", {})["identityHash"] = found
        conditions.mark_true(export, CONDITION_IDENTITY_VALID, now)


def _hash_of(secret: Object | None) -> str:
    try:
        key = base64.b64decode(objects.nested(secret, "data", IDENTITY_SECRET_KEY, default=""), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return identity_hash(key) if key else ""


def _invalid(export: Object, reason: str, message: str, now: datetime) -> None:
    conditions.mark_false(export, CONDITION_IDENTITY_VALID, reason, conditions.ERROR, message, now)
