"""The official Python client as somebody else: service accounts, client certificates, and who may do what."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kubernetes import client
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
from tests.e2e.clients.access import api_client, config_map, configuration, reason
from tests.e2e.harness import Stack, wait_for

from headwater.apiserver.certificates import CertificateAuthority
from headwater.base.clock import SystemClock

pytestmark = pytest.mark.e2e


def grant(api: client.ApiClient, subject: client.RbacV1Subject, name: str) -> None:
    """Let the subject read and create ConfigMaps in namespace `default`."""
    rbac = client.RbacAuthorizationV1Api(api)
    metadata = client.V1ObjectMeta(name=name)
    rule = client.V1PolicyRule(api_groups=[""], resources=["configmaps"], verbs=["get", "list", "create", "delete"])
    rbac.create_namespaced_role("default", client.V1Role(metadata=metadata, rules=[rule]))
    reference = client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="Role", name=name)
    rbac.create_namespaced_role_binding(
        "default", client.V1RoleBinding(metadata=metadata, role_ref=reference, subjects=[subject])
    )


def may_use_config_maps_only(api: client.ApiClient) -> None:
    """What `grant` gives works, soon; the rest is forbidden."""
    core = client.CoreV1Api(api)

    def allowed() -> bool:
        try:
            core.list_namespaced_config_map("default")
        except client.ApiException as error:
            assert error.status == 403
            return False
        return True

    wait_for("the role to count", allowed)
    core.create_namespaced_config_map("default", config_map("granted"))
    core.delete_namespaced_config_map("granted", "default")
    for attempt in (
        lambda: core.list_namespaced_secret("default"),
        core.list_config_map_for_all_namespaces,
        lambda: core.patch_namespaced_config_map("granted", "default", {}),
    ):
        with pytest.raises(client.ApiException) as caught:
            attempt()
        assert (caught.value.status, reason(caught.value)) == (403, "Forbidden")
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="delete", resource="secrets", namespace="default")
        )
    )
    assert not client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed


def test_service_account_token_from_a_file(hub: Stack, api: client.ApiClient, core: client.CoreV1Api) -> None:
    """A token of TokenRequest, read from a file as in a pod, is the service account, and dies with it."""
    core.create_namespaced_service_account(
        "default", client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="robot"))
    )
    grant(api, client.RbacV1Subject(kind="ServiceAccount", name="robot", namespace="default"), "robot")
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600))
    issued = core.create_namespaced_service_account_token("robot", "default", request)
    assert issued.status.expiration_timestamp.tzinfo is not None
    file = hub.root / "token"
    file.write_text(issued.status.token)
    with api_client(hub, {"tokenFile": str(file)}) as robot:
        whoami = client.AuthenticationV1Api(robot).create_self_subject_review(client.V1SelfSubjectReview())
        assert whoami.status.user_info.username == "system:serviceaccount:default:robot"
        may_use_config_maps_only(robot)
        core.delete_namespaced_service_account("robot", "default")

        def refused() -> bool:
            try:
                client.CoreV1Api(robot).list_namespaced_config_map("default")
            except client.ApiException as error:
                return bool(error.status == 401 and reason(error) == "Unauthorized")
            return False

        wait_for("the token to be refused", refused)


def test_client_certificate(hub: Stack, api: client.ApiClient) -> None:
    """A certificate of the control plane's CA names its user."""
    authority = CertificateAuthority.load_or_create(hub.root / "hub" / "pki", clock=SystemClock())
    pair = authority.client("carol", common_name="carol")
    grant(api, client.RbacV1Subject(kind="User", name="carol", api_group="rbac.authorization.k8s.io"), "carol")
    access = client.V1ClusterRoleBinding(
        metadata=client.V1ObjectMeta(name="carol-enters"),
        role_ref=client.V1RoleRef(
            api_group="rbac.authorization.k8s.io", kind="ClusterRole", name="system:kcp:workspace:access"
        ),
        subjects=[client.RbacV1Subject(kind="User", name="carol", api_group="rbac.authorization.k8s.io")],
    )
    client.RbacAuthorizationV1Api(api).create_cluster_role_binding(access)
    user = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
    with api_client(hub, user) as carol:
        may_use_config_maps_only(carol)


@pytest.mark.parametrize("user", [{}, {"token": "made up"}], ids=["nobody", "a wrong token"])
def test_strangers(hub: Stack, user: dict[str, str]) -> None:
    """Who is nobody may do nothing, and a wrong credential is not nobody's."""
    with api_client(hub, user) as stranger, pytest.raises(client.ApiException) as caught:
        client.CoreV1Api(stranger).list_namespaced_config_map("default")
    assert (caught.value.status, reason(caught.value)) == ((401, "Unauthorized") if user else (403, "Forbidden"))


@pytest.fixture
def elected(hub: Stack) -> Iterator[None]:
    """Leader election takes its connection from the default configuration only."""
    before = client.Configuration.get_default_copy()
    client.Configuration.set_default(configuration(hub))
    yield
    client.Configuration.set_default(before)


def test_leader_election_on_a_lease(elected: None, core: client.CoreV1Api, api: client.ApiClient) -> None:
    """Of two candidates one leads; when it stops to renew, the other takes over, and the Lease says so."""
    leases = client.CoordinationV1Api(api)
    started: list[str] = []

    class Breakable(LeaseLock):  # type: ignore[misc]
        """A lock whose candidate can be cut off."""

        cut = False

        def update(self, *arguments: object) -> bool:
            return not self.cut and bool(super().update(*arguments))

        def get(self, *arguments: object) -> tuple[bool, object]:
            found, record = super().get(*arguments)
            return (False, client.ApiException(status=503, reason="cut")) if self.cut else (found, record)

    def candidate(name: str) -> Breakable:
        lock = Breakable("leader", "default", name)
        config = electionconfig.Config(
            lock, lease_duration=5, renew_deadline=4, retry_period=1,
            onstarted_leading=lambda: started.append(name), onstopped_leading=lambda: started.append(f"no {name}"),
        )  # fmt: skip
        threading.Thread(target=leaderelection.LeaderElection(config).run, daemon=True).start()
        return lock

    first = candidate("first")
    wait_for("a leader", lambda: started == ["first"])
    second = candidate("second")
    lease = leases.read_namespaced_lease("leader", "default")
    assert lease.spec.holder_identity == "first"
    renewed = lease.spec.renew_time
    wait_for("a renewal", lambda: leases.read_namespaced_lease("leader", "default").spec.renew_time > renewed)
    first.cut = True
    wait_for("the next leader", lambda: "second" in started)
    assert leases.read_namespaced_lease("leader", "default").spec.holder_identity == "second"
    second.cut = True
    wait_for("both to stop", lambda: {"no first", "no second"} <= set(started))
