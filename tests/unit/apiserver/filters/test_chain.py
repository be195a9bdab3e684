"""The filters together: who is let through, what the refused read, and what every answer carries."""

from __future__ import annotations

import asyncio

import pytest

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes
from headwater.apiserver.filters.inflight import InflightLimits
from headwater.apiserver.web.types import AnyResponse, Handler, Request, Response, StreamResponse
from headwater.machinery.errors import NotFound
from headwater.storage.errors import Compacted, StorageBusy, StoreClosed

from .conftest import Chain, body_of, headers_of


async def test_an_allowed_request_arrives_with_its_user_and_info(chain: Chain) -> None:
    response = await chain.send(token="bob-token")
    assert response.status == 200
    (request,) = chain.requests
    assert request.user == UserInfo("bob", groups=("dev", "system:authenticated"))
    assert (request.info.verb, request.info.resource, request.info.name) == ("get", "configmaps", "x")
    assert headers_of(response)["cache-control"] == "no-cache, private"


async def test_a_stranger_is_anonymous_and_a_wrong_token_is_not(chain: Chain) -> None:
    await chain.send()
    assert chain.requests[0].user == UserInfo("system:anonymous", groups=("system:unauthenticated",))
    response = await chain.send(token="wrong")
    assert response.status == 401
    status = body_of(response)
    assert (status["reason"], status["message"], len(chain.requests)) == ("Unauthorized", "Unauthorized", 1)


async def test_a_user_of_this_process_is_kept(chain: Chain) -> None:
    await chain.send(user=UserInfo("system:apiserver"), token="wrong")
    assert chain.requests[0].user.name == "system:apiserver"


@pytest.mark.parametrize(
    ("method", "target", "message", "details"),
    [
        pytest.param(
            "GET", "/api/v1/namespaces/default/configmaps/x",
            'configmaps "x" is forbidden: User "bob" cannot get resource "configmaps" in API group "" '
            'in the namespace "default"',
            {"name": "x", "kind": "configmaps"}, id="one object",
        ),
        pytest.param(
            "GET", "/apis/apps/v1/deployments",
            'deployments.apps is forbidden: User "bob" cannot list resource "deployments" in API group "apps" '
            "at the cluster scope",
            {"group": "apps", "kind": "deployments"}, id="all namespaces",
        ),
        pytest.param(
            "PUT", "/apis/apps/v1/namespaces/a/deployments/b/status",
            'deployments.apps "b" is forbidden: User "bob" cannot update resource "deployments/status" in API group '
            '"apps" in the namespace "a"',
            {"name": "b", "group": "apps", "kind": "deployments"}, id="subresource",
        ),
        pytest.param("GET", "/metrics", 'forbidden: User "bob" cannot get path "/metrics"', None, id="plain URL"),
    ],
)  # fmt: skip
async def test_a_refusal_is_worded_as_in_kubernetes(
    method: str, target: str, message: str, details: dict[str, str] | None
) -> None:
    chain = Chain(allowed=lambda attributes: False)
    response = await chain.send(target, method=method, token="bob-token")
    status = body_of(response)
    assert (response.status, status["reason"], status["message"]) == (403, "Forbidden", message)
    assert status.get("details") == details
    assert not chain.requests


async def test_every_request_has_an_audit_id_of_its_own_or_the_one_it_brings(chain: Chain) -> None:
    first, second = headers_of(await chain.send()), headers_of(await chain.send())
    assert first["audit-id"] != second["audit-id"]
    brought = await chain.send(headers={"Audit-ID": "a" * 100})
    assert headers_of(brought)["audit-id"] == "a" * 64
    refused = await chain.send(token="wrong")
    assert "audit-id" in headers_of(refused)


def raising(error: Exception) -> Handler:
    async def handler(request: Request) -> AnyResponse:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        pytest.param(NotFound("no such thing"), 404, "NotFound", id="an API error"),
        pytest.param(StorageBusy("busy"), 429, "TooManyRequests", id="a busy store"),
        pytest.param(StoreClosed(), 503, "ServiceUnavailable", id="a closed store"),
        pytest.param(Compacted(5, requested=1), 410, "Expired", id="an old revision"),
        pytest.param(ValueError("secret cause"), 500, "InternalError", id="a bug"),
    ],
)
async def test_errors_become_statuses(error: Exception, code: int, reason: str) -> None:
    response = await Chain(raising(error)).send()
    status = body_of(response)
    assert (response.status, status["code"], status["reason"]) == (code, code, reason)
    assert "secret" not in status["message"]


