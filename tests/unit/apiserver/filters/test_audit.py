"""The audit log says who did what, and holds no secret."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from headwater.apiserver.filters.audit import AuditFile
from headwater.apiserver.web.types import AnyResponse, Request, StreamResponse

from .conftest import Chain


async def entries(path: Path, file: AuditFile) -> list[dict[str, Any]]:
    await file.close()
    text = await asyncio.to_thread(path.read_text)
    return [json.loads(line) for line in text.splitlines()]


async def test_an_entry_per_request(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    file = AuditFile(path)
    chain = Chain(audit=file)
    await chain.send(
        "/apis/apps/v1/namespaces/a/deployments/b/status?dryRun=All",
        method="PATCH",
        token="bob-token",
        headers={"User-Agent": "kubectl", "Audit-ID": "42"},
    )
    (entry,) = await entries(path, file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    times = [entry.pop("requestReceivedTimestamp"), entry.pop("stageTimestamp")]
    assert times == [times[0]] * 2
    assert entry == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "42",
        "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/a/deployments/b/status?dryRun=All",
        "verb": "patch",
        "user": {"username": "bob", "groups": ["dev", "system:authenticated"]},
        "sourceIPs": ["in-process"],
        "userAgent": "kubectl",
        "objectRef": {
            "resource": "deployments",
            "namespace": "a",
            "name": "b",
            "apiGroup": "apps",
            "apiVersion": "v1",
            "subresource": "status",
        },
        "responseStatus": {"metadata": {}, "code": 200},
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "because"},
    }


async def test_refusals_and_impersonation_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    file = AuditFile(path)
    await Chain(audit=file, allowed=lambda a: a.verb == "impersonate").send(
        token="bob-token", headers={"Impersonate-User": "eve", "Impersonate-Extra-a": "b"}
    )
    (entry,) = await entries(path, file)
    assert entry["user"]["username"] == "bob"
    assert entry["impersonatedUser"]["extra"] == {"a": ["b"]}
    assert entry["responseStatus"]["code"] == 403
    assert entry["annotations"]["authorization.k8s.io/decision"] == "forbid"


async def test_a_watch_has_a_beginning_and_an_end(tmp_path: Path) -> None:
    async def nothing() -> Any:
        for chunk in ():
            yield chunk

    async def handler(request: Request) -> AnyResponse:
        return StreamResponse(200, "application/json", nothing())

    path = tmp_path / "audit.log"
    file = AuditFile(path)
    response = await Chain(handler, audit=file).send("/api/v1/pods?watch=1")
    assert isinstance(response, StreamResponse)
    await response.finish()
    assert [entry["stage"] for entry in await entries(path, file)] == ["ResponseStarted", "ResponseComplete"]


async def test_tokens_in_urls_are_left_out_and_probes_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    file = AuditFile(path)
    chain = Chain(audit=file)
    for target in ("/readyz/ping", "/metrics", "/x?a=1&access_token=secret&token=secret"):
        await chain.send(target)
    (entry,) = await entries(path, file)
    assert entry["requestURI"] == "/x?a=1"


async def test_a_disk_that_fails_or_lags_costs_entries_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.apiserver.filters.audit._MAX_WAITING", 3)
    path = tmp_path / "missing" / "audit.log"
    file = AuditFile(path)
    for number in range(10):
        file.write({"number": number})
    await file.close()
    path.parent.mkdir()
    for number in range(10):
        file.write({"number": number})
        if number == 0:
            await asyncio.sleep(0)
    assert [entry["number"] for entry in await entries(path, file)] == [0, 7, 8, 9]
