"""One simulated pcluster: an API server over its own store, its controllers, and a kubeconfig to reach it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from headwater.apiserver.authn.tokens import SigningKey, TokenIssuer
from headwater.apiserver.certificates import CertificateAuthority, signing_key_files
from headwater.apiserver.server import LOCAL_CLUSTER
from headwater.apiserver.web.server import WebServer
from headwater.apiserver.web.tls import server_context
from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import Kubeconfig, embed
from headwater.sim import bootstrap
from headwater.sim.controllers import Controllers
from headwater.sim.faults import Faults
from headwater.sim.nodepool import NodePool, PoolChange
from headwater.sim.resources import SERVER_VERSION
from headwater.sim.serviceaddresses import ServiceAddresses
from headwater.sim.serving import ISSUER, Serving, assemble
from headwater.sim.stages.behaviour import Timing
from headwater.sim.stages.nodes import NodeShape
from headwater.storage.factory import open_backend
from headwater.storage.watchcache import CacheSet
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

ADMIN = "kubernetes-admin"
_STOP_SECONDS = 2.0

log = get_logger("sim")


@dataclass(frozen=True, slots=True, kw_only=True)
class PClusterOptions:
    """One pcluster. Everything it keeps is in `directory`; port 0 takes the port of the last start, or a free one.

    An empty `kubeconfig` path puts the file into the directory as `admin.kubeconfig`. `in_memory` keeps no store.
    """

    name: str
    directory: Path
    host: str = "127.0.0.1"
    port: int = 0
    nodes: int = 3
    shape: NodeShape = field(default_factory=NodeShape)
    timing: Timing = field(default_factory=Timing)
    kubeconfig: Path | None = None
    in_memory: bool = False


class PCluster:
    """`start` answers when the API server is ready; `stop` may be called at any time after that.

    State survives the end of the process however it comes: everything is in the store.
    """

    def __init__(self, options: PClusterOptions, *, clock: Clock | None = None) -> None:
        self.options = options
        self.name = options.name
        self.port = 0
        self.kubeconfig_path = options.kubeconfig or options.directory / "admin.kubeconfig"
        self._clock = clock or SystemClock()
        self.faults = Faults(clock=self._clock)
        self.nodes = NodePool(
            options.name,
            count=options.nodes,
            shape=options.shape,
            client=lambda: self.client().cluster(""),
            clock=self._clock,
        )
        self._health = HealthChecks()
        self._group = TaskGroup(f"pcluster {options.name}")
        self._web: WebServer | None = None

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return f"https://{self.options.host}:{self.port}"

    def client(self) -> ClusterClient:
        """A privileged client straight into the API server, which no fault comes between."""
        return ClusterClient(self._serving.server.loopback(), user_agent="headwater-sim")

    async def start(self) -> None:
        """Open the store, create what is missing, start controllers, and listen.

        Raises OSError for a busy port or an unwritable directory, CertificateError for damaged keys, and the store's
        errors for a damaged database.
        """
        directory = self.options.directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        url = "memory://" if self.options.in_memory else f"sqlite:{directory / 'store.db'}"
        self._backend = open_backend(url, clock=self._clock)
        loop = asyncio.get_running_loop()
        # Making keys takes a while on the first start, opening the store on every one.
        keys = loop.run_in_executor(None, self._keys)
        try:
            await self._backend.open()
        except BaseException:
            keys.cancel()
            raise
        try:
            self._authority, issuer = await keys
            self._caches = CacheSet(self._backend)
            addresses = ServiceAddresses(self.options.shape.network, clock=self._clock)
            self._serving = self._assemble(issuer, addresses)
            await self._serving.roles.open()
            await asyncio.gather(bootstrap.ensure_all(self.client().cluster("")), self.nodes.set(PoolChange()))
            self._start_controllers(issuer, addresses)
            await self._listen()
        except BaseException:
            await self.stop()
            raise
        log.info("simulated pcluster is ready", pcluster=self.name, url=self.url, version=SERVER_VERSION)

    def _keys(self) -> tuple[CertificateAuthority, TokenIssuer]:
        pki = self.options.directory / "pki"
        authority = CertificateAuthority.load_or_create(pki, clock=self._clock, common_name=f"{self.name}-ca")
        files = signing_key_files(pki)
        key = SigningKey(public_pem=files.certificate.read_text(), private_pem=files.key.read_text())
        return authority, TokenIssuer(key, issuer=ISSUER, clock=self._clock, default_cluster=LOCAL_CLUSTER)

    def _assemble(self, issuer: TokenIssuer, addresses: ServiceAddresses) -> Serving:
        return assemble(
            backend=self._backend,
            caches=self._caches,
            clock=self._clock,
            issuer=issuer,
            plugins=[addresses],
            faults=self.faults,
            nodes=self.nodes,
            health=self._health,
            metrics=Registry(),
        )

    def _start_controllers(self, issuer: TokenIssuer, addresses: ServiceAddresses) -> None:
        controllers = Controllers(
            self.client(),
            clock=self._clock,
            network=self.options.shape.network,
            timing=self.options.timing,
            issuer=issuer,
            root_ca=self._authority.certificate_pem(),
        )
        addresses.watch(controllers.services)
        self._health.add("informers", lambda: None if controllers.has_synced else "informers have not synced")
        self._group.start(controllers.run(), name="controllers")
        self._group.start(self._serving.server.upkeep(), name="upkeep")

    async def _listen(self) -> None:
        pair = self._authority.serving("apiserver", [self.options.host, "kubernetes.default.svc"])
        context = server_context(
            certificate=pair.certificate, key=pair.key, client_ca=self._authority.files.certificate
        )
        remembered = self.options.directory / "port"
        last = remembered.read_text().strip() if remembered.exists() else ""
        wanted = self.options.port or (int(last) if last.isdigit() else 0)
        try:
            self.port = await self._serve(context, wanted)
        except OSError:
            if self.options.port or not wanted:
                raise
            # The port of the last start was only convenient.
            self.port = await self._serve(context, 0)
        remembered.write_text(f"{self.port}\n")
        self._write_kubeconfig()

    async def _serve(self, context: ssl.SSLContext, port: int) -> int:
        self._web = WebServer(self._serving.handler, ssl_context=context, host=self.options.host, port=port)
        return await self._web.start()

    def _write_kubeconfig(self) -> None:
        pair = self._authority.client("admin", common_name=ADMIN, organizations=["system:masters"])
        config = Kubeconfig(current_context=self.name)
        config.set_context(
            self.name,
            cluster={
                "server": self.url,
                "certificate-authority-data": embed(self._authority.certificate_pem().encode()),
            },
            user={
                "client-certificate-data": embed(pair.certificate_pem().encode()),
                "client-key-data": embed(pair.key_pem().encode()),
            },
        )
        self.kubeconfig_path.parent.mkdir(parents=True, exist_ok=True)
        config.save(self.kubeconfig_path)

    async def stop(self) -> None:
        """Stop listening, then controllers, then close the store."""
        if self._web is not None:
            await self._web.stop(_STOP_SECONDS)
            self._web = None
        await self._group.close()
        await self._backend.close()

    async def wait(self) -> None:
        """Wait until a part of the pcluster fails; raises its error."""
        await self._group.wait()
