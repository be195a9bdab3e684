"""What kubectl shows in a workspace of what runs on a pcluster, and by which names its pods find each other there."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest
from tests.e2e.harness import PLATFORM, Program, Stack, kubectls, stack, wait_for
from tests.e2e.resolver import look_up, pcluster_dns
from tests.e2e.scheduling.api import Api, Object, Refused, path_of
from tests.ports import free_port

pytestmark = pytest.mark.e2e
SYSTEM_TOKEN = "played-by-the-test"
DERIVED = "experimental.workload.kcp.io/upsync-derived-resources"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane, one registered pcluster, and a Deployment that runs there."""
    with stack(tmp_path_factory.mktemp("upsync"), kubectls()[0]) as stack_of_module:
        tokens = stack_of_module.root / "tokens.csv"
        tokens.write_text(f'{SYSTEM_TOKEN},system,system,"system:masters"\n')
        stack_of_module.start_hub("--token-auth-file", str(tokens))
        stack_of_module.start_sim("east")
        stack_of_module.create_workspaces()
        stack_of_module.register("east", "--dns-image=headwater:1", "--isolate-tenants")
        stack_of_module.headwater("bind", "compute", PLATFORM, workspace="root:shop")
        stack_of_module.kubectl("create", "namespace", "web")
        stack_of_module.kubectl("-n", "web", "create", "deployment", "front", "--image=nginx", "--replicas=2")
        wait_for("both pods run", lambda: running(stack_of_module) == 2)
        yield stack_of_module


def running(made: Stack) -> int:
    """How many pods the workspace shows as running."""
    return made.kubectl("-n", "web", "get", "pods", "--no-headers").count("Running")


def home(made: Stack) -> str:
    """The downstream namespace."""
    found = made.downstream_namespace("east", "web")
    assert found
    return found


def test_pods_are_shown(made: Stack) -> None:
    """As a table with readiness and node, by label, to wait for, and scaled down gone."""
    lines = made.kubectl("-n", "web", "get", "pods", "-l", "app=front", "-o", "wide", "--no-headers").splitlines()
    assert len(lines) == 2
    assert all(" 1/1 " in line and "Running" in line for line in lines)
    made.kubectl("-n", "web", "wait", "--for=condition=Ready", "pod", "-l", "app=front", "--timeout=60s")
    local = {each["metadata"]["name"] for each in made.below_json("east", "-n", home(made), "get", "pods")["items"]}
    assert {line.split()[0] for line in lines} == local
    described = made.kubectl("-n", "web", "describe", "pod", sorted(local)[0])
    assert "nginx" in described
    made.kubectl("-n", "web", "scale", "deployment", "front", "--replicas=1")
    wait_for("one is gone", lambda: len(made.json("-n", "web", "get", "pods")["items"]) == 1)
    made.kubectl("-n", "web", "scale", "deployment", "front", "--replicas=2")
    wait_for("two again", lambda: running(made) == 2)


def test_pods_are_not_for_tenants_to_make(made: Stack) -> None:
    """Somebody with all rights in the workspace, who is nobody to the control plane itself."""
    made.kubectl("create", "clusterrolebinding", "user-1", "--clusterrole=cluster-admin", "--user=user-1")
    acting = ("--as", "user-1", "--as-group", "system:authenticated", "-n", "web")
    refused = made.kubectl(*acting, "run", "bare", "--image=nginx", "--restart=Never", check=False)
    assert 'pods is forbidden: User "user-1" cannot create resource "pods" in API group ""' in refused
    assert made.kubectl(*acting, "get", "pods", "--no-headers").count("\n") == 2


def test_events_are_shown(made: Stack) -> None:
    """An event of a kubelet is listed, and stands in the description of the pod."""
    pod = made.below_json("east", "-n", home(made), "get", "pods")["items"][0]["metadata"]
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "backoff", "namespace": home(made)},
        "involvedObject": {
            "apiVersion": "v1", "kind": "Pod", "name": pod["name"], "namespace": home(made), "uid": pod["uid"],
        },
        "reason": "BackOff", "message": "Back-off pulling image", "type": "Warning", "count": 4,
        "source": {"component": "kubelet", "host": "east-0"},
    }  # fmt: skip
    made.below("east", "create", "-f", write(made, event))
    wait_for("event", lambda: "Back-off pulling image" in made.kubectl("-n", "web", "get", "events"))
    assert "BackOff" in made.kubectl("-n", "web", "describe", "pod", pod["name"])


def write(made: Stack, obj: dict[str, object]) -> str:
    path = made.root / "event.json"
    path.write_text(json.dumps(obj))
    return str(path)


def test_endpoints_come_up_where_a_service_asks(made: Stack) -> None:
    """Y5: two Services and two Endpoints below, and upstream those of the one that asks."""
    for name in ("with-endpoints-upsync", "without-endpoints-upsync"):
        made.kubectl("-n", "web", "create", "service", "clusterip", name, "--tcp=80:80")
    made.kubectl("-n", "web", "annotate", "service", "with-endpoints-upsync", f"{DERIVED}=endpoints")

    def below() -> bool:
        found = made.below_json("east", "-n", home(made), "get", "endpoints")["items"]
        return len([each for each in found if "endpoints-upsync" in each["metadata"]["name"]]) == 2

    wait_for("endpoints below", below)
    found = wait_for("endpoints", lambda: made.json("-n", "web", "get", "endpoints")["items"])
    assert [each["metadata"]["name"] for each in found] == ["with-endpoints-upsync"]