async def test_a_bug_is_answered_with_the_id_to_look_for() -> None:
    response = await Chain(raising(KeyError("x"))).send()
    assert headers_of(response)["audit-id"] in body_of(response)["message"]


async def test_warnings_are_sent_once_each_and_also_with_errors() -> None:
    async def handler(request: Request) -> AnyResponse:
        request.warn('unknown field "spec.foo"')
        request.warn("line\nbreak")
        request.warn("line\nbreak")
        raise NotFound("gone")

    response = await Chain(handler).send()
    warnings = [value for name, value in response.headers if name == "Warning"]
    assert warnings == ['299 - "unknown field \\"spec.foo\\""', '299 - "line break"']


async def test_warnings_are_bounded() -> None:
    async def handler(request: Request) -> AnyResponse:
        for number in range(100):
            request.warn(f"{number}" + "x" * 1000)
        return Response(200)

    response = await Chain(handler).send()
    assert sum(len(value) for name, value in response.headers if name == "Warning") < 6000


async def test_a_bad_path_is_a_bad_request(chain: Chain) -> None:
    response = await chain.send("/api/v1/namespaces//pods")
    assert (response.status, body_of(response)["reason"]) == (400, "BadRequest")


async def test_a_request_that_takes_too_long_times_out() -> None:
    async def handler(request: Request) -> AnyResponse:
        await asyncio.Event().wait()
        raise AssertionError

    chain = Chain(handler, request_timeout_seconds=0.01)
    response = await chain.send()
    assert (response.status, body_of(response)["reason"]) == (504, "Timeout")
    chain = Chain(handler, request_timeout_seconds=600)
    assert (await chain.send("/api/v1/pods?timeout=0.01s")).status == 504


@pytest.mark.parametrize(("text", "code"), [("5s", 200), ("1h2m3s", 200), ("0", 200), ("soon", 400), ("-1s", 400)])
async def test_the_timeout_parameter(chain: Chain, text: str, code: int) -> None:
    assert (await chain.send(f"/api/v1/pods?timeout={text}")).status == code


