"""A world from manifests: several workspaces or one, what selects what, what has no status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.apis.workload.labels import sync_target_key
from headwater.base import yamlio
from headwater.scheduling.assign import assign
from headwater.scheduling.gather import world_from
from headwater.scheduling.plan import plan
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

NOW = datetime(2026, 1, 1, tzinfo=UTC)

ONE_CLUSTER = """
apiVersion: v1
kind: List
items:
- {apiVersion: sync.kcp.io/v1alpha1, kind: SyncTarget, metadata: {name: east}, spec: {cells: [a]}}
- apiVersion: sync.kcp.io/v1alpha1
  kind: SyncTarget
  metadata: {name: west}
  status: {allocatable: {cpu: "1"}, conditions: [{type: Ready, status: "True"}]}
- apiVersion: placement.kcp.io/v1alpha1
  kind: Placement
  metadata: {name: web}
  spec:
    locationWorkspace: root:platform
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}
    workloadSelector: {matchExpressions: [{key: local, operator: DoesNotExist}]}
    syncTargetSelector: {names: [west]}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec: {replicas: 2, template: {spec: {containers: [{resources: {requests: {cpu: 300m}}}]}}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: here, namespace: shop, labels: {local: "1"}},
   spec: {template: {spec: {containers: []}}}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: data, namespace: shop}}
- {apiVersion: apps/v1, kind: ReplicaSet, spec: {template: {spec: {}}},
   metadata: {name: made, namespace: shop, ownerReferences: [{controller: true, kind: Deployment, name: web}]}}
- {apiVersion: example.org/v1, kind: Proxy, metadata: {name: p, namespace: other}, spec: {template: {spec: {}}}}
"""


def objects(text: str) -> list[dict[str, Any]]:
    return list(yamlio.load_all(text))


def workload_of(world: World, workload_id: str) -> Workload:
    found = world.workload(workload_id)
    assert found is not None
    return found


def test_one_file_is_one_cluster() -> None:
    """Without annotations a location workspace means what is in the file; a target without status is to come."""
    world = world_from(objects(ONE_CLUSTER))
    east, west = (world.target(sync_target_key("", name)) for name in ("east", "west"))
    assert east is not None and east.not_ready_since is None and east.allocatable is None
    assert west is not None and west.allocatable == {"cpu": 1000}
    assert [each.name for each in world.locations()] == ["default"]
    assert sorted(world.workloads()) == [
        "deployments.apps shop/here",
        "deployments.apps shop/web",
        "proxies.example.org other/p",
    ]
    web = workload_of(world, "deployments.apps shop/web")
    assert (web.policies, web.replicas, web.request) == (("web",), 2, {"cpu": 300, "pods": 1})
    assert workload_of(world, "deployments.apps shop/here").policies == ()
    assert assign(world, web.id, NOW).shares == {west.key: 2}
    found = plan(world, [], NOW)
    assert (found.moves, found.dips) == ((), ())


SEVERAL = """
- apiVersion: sync.kcp.io/v1alpha1
  kind: SyncTarget
  metadata: {name: east, annotations: {kcp.io/cluster: c1, kcp.io/path: "root:platform"}}
- apiVersion: placement.kcp.io/v1alpha1
  kind: Location
  metadata: {name: all, annotations: {kcp.io/cluster: c1, kcp.io/path: "root:platform"}}
  spec: {instanceSelector: {}}
- apiVersion: placement.kcp.io/v1alpha1
  kind: Placement
  metadata: {name: there, uid: u1, annotations: {kcp.io/cluster: c2}}
  spec: {locationWorkspace: "root:platform"}
- apiVersion: placement.kcp.io/v1alpha1
  kind: Placement
  metadata: {name: lost, uid: u2, annotations: {kcp.io/cluster: c2}}
  spec: {locationWorkspace: "root:unknown"}
- apiVersion: apis.kcp.io/v1alpha1
  kind: APIBinding
  metadata:
    name: kubernetes
    annotations: {kcp.io/cluster: c2, extra.apis.kcp.io/compute.workload.kcp.io: "true"}
  status: {boundResources: [{group: apps, resource: deployments, schema: {identityHash: h}}]}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: default, annotations: {kcp.io/cluster: c2}}
  spec: {template: {spec: {}}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: default, annotations: {kcp.io/cluster: c3}}
  spec: {template: {spec: {}}}
"""


def test_several_workspaces() -> None:
    """Placements choose in the workspace that their path means, and select in their own only."""
    (items,) = objects(SEVERAL)
    world = world_from(items)
    assert {each.name: each.location_cluster for each in world.policies()} == {"there": "c1", "lost": "root:unknown"}
    assert workload_of(world, "deployments.apps c2|default/web").policies == ("u2", "u1")
    assert workload_of(world, "deployments.apps c3|default/web").policies == ()
    (east,) = world.targets("c1")
    assert ("apps", "deployments", "h") in east.accepted
    assert assign(world, "deployments.apps c2|default/web", NOW).shares == {east.key: 1}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            {
                "apiVersion": "placement.kcp.io/v1alpha1",
                "kind": "Placement",
                "metadata": {"name": "web"},
                "spec": {"locationSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}},
            },
            "Placement web: ",
        ),
        (
            {
                "apiVersion": "sync.kcp.io/v1alpha1",
                "kind": "SyncTarget",
                "metadata": {"name": "x"},
                "spec": {"taints": [{}]},
            },
            "SyncTarget x: ",
        ),
    ],
)
def test_what_cannot_be_read_is_named(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        world_from([broken])
