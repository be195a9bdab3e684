"""What the objects of a plan would be if the caller applied them: a dry run, defaulted, validated and admitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from headwater.apis.kind import Kind
from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.client.answers import decode_object
from headwater.client.dynamic import ClusterClient
from headwater.client.paths import collection_path, object_path
from headwater.machinery import fieldpath
from headwater.machinery.errors import Invalid, NotFound, StatusError
from headwater.machinery.objects import Object, name
from headwater.machinery.objects import annotations as annotations_of
from headwater.patch.lastapplied import ANNOTATION as LAST_APPLIED
from headwater.patch.mergepatch import apply_merge_patch

AsUser = Callable[[UserInfo], ClusterClient]
"""A client that acts as somebody who was authenticated."""
_OWN_METADATA: Final = ("name", "labels", "annotations")
_DRY_RUN: Final = (("dryRun", "All"), ("fieldValidation", "Strict"), ("fieldManager", "headwater-plan"))


class Rehearsal:
    """Applies objects without storing them, as `kubectl apply` would.

    The request is made as the caller, so that authorization and admission say what they would say then.
    """

    def __init__(self, cluster_client: ClusterClient, as_user: AsUser) -> None:
        self._cluster_client = cluster_client
        self._as_user = as_user

    async def live(self, cluster: str, kind: Kind, object_name: str) -> Object | None:
        """The object as it is now, None when there is none."""
        try:
            return await self._cluster_client.cluster(cluster).resource(kind.gvr).get(object_name)
        except NotFound:
            return None

    async def apply(
        self, user: UserInfo, cluster: str, kind: Kind, given: Object, live: Object | None, *, path: str
    ) -> Object:
        """What would be stored. Raises StatusError as the API does; the fields it names begin with `path`."""
        method, url = "POST", collection_path("", kind.gvr)
        wanted = own_part(given)
        if live is not None:
            method, url, wanted = "PUT", object_path(url, name(live)), applied_to(live, wanted)
        client = self._as_user(user).cluster(cluster)
        answer = await client.raw(method, url, query=_DRY_RUN, body=jsonio.dumps(wanted))
        try:
            return decode_object(answer)
        except Invalid as error:
            raise below(error, path) from error


def own_part(given: Object) -> Object:
    """What of an object is its author's: not the status, and not what the system keeps in metadata."""
    meta = {field: value for field, value in given["metadata"].items() if field in _OWN_METADATA}
    return {**{field: value for field, value in given.items() if field != "status"}, "metadata": meta}


def applied_to(live: Object, given: Object) -> Object:
    """`live` with what is given, and without what was applied before and is not given any more."""
    return apply_merge_patch(live, _patch(_last_applied(live), given))


def _patch(before: Any, given: Object) -> Object:
    """The merge patch that sets all that is given and removes what only `before` has."""
    was: Object = before if isinstance(before, dict) else {}
    patch: Object = dict.fromkeys(field for field in was if field not in given)
    for field, value in given.items():
        patch[field] = _patch(was.get(field), value) if isinstance(value, dict) else value
    return patch


def _last_applied(live: Object) -> Object:
    try:
        found = jsonio.loads(annotations_of(live).get(LAST_APPLIED) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def below(error: Invalid, path: str) -> StatusError:
    """The same refusal for an object inside of a plan: every field is named from the plan's root."""
    causes = [
        {**cause, "field": fieldpath.child(path, str(cause["field"]))} if cause.get("field") else cause
        for cause in error.causes
    ]
    details = {**(error.details or {}), **({"causes": causes} if causes else {})}
    return Invalid(f"{path}: {error.message}", details=details)
