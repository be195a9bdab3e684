"""What the server serves: one `ResourceInfo` for each (group, version, resource), whatever it came from.

Builtin kinds, CustomResourceDefinitions and kcp's APIResourceSchemas all become a `ResourceInfo`; handlers, registry,
discovery and tables know nothing else about a kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from headwater.apiserver.registry.strategy import Strategy
from headwater.machinery.gvk import GroupResource, GroupVersionKind, GroupVersionResource
from headwater.machinery.objects import Object

if TYPE_CHECKING:
    from headwater.apiserver.authn.interface import UserInfo
    from headwater.apiserver.registry.store import ObjectStore
    from headwater.apiserver.web.types import Request, Response, StreamResponse
    from headwater.schema import Schema

STANDARD_VERBS: tuple[str, ...] = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where a kind keeps what autoscaling/v1 Scale shows; simple JSON paths such as `.spec.replicas`."""

    spec_replicas: str
    status_replicas: str
    label_selector: str = ""


@dataclass(frozen=True, slots=True)
class SubresourceCall:
    """One request to a connect subresource such as `serviceaccounts/token` or `pods/binding`."""

    store: ObjectStore
    info: ResourceInfo
    cluster: str
    namespace: str
    name: str
    verb: str
    user: UserInfo
    request: Request
    body: Object | None
    dry_run: bool = False


class SubresourceHandler(Protocol):
    """Serves a subresource that isn't `status` or `scale`.

    `verbs` are the verbs it accepts, `kind` what discovery says of it. `handle` answers an object (200, or 201 on
    create) or a complete response.
    """

    @property
    def verbs(self) -> tuple[str, ...]: ...

    @property
    def kind(self) -> GroupVersionKind: ...

    async def handle(self, call: SubresourceCall) -> Object | Response | StreamResponse: ...


Connectors = Mapping[tuple[str, str, str], SubresourceHandler]
"""By group, resource and subresource: what serves a connection to an object. Its calls have no body."""


class Conversion(Protocol):
    """Converts between a served version and the stored one. Both change the given object in place."""

    def to_storage(self, obj: Object) -> None: ...

    def from_storage(self, obj: Object) -> None: ...


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """A served resource in one version.

    `schema` is what writes are pruned, defaulted and validated with (None: taken as it is); `raw_schema` is the same as
    structural OpenAPI for documents and for apply; `patch_schema` the one that strategic merge patch goes by, where it
    is another. `identity` is the export identity the objects are stored under, "-" for none. `storage_group` and
    `storage_resource` differ from the served ones only where two groups share their objects (events). `columns` are CRD
    style additionalPrinterColumns. `handler` serves a resource that has no objects (reviews); `connect` the
    subresources besides `status` and `scale`. `native` says that the kind is Kubernetes' own.
    """

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool
    list_kind: str = ""
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = STANDARD_VERBS
    identity: str = "-"
    storage_group: str | None = None
    storage_resource: str | None = None
    schema: Schema | None = None
    raw_schema: Object | None = None
    subresources: frozenset[str] = frozenset()
    scale: ScalePaths | None = None
    columns: Sequence[Object] | None = None
    selectable_fields: tuple[str, ...] = ()
    strategy: Strategy = field(default_factory=Strategy)
    handler: SubresourceHandler | None = None
    connect: Mapping[str, SubresourceHandler] = field(default_factory=lambda: MappingProxyType({}))
    native_merge: bool = False
    patch_schema: Object | None = None
    versions: tuple[str, ...] = ()
    storage_version: str = ""
    conversion: Conversion | None = None
    deprecation_warning: str = ""
    native: bool = False
    fingerprint: str = ""
    prefix: str = field(init=False, default="")
    api_version: str = field(init=False, default="")
    stored_api_version: str = field(init=False, default="")

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        storage_group = self.group if self.storage_group is None else self.storage_group
        storage_resource = self.storage_resource or self.resource
        storage_version = self.storage_version or self.version
        put("list_kind", self.list_kind or self.kind + "List")
        put("singular", self.singular or self.kind.lower())
        put("versions", self.versions or (self.version,))
        put("selectable_fields", tuple(path.lstrip(".") for path in self.selectable_fields))
        put("storage_version", storage_version)
        put("prefix", f"/{storage_group or 'core'}/{storage_resource}/{self.identity or '-'}/")
        put("api_version", f"{self.group}/{self.version}" if self.group else self.version)
        put("stored_api_version", f"{storage_group}/{storage_version}" if storage_group else storage_version)

    @property
    def gvk(self) -> GroupVersionKind:
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def gvr(self) -> GroupVersionResource:
        return GroupVersionResource(self.group, self.version, self.resource)

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.resource)

    @property
    def served_as_stored(self) -> bool:
        """Whether stored bytes can be answered as they are."""
        return self.conversion is None and self.api_version == self.stored_api_version

    def cluster_prefix(self, cluster: str, namespace: str = "") -> str:
        """Storage prefix of all objects of a logical cluster ("*" = of all clusters), or of one namespace in it."""
        if cluster == "*":
            return self.prefix
        return f"{self.prefix}{cluster}/{namespace}/" if namespace else f"{self.prefix}{cluster}/"

    def key(self, cluster: str, namespace: str, name: str) -> str:
        """Storage key of one object."""
        return f"{self.prefix}{cluster}/{namespace}/{name}" if self.namespaced else f"{self.prefix}{cluster}/{name}"
