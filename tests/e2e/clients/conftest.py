"""One control plane for the tests of a module, and what is collected on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client
from tests.e2e.clients.access import api_client, bind_compute
from tests.e2e.harness import ROOT, Stack, kubectls, stack

# Where `hack/nodeclient.sh` could not install Node's client, there is nothing to say about it.
collect_ignore = [] if list((ROOT / ".venv" / "nodeclient").glob("installed-*")) else ["test_node.py"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane, and workspace `root:shop` with the workload kinds bound."""
    with stack(tmp_path_factory.mktemp("clients"), kubectls()[0]) as made:
        made.start_hub()
        made.headwater("workspace", "create", "shop", workspace="root")
        bind_compute(made)
        yield made


@pytest.fixture
def api(hub: Stack) -> Iterator[client.ApiClient]:
    """The official client, as the administrator, in workspace `root:shop`."""
    with api_client(hub) as made:
        yield made


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    """Typed access to the core group."""
    return client.CoreV1Api(api)
