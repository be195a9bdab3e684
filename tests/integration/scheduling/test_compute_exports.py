"""Exports that are no compute exports: who hears of it, and when."""

from __future__ import annotations

import pytest
from tests.integration.scheduling.ground import BINDINGS, EXPORTS, SCHEMAS, Ground, Space, eventually
from tests.integration.scheduling.test_synctargets import export, schema

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.workload.labels import COMPUTE_EXPORT_ANNOTATION
from headwater.apiserver.authn.interface import UserInfo
from headwater.cli.binding.exports import bind_exports, check_exports
from headwater.cli.failure import CommandFailed
from headwater.machinery.conditions import get_condition

THINGS = "root:maker:things"
SAID = f"its owner runs `kubectl annotate apiexport things {COMPUTE_EXPORT_ANNOTATION}=true` in workspace root:maker"


async def make_things(ground: Ground) -> Space:
    """A workspace with an export that is not marked."""
    maker = await ground.workspace("maker", compute=False)
    await maker.resource(SCHEMAS).create(schema("cats"))
    body = export(schema("cats"))
    del body["metadata"]["annotations"]
    await maker.resource(EXPORTS).create(body)
    await maker.condition(EXPORTS, "things", "IdentityValid", "True")
    return maker


async def test_what_can_be_read_is_refused_before_anything_is_made(ground: Ground) -> None:
    """Whoever may not read the export is not kept from binding, and neither is one that is marked, or missing."""
    maker = await make_things(ground)
    with pytest.raises(CommandFailed) as refused:
        await check_exports(ground.client, ["root:compute:kubernetes", THINGS])
    assert str(refused.value.message).startswith(f"APIExport {THINGS} is no compute export, so nothing of its")
    assert SAID in refused.value.message
    stranger = ground.as_user(UserInfo("stranger", groups=("system:authenticated",)))
    await check_exports(stranger, [THINGS])
    await check_exports(ground.client, ["root:compute:kubernetes", "root:maker:none", "root:none:things"])
    marked = {"metadata": {"annotations": {COMPUTE_EXPORT_ANNOTATION: "true"}}}
    await maker.resource(EXPORTS).patch("things", marked)
    await check_exports(ground.client, [THINGS])


async def test_what_could_not_be_read_is_bound_with_a_warning(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when it was bound before; of a compute export there is none."""
    await make_things(ground)
    shop = await ground.workspace("shop", compute=False)
    for _ in range(2):
        await bind_exports(shop.client, ["root:compute:kubernetes", THINGS], 30)
        (warning,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Warning: ")]
        assert warning.startswith(f"Warning: APIExport {THINGS} is no compute export")
        assert SAID in warning


async def test_a_placement_of_a_workspace_without_compute_apis_says_so(ground: Ground) -> None:
    """Until one is bound, or marked; what it decides does not depend on that."""
    maker = await make_things(ground)
    shop = await ground.workspace("shop", compute=False)
    await shop.target("one")
    await shop.bind("root:maker", "things")
    await shop.place()
    await shop.condition(PLACEMENTS, "all", "APIsBound", "False", "NoComputeAPIs", "`headwater bind compute`")
    await shop.condition(PLACEMENTS, "all", "Ready", "True")
    await maker.resource(EXPORTS).patch("things", {"metadata": {"annotations": {COMPUTE_EXPORT_ANNOTATION: "true"}}})
    await eventually(lambda: shop.resource(PLACEMENTS).get("all"), lambda obj: get_condition(obj, "APIsBound") is None)
    assert COMPUTE_EXPORT_ANNOTATION in (await shop.resource(BINDINGS).get("things"))["metadata"]["annotations"]
