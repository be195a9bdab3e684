"""The seam of admission: what a plugin sees of a write and how it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from headwater.apiserver.registry.options import Warn, no_warning
from headwater.machinery.objects import Object

if TYPE_CHECKING:
    from headwater.apiserver.authn.interface import UserInfo
    from headwater.apiserver.registry.options import DeleteOptions
    from headwater.apiserver.resources import ResourceInfo

CREATE = "CREATE"
UPDATE = "UPDATE"
DELETE = "DELETE"
CONNECT = "CONNECT"


@dataclass(slots=True)
class AdmissionAttributes:
    """One write on its way in. `object` is the plugin's to change in `admit` (None on delete); `old_object` is not."""

    operation: str
    info: ResourceInfo
    cluster: str
    namespace: str
    name: str
    object: Object | None
    old_object: Object | None
    user: UserInfo
    subresource: str = ""
    dry_run: bool = False
    delete_options: DeleteOptions | None = None
    warn: Warn = no_warning
    annotations: dict[str, str] = field(default_factory=dict)


class AdmissionPlugin(Protocol):
    """Refuses a write by raising a StatusError; may change `attributes.object` in `admit` only.

    `handles` is cheap and asked first; `admit` runs before the kind's own validation, `validate` after it, on the
    object as it will be stored.
    """

    @property
    def name(self) -> str: ...

    def handles(self, attributes: AdmissionAttributes) -> bool: ...

    async def admit(self, attributes: AdmissionAttributes) -> None: ...

    async def validate(self, attributes: AdmissionAttributes) -> None: ...


class BasePlugin:
    """A plugin that does nothing; subclasses override the phase that they need."""

    name = ""

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return True

    async def admit(self, attributes: AdmissionAttributes) -> None:
        return None

    async def validate(self, attributes: AdmissionAttributes) -> None:
        return None


class AdmissionChain:
    """Plugins in their order: all mutate, then (after the kind's validation) all validate.

    A plugin without a method of its own for a phase is not asked in that phase.
    """

    def __init__(self, plugins: Sequence[AdmissionPlugin] = ()) -> None:
        self._admitting = tuple(each for each in plugins if type(each).admit is not BasePlugin.admit)
        self._validating = tuple(each for each in plugins if type(each).validate is not BasePlugin.validate)

    async def admit(self, attributes: AdmissionAttributes) -> None:
        for plugin in self._admitting:
            if plugin.handles(attributes):
                await plugin.admit(attributes)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        for plugin in self._validating:
            if plugin.handles(attributes):
                await plugin.validate(attributes)
