"""What the documents are made from."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, Protocol


class ServedResource(Protocol):
    """One served resource in one version; `apiserver.resources.ResourceInfo` is one.

    A resource that is ``native``, or that allows strategic merge patches (``native_merge``), and whose kind is one of
    Kubernetes' own is described by Kubernetes' definition; any other by its ``raw_schema`` (None: any object).
    """

    @property
    def group(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def list_kind(self) -> str: ...
    @property
    def namespaced(self) -> bool: ...
    @property
    def verbs(self) -> tuple[str, ...]: ...
    @property
    def subresources(self) -> AbstractSet[str]: ...
    @property
    def raw_schema(self) -> dict[str, Any] | None: ...
    @property
    def native(self) -> bool: ...
    @property
    def native_merge(self) -> bool: ...