async def test_a_cancelled_request_is_not_a_timeout(chain: Chain) -> None:
    entered = asyncio.Event()

    async def handler(request: Request) -> AnyResponse:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.ensure_future(Chain(handler).send())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Gate:
    """A handler that holds requests until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0

    async def __call__(self, request: Request) -> AnyResponse:
        if request.info.verb == "watch":
            return StreamResponse(200, "application/json", _nothing())
        self.waiting += 1
        await self.opened.wait()
        return Response(200)


async def _nothing() -> object:  # type: ignore[misc]
    for chunk in ():
        yield chunk


async def test_a_full_server_says_so_and_lets_its_administrators_in() -> None:
    gate = Gate()
    chain = Chain(gate, inflight=InflightLimits(read_only=1, mutating=1))
    first = asyncio.ensure_future(chain.send(token="bob-token"))
    while not gate.waiting:
        await asyncio.sleep(0)
    refused = await chain.send(token="bob-token")
    assert (refused.status, headers_of(refused)["retry-after"]) == (429, "1")
    # Writes have room of their own, and who can repair things is never kept out.
    others = [
        asyncio.ensure_future(chain.send(method="PUT", token="bob-token")),
        asyncio.ensure_future(chain.send(token="root-token")),
    ]
    while gate.waiting < 3:
        await asyncio.sleep(0)
    gauge = 'apiserver_current_inflight_requests{request_kind="readOnly"}'
    assert f"{gauge} 2" in chain.metrics.render().decode()
    gate.opened.set()
    assert [r.status for r in await asyncio.gather(first, *others)] == [200, 200, 200]
    assert (await chain.send(token="bob-token")).status == 200
    assert f"{gauge} 0" in chain.metrics.render().decode()


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_one_user_does_not_take_all_places(method: str) -> None:
    """Strangers with slow bodies, or a tenant, leave room for the others."""
    gate = Gate()
    chain = Chain(gate, inflight=InflightLimits(read_only_per_user=2, mutating_per_user=2))
    held = [asyncio.ensure_future(chain.send(method=method)) for _ in range(2)]
    while gate.waiting < 2:
        await asyncio.sleep(0)
    assert (await chain.send(method=method)).status == 429
    held.append(asyncio.ensure_future(chain.send(method=method, token="bob-token")))
    while gate.waiting < 3:
        await asyncio.sleep(0)
    gate.opened.set()
    assert [r.status for r in await asyncio.gather(*held)] == [200, 200, 200]
    assert (await chain.send(method=method)).status == 200


async def test_an_answer_that_goes_on_counts_as_a_watch() -> None:
    """What virtual workspaces and tunnels answer does not look like one."""
    ended = []

    async def stream(request: Request) -> AnyResponse:
        return StreamResponse(200, "text/plain", _nothing(), on_finish=[lambda: ended.append(request.path)])

    chain = Chain(stream, inflight=InflightLimits(long_running_per_user=1))
    first = await chain.send("/services/a", token="bob-token")
    assert isinstance(first, StreamResponse)
    assert (await chain.send("/services/b", token="bob-token")).status == 429
    assert ended == ["/services/b"], "it is ended where it came from"
    await first.finish()
    assert (await chain.send("/services/c", token="bob-token")).status == 200


async def test_watches_are_bounded_by_user_until_they_end() -> None:
    chain = Chain(Gate(), inflight=InflightLimits(read_only=0, long_running_per_user=1))
    watch = await chain.send("/api/v1/pods?watch=1", token="bob-token")
    assert isinstance(watch, StreamResponse)
    assert (await chain.send("/api/v1/pods?watch=1", token="bob-token")).status == 429
    assert (await chain.send("/api/v1/pods?watch=1")).status == 200
    await watch.finish()
    again = await chain.send("/api/v1/pods?watch=1", token="bob-token")
    assert again.status == 200


async def test_a_refused_watch_is_not_counted() -> None:
    chain = Chain(allowed=lambda a: False, inflight=InflightLimits(long_running=1))
    for _ in range(3):
        assert (await chain.send("/api/v1/pods?watch=1", token="bob-token")).status == 403


def value_of(lines: list[str], **labels: str) -> float:
    """The value of the one series with these labels."""
    wanted = [f'{name}="{value}"' for name, value in labels.items()]
    (line,) = [line for line in lines if all(label in line for label in wanted)]
    return float(line.rsplit(" ", 1)[1])


async def test_metrics_count_served_resources_and_lump_guesses_together() -> None:
    def allowed(attributes: Attributes) -> bool:
        return attributes.resource == "configmaps"

    chain = Chain(allowed=allowed)
    for number in range(50):
        await chain.send(f"/apis/guess{number}/v1/things{number}")
    await chain.send(token="bob-token")
    await chain.send("/api/v1/configmaps?watch=1", token="bob-token")
    text = chain.metrics.render().decode()
    requests = [line for line in text.splitlines() if line.startswith("apiserver_request_total")]
    assert value_of(requests, verb="GET", resource="configmaps", code="200") == 1
    assert value_of(requests, verb="LIST", group="", resource="", code="403") == 50
    assert 'verb="WATCH"' in text
    assert "guess" not in text
    assert 'authentication_attempts_total{result="success"} 52.0' in text


async def test_a_stream_is_counted_when_it_ends() -> None:
    chain = Chain(Gate())
    watch = await chain.send("/api/v1/pods?watch=1")
    assert isinstance(watch, StreamResponse)
    assert 'verb="WATCH"' not in chain.metrics.render().decode()
    await watch.finish()
    assert 'verb="WATCH"' in chain.metrics.render().decode()


async def test_hooks_run_at_their_places() -> None:
    seen: list[tuple[str, str, str]] = []

    def hook(name: str) -> object:
        async def run(request: Request, following: Handler) -> AnyResponse:
            if name == "rewrite":
                request.path = request.path.removeprefix("/clusters/a")
                request.cluster = "a"
            seen.append((name, request.user.name, request.info.resource))
            return await following(request)

        return run

    chain = Chain(rewrite=(hook("rewrite"),), resolve=(hook("resolve"),), guard=(hook("guard"),))
    await chain.send("/clusters/a/api/v1/pods", token="bob-token", headers={"Impersonate-User": "eve"})
    assert seen == [("rewrite", "", ""), ("resolve", "bob", "pods"), ("guard", "eve", "pods")]
    assert {question.cluster for question in chain.authorizer.asked} == {"a"}
