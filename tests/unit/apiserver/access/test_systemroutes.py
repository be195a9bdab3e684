"""What the server says about itself."""

from __future__ import annotations

from .conftest import ISSUER, Server


async def test_health(server: Server) -> None:
    broken: list[str] = []
    server.health.add("storage", lambda: broken[0] if broken else None)
    assert await server.send("", "GET", "/readyz") == (200, "ok")
    status, text = await server.send("", "GET", "/readyz?verbose")
    assert status == 200
    assert text == "[+]ping ok\n[+]storage ok\nreadyz check passed\n"
    broken.append("the disk at /secret/path is full")
    status, text = await server.send("", "GET", "/readyz")
    assert status == 500
    assert "[-]storage failed: reason withheld" in text
    assert "/secret" not in text
    # A server that isn't ready is alive: a restart would not help it.
    assert await server.send("", "GET", "/livez") == (200, "ok")
    assert await server.send("", "GET", "/readyz?exclude=storage") == (200, "ok")
    assert await server.send("root", "GET", "/readyz/ping") == (200, "ok")
    assert (await server.send("root", "GET", "/healthz/storage"))[0] == 500
    assert (await server.send("root", "GET", "/livez/storage"))[0] == 404
    assert (await server.send("root", "GET", "/readyz/none"))[0] == 404


async def test_version(server: Server) -> None:
    status, version = await server.send("", "GET", "/version")
    assert status == 200
    assert version["gitVersion"].startswith(f"v{version['major']}.{version['minor']}.")
    assert "headwater" in version["gitVersion"]
    assert (await server.send("", "GET", "/version/"))[1] == version
    assert (await server.send("root", "GET", "/version/x"))[0] == 404
    assert (await server.send("root", "POST", "/version"))[0] == 405


async def test_metrics(server: Server) -> None:
    await server.send("root", "GET", "/api/v1/namespaces")
    status, text = await server.send("root", "GET", "/metrics")
    assert status == 200
    assert "apiserver_request_total{" in text
    assert "apiserver_request_duration_seconds_bucket{" in text


async def test_the_list_of_paths_and_unknown_ones(server: Server) -> None:
    status, listed = await server.send("root", "GET", "/")
    assert status == 200
    assert {"/api", "/livez", "/livez/ping", "/metrics", "/version"} <= set(listed["paths"])
    status, body = await server.send("root", "GET", "/unknown")
    assert (status, body["kind"], body["reason"]) == (404, "Status", "NotFound")


async def test_token_keys(server: Server) -> None:
    status, document = await server.send("root", "GET", "/.well-known/openid-configuration")
    assert (status, document["issuer"]) == (200, ISSUER)
    status, keys = await server.send("root", "GET", "/openid/v1/jwks")
    assert (status, len(keys["keys"])) == (200, 1)
