"""Where an upstream object lives downstream, and back."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.apis.workload.labels import LOCATOR_ANNOTATION
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, make_key, name, namespace, split_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.mutate.body import ORIGIN_ANNOTATION
from headwater.syncer.mutate.names import downstream_name, upstream_name
from headwater.syncer.namespaces.mapping import Namespaces


@dataclass(frozen=True, slots=True)
class Place:
    """Namespace ("" for cluster-scoped objects) and name of a downstream object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def place_of(resource: GroupResource, key: str, namespaces: Namespaces) -> Place:
    """Where the copy of an upstream object is, or would be. Raises NamespaceCollision."""
    cluster, space, object_name = split_key(key)
    return Place(namespaces.known(cluster, space) if space else "", downstream_name(resource, object_name))


def is_copy_of(obj: Object, key: str, identity: TargetIdentity) -> bool:
    """Whether a downstream object of ours, at the place of an upstream one, is that one's copy.

    Namespaces are each for one workspace, and say so; the names of cluster-scoped objects are shared by all workspaces.
    Whoever may edit what they say can't make it the copy of what it was not made for.
    """
    made_for_it = is_made_for(obj, key, identity)
    if made_for_it is False or namespace(obj):
        return made_for_it is not False
    locator = identity.own_locator(annotations_of(obj).get(LOCATOR_ANNOTATION))
    return locator is not None and (made_for_it or (locator.cluster, locator.namespace) == (split_key(key)[0], ""))


def is_made_for(copy: Object, key: str, identity: TargetIdentity) -> bool | None:
    """Whether a copy was made for an upstream object, whatever locators say, which are edited by hand.

    None when that isn't known: an older syncer has not noted it, and its namespace isn't named for it either.
    """
    cluster, space, _ = split_key(key)
    noted = annotations_of(copy).get(ORIGIN_ANNOTATION)
    if noted is not None:
        return noted == identity.origin(cluster, space)
    return True if space and namespace(copy) == identity.namespace_for(cluster, space).name else None


def names_the_same(old: Object, new: Object) -> bool:
    """Whether a downstream object says as before whose copy it is."""
    before, now = annotations_of(old), annotations_of(new)
    return all(before.get(note) == now.get(note) for note in (LOCATOR_ANNOTATION, ORIGIN_ANNOTATION))


def upstream_key(
    resource: GroupResource, obj: Object, *, namespaces: Namespaces, identity: TargetIdentity
) -> str | None:
    """Key of the upstream object that a downstream object is the copy of; None when it isn't one of ours."""
    space = namespace(obj)
    if space:
        locator = namespaces.locator_of(space)
    else:
        locator = identity.own_locator(annotations_of(obj).get(LOCATOR_ANNOTATION))
    if locator is None or bool(locator.namespace) != bool(space):
        return None
    return make_key(locator.cluster, locator.namespace, upstream_name(resource, name(obj)))
