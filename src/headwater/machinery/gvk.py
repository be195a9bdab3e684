"""What names an API: group, version, kind and resource, and the order of versions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple, Self


def _api_version(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


class GroupVersion(NamedTuple):
    """An API group at one version; the core group is ""."""

    group: str
    version: str

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return _api_version(self.group, self.version)

    @classmethod
    def parse(cls, api_version: str) -> Self:
        """Read an ``apiVersion``; raises ValueError if it has more than one slash."""
        group, slash, version = api_version.rpartition("/")
        if slash and ("/" in group or not group):
            raise ValueError(f"unexpected GroupVersion string: {api_version}")
        return cls(group, version)

    def __str__(self) -> str:
        return self.api_version


class GroupResource(NamedTuple):
    """A resource without a version, as errors name it: ``deployments.apps``, ``configmaps``."""

    group: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``resource.group``; without a dot it is of the core group."""
        resource, _, group = text.partition(".")
        return cls(group, resource)

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


class GroupKind(NamedTuple):
    """A kind without a version: ``Deployment.apps``."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class GroupVersionResource(NamedTuple):
    """A resource as it stands in a URL. In wildcard requests the resource may carry ``:identity``."""

    group: str
    version: str
    resource: str

    @property
    def api_version(self) -> str:
        return _api_version(self.group, self.version)

    @property
    def group_version(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.resource)

    def __str__(self) -> str:
        return f"{self.resource}.{self.version}.{self.group}" if self.group else f"{self.resource}.{self.version}"


class GroupVersionKind(NamedTuple):
    """A kind as it stands in an object."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return _api_version(self.group, self.version)

    @property
    def group_version(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @classmethod
    def of(cls, obj: dict[str, Any]) -> Self:
        """The kind that an object says it is; raises ValueError for a malformed ``apiVersion``."""
        group, version = GroupVersion.parse(obj.get("apiVersion") or "")
        return cls(group, version, obj.get("kind") or "")

    def __str__(self) -> str:
        return f"{self.api_version}, Kind={self.kind}"


_KUBE_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_STAGE = {None: 0, "beta": 1, "alpha": 2}


@lru_cache(maxsize=1024)
def version_priority(version: str) -> tuple[int, int, int, int, str]:
    """A sort key that puts the version which clients should prefer first.

    Stable before beta before alpha, then the higher number; names of another form come last, by alphabet.
    """
    match = _KUBE_VERSION.fullmatch(version)
    if match is None:
        return (1, 0, 0, 0, version)
    major, stage, minor = match.groups()
    return (0, _STAGE[stage], -int(major), -int(minor or 0), version)
