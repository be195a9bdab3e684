"""What virtual workspaces refuse, on a stage that all these tests share since nothing is done to it."""

from __future__ import annotations

import itertools

import pytest
from tests.integration.virtual.outlook import ALICE, ANONYMOUS, BOB, CAROL, PLANS, STRANGER, Outlook
from tests.integration.virtual.stage import Stage

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apiserver.authn.interface import UserInfo
from headwater.client.answers import decode_object
from headwater.machinery.errors import (
    BadRequest,
    Invalid,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    StatusError,
    UnsupportedMediaType,
)
from headwater.machinery.objects import uid

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web/explanation"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", NotFound),
        ("/", NotFound),
        ("/{c}", NotFound),
        ("/{c}/north/{u}", NotFound),
        ("/{c}/north/{u}/", NotFound),
        ("/{c}/north/{u}/clusters", NotFound),
        ("/{c}/north/{u}/clusters/", NotFound),
        ("/{c}/north/{u}/cluster/*/api/v1", NotFound),
        ("/{c}//{u}/clusters/*/api/v1", NotFound),
        ("/root:west/north/{u}/clusters/*/api/v1", NotFound),
        ("/*/north/{u}/clusters/*/api/v1", NotFound),
        ("/{c}/north/{u}/clusters/root:tenant/api/v1/configmaps", NotFound),
        ("/{c}/north/wrong/clusters/*/api/v1", NotFound),
        ("/{c}/none/{u}/clusters/*/api/v1", NotFound),
        ("/none/north/{u}/clusters/*/api/v1", NotFound),
        ("/NONE/north/{u}/clusters/*/api/v1", BadRequest),
        ("/{c}/north/{u}/clusters/NONE/api/v1/configmaps", BadRequest),
        ("/{c}/north/{u}/clusters/{c}/clusters/{c}/api/v1", NotFound),
    ],
)
async def test_odd_addresses(shared_stage: Stage, path: str, error: type[StatusError]) -> None:
    target = await shared_stage.west.resource(SYNC_TARGETS).get("north")
    with pytest.raises(error):
        await shared_stage.ground.client.cluster("").get_json(
            "/services/syncer" + path.format(c=shared_stage.west.cluster, u=uid(target))
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/namespaces/default/configmaps"),
        ("DELETE", "/api/v1/namespaces/default/configmaps"),
        ("DELETE", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"),
        ("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt/status"),
        ("POST", "/api/v1/namespaces/default/serviceaccounts/default"),
        ("PUT", "/api/v1/namespaces/default/finalize"),
        ("DELETE", "/api/v1/namespaces/default"),
        ("GET", "/api/v1/proxy/namespaces/default/services/x"),
    ],
)
async def test_refused_verbs(shared_stage: Stage, method: str, path: str) -> None:
    client = shared_stage.north.client.cluster(shared_stage.tenant.cluster)
    answer = await client.raw(method, path, body=b"{}" if method != "GET" else b"")
    assert answer.status in (404, 405)


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (b"", "application/json", BadRequest),
        (b"{", "application/json", BadRequest),
        (b"[]", "application/json", BadRequest),
        (b"null", "application/json", BadRequest),
        (b'{"kind":"Plan","apiVersion":"placement.kcp.io/v1alpha1"}', "application/json", Invalid),
        (b'{"kind":"Pod","apiVersion":"v1","spec":{}}', "application/json", BadRequest),
        (b"[" * 500 + b"]" * 500, "application/json", BadRequest),
        (b"x" * (256 * 1024 + 1), "application/json", RequestEntityTooLarge),
        (b"{}", "text/plain", UnsupportedMediaType),
        (b"a: [", "application/yaml", BadRequest),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_odd_bodies(shared_outlook: Outlook, body: bytes, kind: str, error: type[StatusError]) -> None:
    with pytest.raises(error):
        decode_object(
            await shared_outlook.send(CAROL, "POST", f"/clusters/{shared_outlook.west.path}{PLANS}", body, kind)
        )


async def test_plans_are_made_only(shared_outlook: Outlook) -> None:
    """There is no collection behind them."""
    path = f"/clusters/{shared_outlook.west.path}{PLANS}"
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        with pytest.raises(MethodNotAllowed):
            decode_object(await shared_outlook.send(CAROL, method, path, b"{}"))
    assert (await shared_outlook.send(CAROL, "GET", f"{path}/one")).status == 404


@pytest.mark.parametrize("user", [STRANGER, ANONYMOUS, BOB, CAROL], ids=lambda user: user.name)
async def test_others_learn_nothing(shared_outlook: Outlook, user: UserInfo) -> None:
    """The answer is the same for what exists and what does not, for workspaces, workloads and discovery."""
    answers = set()
    for workspace in (shared_outlook.shop.path, shared_outlook.shop.cluster, "root:none"):
        for name in ("web", "none"):
            path = f"/clusters/{workspace}{DEPLOYMENT.replace('/web/', f'/{name}/')}"
            answer = await shared_outlook.send(user, "GET", path)
            answers.add((answer.status, answer.body.replace(name.encode(), b"<name>")))
        for path in ("/api", "/apis", "/apis/apps/v1"):
            assert (await shared_outlook.send(user, "GET", f"/clusters/{workspace}{path}")).status == 403
    assert len(answers) == 1
    [(status, body)] = answers
    assert status == 403
    assert b"north" not in body


async def test_it_is_for_reading_only(shared_outlook: Outlook) -> None:
    for user, method in itertools.product((ALICE, STRANGER), ("POST", "PUT", "PATCH", "DELETE")):
        with pytest.raises(MethodNotAllowed):
            decode_object(
                await shared_outlook.send(user, method, f"/clusters/{shared_outlook.shop.path}{DEPLOYMENT}", b"{}")
            )


NOWHERE = (
    "",
    "/",
    "/clusters",
    "/clusters/",
    "/clusters/*/apis",
    "/clusters/root:shop",
    "/clusters/root:shop/",
    "/clusters/root:shop/version",
    "/clusters/root:shop/api/v1",
    "/clusters/root:shop/apis/apps/v2",
    "/clusters/root:shop/api/v1/namespaces/default/configmaps",
    "/clusters/root:shop/apis/apps/v1/namespaces/default/deployments/web",
    "/clusters/root:shop/apis/apps/v1/namespaces/default/deployments/web/status",
    "/clusters/root:shop/apis/apps/v1/namespaces/default/deployments/web/explanation/more",
    "/clusters/root:shop/apis/apps/v1/deployments/web/explanation",
    "/clusters/root:shop/apis/no.group/v1/namespaces/default/things/web/explanation",
    "/clusters/root:shop/apis/apps/v1/namespaces/default/deployments:abc/web/explanation",
    "/clusters/root:shop/apis/apps/v1%252Fx/namespaces/default/deployments/web/explanation",
    "/clusters/root:shop/apis/apps/v1/namespaces/default/deployments%2525/web/explanation",
    "/cluster/root:shop/apis",
)


async def test_nothing_else_is_here(shared_outlook: Outlook) -> None:
    for path in NOWHERE:
        answer = await shared_outlook.send(ALICE, "GET", path)
        assert answer.status == 404, path
