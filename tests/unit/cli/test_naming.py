"""What a type and a name on the command line mean."""

from __future__ import annotations

import pytest

from headwater.cli.failure import CommandFailed
from headwater.cli.naming import ObjectName, parse_names, resolve_type
from headwater.client.discovery import Discovery, ServedResource
from headwater.machinery.gvk import GroupVersion, GroupVersionResource


def served(group: str, version: str, resource: str, kind: str, *short: str) -> ServedResource:
    gvr = GroupVersionResource(group, version, resource)
    return ServedResource(
        gvr, kind, namespaced=True, verbs=frozenset({"get"}), subresources=frozenset(), short_names=short
    )


ALL = [
    served("", "v1", "events", "Event", "ev"),
    served("apps", "v1", "deployments", "Deployment", "deploy"),
    served("events.k8s.io", "v1", "events", "Event", "ev"),
    served("wild.west", "v1", "sheriffs", "Sheriff", "sh"),
    served("wild.west", "v1beta1", "sheriffs", "Sheriff", "sh"),
]
DISCOVERY = Discovery({each.gvr: each for each in ALL})
NAMES = {
    "slash": (["deployment/web"], [ObjectName("deployment", "web")]),
    "several": (["deploy/a", "deploy.apps/b"], [ObjectName("deploy", "a"), ObjectName("deploy.apps", "b")]),
    "apart": (["deploy", "a", "b"], [ObjectName("deploy", "a"), ObjectName("deploy", "b")]),
}
WRONG_NAMES = {
    "nothing": ([], "You must specify the type and the name"),
    "type-alone": (["deploy"], "name the object too: deploy/NAME"),
    "mixed": (["deploy", "deploy/a"], "no need to specify a resource type as a separate argument"),
    "no-name": (["deploy/"], "no need to specify"),
    "too-many-parts": (["a/b/c"], "no need to specify"),
}
TYPES = {
    "plural": ("deployments", "apps", "v1"),
    "singular": ("deployment", "apps", "v1"),
    "kind": ("Deployment", "apps", "v1"),
    "short": ("deploy", "apps", "v1"),
    "with-group": ("deployments.apps", "apps", "v1"),
    "short-with-group": ("deploy.apps", "apps", "v1"),
    "with-version": ("deployments.v1.apps", "apps", "v1"),
    "first-of-several": ("ev", "", "v1"),
    "the-other": ("events.events.k8s.io", "events.k8s.io", "v1"),
    "preferred-version": ("sheriff", "wild.west", "v1"),
    "version-as-written": ("sheriffs.v1beta1.wild.west", "wild.west", "v1beta1"),
}


@pytest.mark.parametrize(("arguments", "expected"), NAMES.values(), ids=NAMES)
def test_names(arguments: list[str], expected: list[ObjectName]) -> None:
    assert parse_names(arguments) == expected


@pytest.mark.parametrize(("arguments", "message"), WRONG_NAMES.values(), ids=WRONG_NAMES)
def test_wrong_names(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandFailed, match=message):
        parse_names(arguments)


@pytest.mark.parametrize(("text", "group", "version"), TYPES.values(), ids=TYPES)
def test_types(text: str, group: str, version: str) -> None:
    found = resolve_type(text, DISCOVERY).gvr
    assert (found.group, found.version) == (group, version)


@pytest.mark.parametrize("text", ["deployments.extensions", "nothing"])
def test_unknown_types(text: str) -> None:
    with pytest.raises(CommandFailed, match=f'the server doesn\'t have a resource type "{text}"'):
        resolve_type(text, DISCOVERY)


def test_what_discovery_could_not_read_may_be_what_was_meant() -> None:
    partial = Discovery(DISCOVERY.resources, (GroupVersion("x.io", "v1"),))
    with pytest.raises(CommandFailed, match=r"discovery failed for x\.io/v1"):
        resolve_type("things", partial)
