"""Events of the pcluster as they read upstream (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.labels import STATE_UPSYNC, state_label
from headwater.base.hashing import base36_sha224
from headwater.machinery.objects import Object, labels, namespace, nested

_MAX_MESSAGE: Final = 1024
_MAX_NAME: Final = 220
_MAX_WORD: Final = 128


@dataclass(frozen=True, slots=True)
class Involved:
    """What an Event is about, by its upstream names; ``uid`` is empty for what isn't known upstream."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""


def is_worth_copying(event: Object) -> bool:
    """Whether an Event is about an object in its own namespace, and did not itself come from elsewhere."""
    involved = event.get("involvedObject") or {}
    own = not any(label.startswith("state.workload.kcp.io/") for label in labels(event))
    return own and bool(involved.get("kind") and involved.get("name")) and involved.get("namespace") == namespace(event)


def upstream_event(event: Object, involved: Involved, *, key: str) -> Object:
    """The Event to store upstream. Its name is the same for the same words about the same object.

    The name of the downstream namespace is replaced in the message, as nobody upstream knows it.
    """
    message = str(event.get("message") or "").replace(namespace(event), involved.namespace)[:_MAX_MESSAGE]
    reason = str(event.get("reason") or "")[:_MAX_WORD]
    about: Object = {
        "apiVersion": involved.api_version,
        "kind": involved.kind,
        "namespace": involved.namespace,
        "name": involved.name,
    }
    if involved.uid:
        about["uid"] = involved.uid
    if nested(event, "involvedObject", "fieldPath"):
        about["fieldPath"] = event["involvedObject"]["fieldPath"]
    first, last = times_of(event)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": event_name(event, key=key),
            "namespace": involved.namespace,
            "labels": {state_label(key): STATE_UPSYNC},
        },
        "involvedObject": about,
        "reason": reason,
        "message": message,
        "type": "Warning" if event.get("type") == "Warning" else "Normal",
        "source": {
            field: str(value)[:_MAX_WORD]
            for field, value in (event.get("source") or {}).items()
            if field in ("component", "host") and value
        },
        "firstTimestamp": first,
        "lastTimestamp": last,
        "count": count_of(event),
    }


def event_name(event: Object, *, key: str) -> str:
    """Name of the upstream Event: the object's, and a hash of what is said about it from this target."""
    about = event.get("involvedObject") or {}
    said = (key, about.get("kind"), about.get("uid"), event.get("reason"), event.get("message"))
    digest = base36_sha224("/".join(str(part) for part in said))[:16]
    return f"{str(about.get('name'))[:_MAX_NAME]}.{digest}"


def times_of(event: Object) -> tuple[str | None, str | None]:
    """When it was said first and last; Events of the newer kind have one time, and a series."""
    made = event.get("eventTime") or nested(event, "metadata", "creationTimestamp")
    made = _in_seconds(made)
    first = event.get("firstTimestamp") or made
    last = event.get("lastTimestamp") or _in_seconds(nested(event, "series", "lastObservedTime")) or first
    return first, last


def count_of(event: Object) -> int:
    """How often it was said."""
    count = event.get("count") or nested(event, "series", "count") or 1
    return count if isinstance(count, int) and count > 0 else 1


def _in_seconds(time: str | None) -> str | None:
    """A time without its fraction, as the older fields have it."""
    return f"{time.partition('.')[0].rstrip('Z')}Z" if time else None
