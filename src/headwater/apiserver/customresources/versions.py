"""One version of a CustomResourceDefinition or APIResourceSchema, as far as both describe it in the same words."""

from __future__ import annotations

from headwater.apiserver.resources import ResourceInfo, ScalePaths
from headwater.machinery.objects import Object
from headwater.schema import compile_schema


def described_version(spec: Object, version: Object, schema: Object) -> ResourceInfo:
    """What ``spec`` and an entry of its versions say of names, columns, subresources and deprecation.

    ``schema`` is the version's structural schema, which the two kinds keep in different places. Which versions are
    served and stored, identity and fingerprint are for the caller to replace.
    """
    group, names = spec.get("group") or "", spec["names"]
    subresources = version.get("subresources") or {}
    warning = version.get("deprecationWarning") or ""
    if version.get("deprecated") and not warning:
        warning = f"{group}/{version['name']} {names['kind']} is deprecated"
    return ResourceInfo(
        group=group,
        version=version["name"],
        resource=names["plural"],
        kind=names["kind"],
        namespaced=spec["scope"] == "Namespaced",
        list_kind=names.get("listKind") or "",
        singular=names.get("singular") or "",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        schema=compile_schema(schema),
        raw_schema=schema,
        subresources=frozenset(name for name in ("status", "scale") if name in subresources),
        scale=_scale(subresources.get("scale")),
        columns=version.get("additionalPrinterColumns") or None,
        selectable_fields=tuple(field["jsonPath"] for field in version.get("selectableFields") or ()),
        deprecation_warning=warning,
    )


def _scale(paths: Object | None) -> ScalePaths | None:
    if paths is None:
        return None
    return ScalePaths(paths["specReplicasPath"], paths["statusReplicasPath"], paths.get("labelSelectorPath") or "")
