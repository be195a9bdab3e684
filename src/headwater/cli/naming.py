"""What `deployment/web`, `deploy web` or `deployments.apps/web` means, by what a workspace serves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.client.discovery import Discovery, ServedResource


@dataclass(frozen=True, slots=True)
class ObjectName:
    """A type as it was written, and the name of an object."""

    type: str
    name: str


def parse_names(arguments: Sequence[str]) -> list[ObjectName]:
    """`TYPE/NAME...` or `TYPE NAME...`. Raises CommandFailed in kubectl's words."""
    if not arguments:
        raise CommandFailed("You must specify the type and the name of a workload, such as deployment/web")
    if any("/" in each for each in arguments):
        parts = [each.split("/") for each in arguments]
        for text, each in zip(arguments, parts, strict=True):
            if len(each) != 2 or not all(each):
                raise CommandFailed(
                    "there is no need to specify a resource type as a separate argument when passing arguments in "
                    f"resource/name form (e.g. 'headwater explain deployment/web'): {text!r}"
                )
        return [ObjectName(*each) for each in parts]
    if len(arguments) < 2:
        raise CommandFailed(f"name the object too: {arguments[0]}/NAME")
    return [ObjectName(arguments[0], name) for name in arguments[1:]]


def resolve_type(text: str, discovery: Discovery) -> ServedResource:
    """The resource that a type means: plural, singular, kind or short name, with `.group` or `.version.group` if given.

    Of several the first that is served is meant, as with kubectl. Raises CommandFailed.
    """
    name, _, rest = text.lower().partition(".")
    served = [each for each in discovery.resources.values() if name in _names(each)]
    found = [each for each in served if not rest or rest in (each.gvr.group, f"{each.gvr.version}.{each.gvr.group}")]
    exact = [each for each in found if name != each.kind.lower() and name == each.gvr.resource]
    best = {(each.gvr.group, each.gvr.resource): each for each in discovery.preferred()}
    for each in exact or found:
        pinned = rest == f"{each.gvr.version}.{each.gvr.group}"
        return each if pinned else best.get((each.gvr.group, each.gvr.resource), each)
    if discovery.failed:
        raise CommandFailed(f"discovery failed for {_listed(map(str, discovery.failed))}, so {text!r} can't be found")
    raise CommandFailed(
        f'the server doesn\'t have a resource type "{text}". '
        "Is its API bound in this workspace (`kubectl api-resources`), and is --workspace the right one?"
    )


def _names(resource: ServedResource) -> set[str]:
    return {resource.gvr.resource, resource.kind.lower(), *resource.short_names}


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts)
