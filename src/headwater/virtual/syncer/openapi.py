"""OpenAPI v3 of a sync target's exports: the schemas that its pcluster has to take objects of.

It describes all resources that the target is to sync, accepted or not, as the syncer compares these schemas with the
pcluster's before it accepts any. There are no paths in it: what may be done is for discovery to say.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from headwater.base import jsonio
from headwater.base.version import VERSION
from headwater.machinery.objects import Object, nested
from headwater.virtual.synctarget.domain import DomainSource

_ROOT: Final = "/openapi/v3"
_MAX_SETS: Final = 32


@dataclass(frozen=True, slots=True)
class Document:
    """What describes a group version, and a hash of it."""

    body: bytes
    digest: str


Documents = Mapping[str, Document]
"""By name in the index: `api/v1`, `apis/apps/v1`."""


class OpenApiSource:
    """Documents of sync targets, shared by content: those of targets with the same exports are made once."""

    def __init__(self, domains: DomainSource) -> None:
        self._domains = domains
        self._sets: OrderedDict[bytes, Documents] = OrderedDict()

    async def answer(self, sync_target: Object, path: str, url_prefix: str) -> bytes | None:
        """The index or the document at a path; None where there is none. ``url_prefix`` is what clients put before."""
        if path.rstrip("/") != _ROOT and not path.startswith(f"{_ROOT}/"):
            return None
        documents = await self._documents(sync_target)
        name = path.removeprefix(_ROOT).strip("/")
        if not name:
            return index(documents, url_prefix)
        return documents[name].body if name in documents else None

    async def _documents(self, sync_target: Object) -> Documents:
        offers = await self._domains.offers(sync_target)
        wanted = {
            (entry.get("group", ""), entry["resource"], entry.get("identityHash", ""))
            for entry in nested(sync_target, "status", "syncedResources", default=None) or ()
        }
        content = jsonio.dumps([sorted(wanted), [(offer.cluster, offer.identity, offer.schemas) for offer in offers]])
        known = self._sets.get(content)
        if known is not None:
            self._sets.move_to_end(content)
            return known
        found = [(offer.identity, schema) for offer in offers for schema in await self._domains.schemas(offer)]
        documents = build(schema for identity, schema in found if (*_resource_of(schema), identity) in wanted)
        if len(found) == sum(len(offer.schemas) for offer in offers):
            self._sets[content] = documents
        while len(self._sets) > _MAX_SETS:
            self._sets.popitem(last=False)
        return documents


def index(documents: Documents, url_prefix: str) -> bytes:
    """The answer to `/openapi/v3`; the hash in each URL changes with the document."""
    prefix = quote(url_prefix, safe="/:*")
    urls = {
        name: {"serverRelativeURL": f"{prefix}{_ROOT}/{name}?hash={document.digest}"}
        for name, document in documents.items()
    }
    return jsonio.dumps({"paths": urls})


def build(schemas: Iterable[Object]) -> Documents:
    """The documents of these APIResourceSchemas."""
    components: dict[str, dict[str, Object]] = {}
    for schema in schemas:
        spec = schema["spec"]
        group, kind = spec.get("group", ""), spec["names"]["kind"]
        for version in spec["versions"]:
            if version.get("served"):
                name = f"apis/{group}/{version['name']}" if group else f"api/{version['name']}"
                definition = ".".join([*reversed((group or "core").split(".")), version["name"], kind])
                gvk = {"group": group, "version": version["name"], "kind": kind}
                described = {**(version.get("schema") or {}), "x-kubernetes-group-version-kind": [gvk]}
                components.setdefault(name, {})[definition] = described
    return {name: _document(found) for name, found in sorted(components.items())}


def _document(components: Mapping[str, Object]) -> Document:
    body = jsonio.dumps_sorted(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": VERSION},
            "paths": {},
            "components": {"schemas": components},
        }
    )
    return Document(body, hashlib.sha256(body).hexdigest().upper())


def _resource_of(schema: Object) -> tuple[str, str]:
    return schema["spec"].get("group", ""), schema["spec"]["names"]["plural"]
