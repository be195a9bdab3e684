"""The Secret on the pcluster with the token that pods of one service account share (pure)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from headwater.apis.workload.labels import CLUSTER_LABEL
from headwater.base import jsonio
from headwater.base.hashing import base36_sha224
from headwater.machinery.objects import Object, labels, name
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import format_time, parse_time
from headwater.syncer.mutate.names import ACCESS_PREFIX

ACCOUNT_ANNOTATION: Final = "internal.workload.kcp.io/access-account"
"""On the Secret: the name of the service account upstream."""
_STATE_ANNOTATION: Final = "internal.workload.kcp.io/access-state"
_LONGEST_NAME: Final = 253
_KEPT_OF_LONG_NAME: Final = 200
_EARLIEST, _LATEST = 0.5, 0.75
_SLACK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token with the account that it is of, and when it came by our own clock, which counts its seconds from then."""

    token: str = field(repr=False)
    account_uid: str
    received: datetime
    seconds: int

    def renew_at(self, key: str) -> datetime:
        """When to have a new one: after half to three quarters of its life, by its account and the time it came.

        So tokens that came at once are not renewed at once, and a syncer that starts anew keeps to the same time.
        """
        digest = hashlib.sha256(f"{key} {format_time(self.received)}".encode()).digest()
        share = _EARLIEST + (_LATEST - _EARLIEST) * int.from_bytes(digest[:4], "big") / (1 << 32)
        return self.received + timedelta(seconds=share * self.seconds)

    def is_due(self, key: str, now: datetime) -> bool:
        """Whether to have a new one now. By a clock that was set back nobody can tell, so yes."""
        return now >= self.renew_at(key) or now < self.received - timedelta(seconds=_SLACK_SECONDS)


def secret_name(account: str) -> str:
    """Name of the Secret for an account; a long one ends in a hash."""
    plain = ACCESS_PREFIX + account
    if len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[:_KEPT_OF_LONG_NAME].rstrip('-.')}-{base36_sha224(account)[:12]}"


def secret_body(held: HeldToken, *, account: str, namespace: str, ca_bundle: bytes, space: str, key: str) -> Object:
    """The Secret to apply, in the downstream namespace `space` of the upstream `namespace`."""
    contents = {"token": held.token.encode(), "namespace": namespace.encode()}
    if ca_bundle:
        contents["ca.crt"] = ca_bundle
    data = {each: base64.b64encode(value).decode() for each, value in contents.items()}
    state = {
        "accountUID": held.account_uid,
        "received": format_time(held.received),
        "seconds": held.seconds,
        "digest": _digest(data),
    }
    notes = {ACCOUNT_ANNOTATION: account, _STATE_ANNOTATION: jsonio.dumps(state).decode()}
    meta = {"name": secret_name(account), "namespace": space, "labels": {CLUSTER_LABEL: key}, "annotations": notes}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "data": data}


def account_of_secret(secret: Object) -> str | None:
    """The account that a Secret of ours is for; None for any other Secret."""
    account = annotations_of(secret).get(ACCOUNT_ANNOTATION)
    return account if account and name(secret) == secret_name(account) else None


def held_in(secret: Object | None, key: str) -> HeldToken | None:
    """The token in a Secret that is as it was applied for a sync target; None for one that lacks or changed a part."""
    if secret is None or labels(secret).get(CLUSTER_LABEL) != key:
        return None
    data: Any = secret.get("data") or {}
    try:
        state = jsonio.loads(annotations_of(secret).get(_STATE_ANNOTATION, ""))
        ours = {each: data[each] for each in ("token", "namespace", "ca.crt") if each in data}
        if state["digest"] != _digest(ours):
            return None
        token = base64.b64decode(data["token"]).decode()
        return HeldToken(token, str(state["accountUID"]), parse_time(state["received"]), int(state["seconds"]))
    except (ValueError, KeyError, TypeError):
        return None


def holds(secret: Object, *, namespace: str, ca_bundle: bytes) -> bool:
    """Whether a Secret says of the control plane, and of the namespace, what it should."""
    data = secret.get("data") or {}
    wanted = base64.b64encode(ca_bundle).decode() if ca_bundle else None
    return data.get("namespace") == base64.b64encode(namespace.encode()).decode() and data.get("ca.crt") == wanted


def _digest(data: dict[str, str]) -> str:
    return hashlib.sha256(jsonio.dumps_sorted(data)).hexdigest()[:32]