def services_below(made: Stack, *needed: tuple[str, str]) -> dict[tuple[str, str], str]:
    """Addresses of the pcluster's Services by namespace and name, once those that are needed are among them."""
    items = made.below_json("east", "get", "services", "-A")["items"]
    found = {(each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"]["clusterIP"] for each in items}
    return found if found.keys() >= set(needed) else {}


def run_resolver(made: Stack, config_map: dict[str, str], upstream: int) -> tuple[int, Program]:
    """What the container of a resolver runs, under its own account; the port that it answers on."""
    name, space = config_map["name"], config_map["namespace"]
    port, health = free_port(), free_port()
    token = made.below("east", "-n", space, "create", "token", name).strip()
    path = made.root / f"{name}.kubeconfig"
    path.write_text(made.pcluster_kubeconfig("east").read_text())
    for flags in (
        ("set-credentials", "resolver", f"--token={token}"),
        ("set-context", "--current", "--user=resolver"),
    ):
        made.command(made.kubectl_path, "--kubeconfig", str(path), "config", *flags)
    program = made.run(
        name, "syncer", "dns", "--configmap", name, "--namespace", space, "--kubeconfig", str(path),
        "--address", "127.0.0.1", "--port", str(port), "--upstream", f"127.0.0.1:{upstream}",
        "--health-address", f"127.0.0.1:{health}",
    )  # fmt: skip

    def ready() -> bool:
        program.check()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{health}/readyz") as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    wait_for("resolver is ready", ready)
    return port, program


def test_names_lead_to_the_services_of_their_own_workspace(made: Stack) -> None:
    """Within a workspace by every form of a name; another workspace's resolver knows none of them."""
    made.headwater("workspace", "create", "other", workspace="root")
    made.headwater("bind", "compute", PLATFORM, workspace="root:other")
    made.kubectl("create", "namespace", "back")
    made.kubectl("create", "namespace", "web", workspace="root:other")
    for workspace, namespace, service in (
        ("root:shop", "web", "db"), ("root:shop", "web", "large"), ("root:shop", "back", "db"),
        ("root:other", "web", "db"), ("root:other", "web", "own"),
    ):  # fmt: skip
        made.kubectl("-n", namespace, "create", "service", "clusterip", service, "--tcp=80", workspace=workspace)

    def maps() -> list[dict[str, dict[str, str]]]:
        found = made.below_json("east", "get", "configmaps", "-A", "-l", "internal.workload.kcp.io/dns")["items"]
        known = sorted(found, key=lambda each: "back" not in each["data"])
        return known if len(known) == 2 and "back" in known[0]["data"] and "web" in known[1]["data"] else []

    shop, other = wait_for("both workspaces have a map", maps)
    own_space = shop["metadata"]["namespace"]
    policies = ("-n", own_space, "get", "networkpolicies", "-o", "name")
    wait_for("both have a policy", lambda: made.below("east", *policies).count("/kcp-dns-east-") == 2)
    places = {
        f"{which}/{path}": (space["data"][path.partition("/")[0]], path.partition("/")[2])
        for which, space, paths in (
            ("shop", shop, ("web/db", "web/large", "back/db")),
            ("other", other, ("web/db", "web/own")),
        )
        for path in paths
    }
    below = wait_for("all Services are below", lambda: services_below(made, *places.values()))
    own = {path: below[place] for path, place in places.items()}
    front = made.below_json("east", "-n", shop["data"]["web"], "get", "deployment", "front")
    pod = front["spec"]["template"]["spec"]
    assert pod["dnsConfig"]["nameservers"] == [below[own_space, shop["metadata"]["name"]]]
    searches = pod["dnsConfig"]["searches"]
    with pcluster_dns(lambda namespace, name: below.get((namespace, name))) as upstream:
        port, program = run_resolver(made, shop["metadata"], upstream)
        others_port, _ = run_resolver(made, other["metadata"], upstream)
        for tcp in (False, True):
            for name in ("db.web.svc.cluster.local", "db.web", "db"):
                assert look_up(port, name, searches, tcp=tcp) == [own["shop/web/db"]], name
            assert look_up(others_port, "db.web.svc.cluster.local", tcp=tcp) == [own["other/web/db"]]
        assert look_up(port, "db.back", searches) == [own["shop/back/db"]]
        assert look_up(port, "large", searches) == [own["shop/web/large"]]
        assert look_up(others_port, "own.web", searches) == [own["other/web/own"]]
        downstream = [f"db.{space}.svc.cluster.local" for each in (shop, other) for space in each["data"].values()]
        for name in ("own.web.svc.cluster.local", "kubernetes.default.svc.cluster.local", *downstream):
            assert look_up(port, name) == [], name
        for name in ("db.back.svc.cluster.local", "large.web.svc.cluster.local", *downstream):
            assert look_up(others_port, name) == [], name
        made.kubectl("delete", "namespace", "back", "--timeout=60s")
        wait_for("the name goes with its namespace", lambda: not look_up(port, "db.back.svc.cluster.local"))
        assert look_up(port, "db.web.svc.cluster.local") == [own["shop/web/db"]]
        assert program.stop() == 0
    made.kubectl("delete", "namespace", "web", "--timeout=60s", workspace="root:other")
    wait_for("it is gone below", lambda: other["data"]["web"] not in made.below("east", "get", "namespaces"))


def refusal(api: Api, verb: str, path: str, body: Object | None = None) -> tuple[int, str]:
    """Status and message of a request that has to fail."""
    with pytest.raises(Refused) as caught:
        api.request(verb, path, body)
    return caught.value.status, str(caught.value)


def test_the_view_of_an_upsyncer(made: Stack) -> None:
    """U1 to U7, with the credential of a syncer that is down, so that it takes nothing back."""
    credential = made.credential_kubeconfig("east")
    made.programs["syncer-east"].stop()
    target = made.json("get", "synctarget", "east", workspace=PLATFORM)["metadata"]
    cluster = made.json("get", "namespace", "web")["metadata"]["annotations"]["kcp.io/cluster"]
    key = target["labels"]["internal.workload.kcp.io/key"]
    base = f"/services/upsyncer/{target['annotations']['kcp.io/cluster']}/east/{target['uid']}/clusters"
    view = Api(credential).at(f"{base}/{cluster}")
    shop = Api(made.kubeconfig, SYSTEM_TOKEN).at(f"/clusters/{cluster}")
    marks, pods = {f"state.workload.kcp.io/{key}": "Upsync"}, path_of("pods", namespace="web")

    def pod(name: str, **meta: object) -> Object:
        meta = {"name": name, "labels": marks, **meta}
        spec = {"containers": [{"name": "main", "image": "nginx:1"}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}

    def image(found: Object) -> str:
        return str(found["spec"]["containers"][0]["image"])

    # U1: what carries the label is listed, over one workspace and over all; what does not is not.
    for each in (pod("labelled"), pod("plain", labels={})):
        shop.request("POST", pods, each)
    for api in (view, Api(credential).at(f"{base}/*")):
        names = {each["metadata"]["name"] for each in api.list("pods")}
        assert "labelled" in names
        assert "plain" not in names
    # U2: created without a status, which is written by itself and then stands upstream.
    created = view.request("POST", pods, {**pod("made"), "status": {"phase": "Running"}})
    assert created.get("status", {}).get("phase") != "Running"
    view.request("PUT", f"{pods}/made/status", {**created, "status": {"phase": "Running"}})
    stored = shop.request("GET", f"{pods}/made")
    assert stored["status"]["phase"] == "Running"
    # U3: a patch in an annotation says what differs upstream.
    patch = json.dumps([{"op": "replace", "path": "/spec/containers/0/image", "value": "nginx:2"}])
    note = {f"internal.workload.kcp.io/upsyncdiff{key}": patch}
    view.request("POST", pods, pod("differs", annotations=note))
    assert image(shop.request("GET", f"{pods}/differs")) == "nginx:2"
    # U4: nothing comes up without the label.
    status, said = refusal(view, "POST", pods, pod("unlabelled", labels={}))
    assert (status, "does not match labels" in said) == (400, True)
    assert refusal(shop, "GET", f"{pods}/unlabelled")[0] == 404
    # U5: a change goes up.
    changed = {**stored, "spec": {**stored["spec"], "containers": [{"name": "main", "image": "nginx:3"}]}}
    changed = view.request("PUT", f"{pods}/made", changed)
    assert image(shop.request("GET", f"{pods}/made")) == "nginx:3"
    # U6: the label can't be taken off, and the object stays as it is.
    bare = {**changed, "metadata": {**changed["metadata"], "labels": {}}}
    status, said = refusal(view, "PUT", f"{pods}/made", bare)
    assert (status, "does not match labels" in said) == (400, True)
    assert shop.request("GET", f"{pods}/made") == changed
    # U7: deleted there, it is gone upstream.
    for name in ("made", "differs", "labelled"):
        view.request("DELETE", f"{pods}/{name}")
        assert refusal(shop, "GET", f"{pods}/{name}")[0] == 404
    shop.request("DELETE", f"{pods}/plain")
    made.programs["syncer-east"].start()
    wait_for("only the pods of the pcluster are left", lambda: running(made) == 2 == len(shop.list("pods", "web")))


def test_a_deleted_namespace_takes_all_along(made: Stack) -> None:
    """Nothing that came up holds it."""
    made.kubectl("create", "namespace", "short")
    made.kubectl("-n", "short", "create", "deployment", "brief", "--image=nginx")
    wait_for("pod", lambda: made.json("-n", "short", "get", "pods")["items"])
    made.kubectl("delete", "namespace", "short", "--timeout=90s")
