"""How a kind behaves on writes, beyond its schema. The default is that of a custom resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from headwater.machinery.fieldpath import FieldError
from headwater.machinery.names import NameRule, dns1123_subdomain_errors
from headwater.machinery.objects import Object

if TYPE_CHECKING:
    from headwater.apiserver.authn.interface import UserInfo
    from headwater.apiserver.registry.options import DeleteOptions
    from headwater.apiserver.resources import ResourceInfo


class WriteContext(NamedTuple):
    """What a strategy may know of a write. `now` is RFC 3339 with seconds."""

    info: ResourceInfo
    cluster: str
    namespace: str
    name: str
    user: UserInfo
    now: str
    subresource: str = ""
    dry_run: bool = False


class Strategy:
    """Hooks of one kind. All are synchronous and change the given object in place; `old` is never changed.

    Order on create: default -> admission -> prepare_for_create -> validate. On update: default -> admission ->
    prepare_for_update -> validate_update.
    """

    #: what is wrong with a metadata.name, if anything (one of machinery.names)
    name_errors: NameRule = staticmethod(dns1123_subdomain_errors)
    #: whether update without metadata.resourceVersion overwrites (builtin kinds) or is refused (custom resources)
    allow_unconditional_update: bool = False
    #: whether the kind counts its changes in metadata.generation
    has_generation: bool = True
    #: field labels that a field selector may use besides metadata.name and metadata.namespace
    field_labels: frozenset[str] = frozenset()
    #: whether a delete first marks the object and waits (pods)
    graceful: bool = False

    def default(self, ctx: WriteContext, obj: Object) -> None:
        """Fill what the schema's defaults can't say."""

    def prepare_for_create(self, ctx: WriteContext, obj: Object) -> None:
        """Reset what a user may not set on create."""

    def prepare_for_update(self, ctx: WriteContext, obj: Object, old: Object) -> None:
        """Keep what a user may not change on update."""

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        """Errors beyond the schema, on create and update."""
        return ()

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        """Errors of the transition, on top of `validate`."""
        return ()

    def warnings(self, ctx: WriteContext, obj: Object) -> Sequence[str]:
        """Texts for `Warning` headers after a write."""
        return ()

    def field_value(self, obj: Object, label: str) -> str:
        """Value of a field label of `field_labels`."""
        value: object = obj
        for part in label.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    def blocks_deletion(self, obj: Object) -> bool:
        """Whether the object must stay, marked as deleted, although it has no metadata.finalizers."""
        return False

    def deletion_finalizers(self, obj: Object) -> Sequence[str]:
        """Finalizers that the object gets as it is deleted, so that something can be done first."""
        return ()

    def prepare_for_delete(self, ctx: WriteContext, obj: Object) -> None:
        """Change the object as it is marked as deleted (a namespace becomes Terminating)."""

    def grace_period_seconds(self, ctx: WriteContext, obj: Object, options: DeleteOptions) -> int:
        """Seconds between the mark and the removal; 0 removes at once. Asked only when `graceful`."""
        return 0

    def default_propagation(self, obj: Object) -> str:
        """Propagation when the request names none: Background, Orphan or Foreground."""
        return "Background"
