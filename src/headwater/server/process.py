"""One control plane in this process: started in order, stopped in the opposite one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from headwater.apis.sync.v1alpha1.synctarget import EXPORT_NAME as SYNC_EXPORT
from headwater.apiserver.admission.writetraces import WriteTracing
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.certificates import CertificateAuthority, signing_key_files
from headwater.apiserver.filters.audit import AuditFile
from headwater.apiserver.filters.chain import ChainSettings
from headwater.apiserver.filters.tracing import TracingFilter
from headwater.apiserver.pemfiles import KeyPair
from headwater.apiserver.server import APIServer, APIServerConfig
from headwater.apiserver.systemroutes import SystemRoutes
from headwater.apiserver.web.server import WebServer
from headwater.apiserver.web.tls import server_context
from headwater.base.clock import Clock, SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.controlplane.assembly import ControlPlane, assemble
from headwater.controlplane.bootstrap.plan import Bootstrapped, bootstrap
from headwater.controlplane.clusters.filters import (
    SERVICES_PREFIX,
    ClusterAudit,
    ClusterGuard,
    ClusterResolver,
    cluster_path_filter,
)
from headwater.controlplane.syncers.authenticator import SyncerStreams
from headwater.controlplane.syncers.tokens import SyncerTokens
from headwater.controlplane.tunnels.assembly import Tunnels
from headwater.scheduling.world import World
from headwater.server.admin import load_tokens, write_kubeconfig
from headwater.server.authentication import Authentication, build_authentication
from headwater.server.controllers import Controllers
from headwater.server.directory import RootDirectory
from headwater.server.errors import audit_log_error, client_ca_error, listen_error
from headwater.server.options import Options
from headwater.server.resourcefeed import ResourceFeed
from headwater.server.services import ServicesRoute
from headwater.server.starting import StartingHandler
from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet
from headwater.telemetry import process as process_metrics
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry
from headwater.telemetry.tracing import Tracing, open_tracing
from headwater.telemetry.writetraces import WriteTraces
from headwater.virtual.interface import VirtualWorkspace

log = get_logger("server")


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualContext:
    """What virtual workspaces are made from: a privileged client, the clock, and the server's URL.

    `as_user` makes a client for somebody who logged in, with no rights but their own. `world` answers what the
    scheduler knows: None before it knows all, and for ever where no controllers run. `syncer_tokens` signs. `traces`
    are those of writes, where there are any.
    """

    client: ClusterClient
    clock: Clock
    url: str
    as_user: Callable[[UserInfo], ClusterClient]
    world: Callable[[], World | None]
    syncer_tokens: SyncerTokens
    traces: WriteTraces | None


VirtualWorkspaceFactory = Callable[[VirtualContext], VirtualWorkspace]


class ControlPlaneProcess:
    """`start` answers when the server is ready; `stop` ends everything, also after a start that failed.

    Afterwards `url` is where it is reached, `api` the API server, `client` a privileged client into it.
    """

    url: str
    api: APIServer
    client: ClusterClient
    control_plane: ControlPlane
    authentication: Authentication
    tunnels: Tunnels

    def __init__(
        self,
        options: Options,
        *,
        clock: Clock | None = None,
        virtual_workspaces: Sequence[VirtualWorkspaceFactory] = (),
        tracing: Tracing | None = None,
    ) -> None:
        self.options = options
        self.health = HealthChecks()
        self.metrics = Registry()
        self._clock = clock or SystemClock()
        self._virtual_workspaces = virtual_workspaces
        self._stack = AsyncExitStack()
        self._running: TaskGroup | None = None
        self._web: WebServer | None = None
        self._world: World | None = None
        self._tracing = tracing
        self._traces: WriteTraces | None = None

    async def start(self) -> None:
        """Raises StartError, or one of `errors.EXPECTED`, with a line that says what to do."""
        self._tracing = self._tracing or open_tracing("headwater", self.options.otlp_endpoint)
        self._stack.push_async_callback(self._tracing.close)
        self._traces = WriteTraces(self._clock) if self._tracing.enabled else None
        directory = RootDirectory.prepare(self.options.root_directory)
        kubeconfig = self.options.kubeconfig or directory.admin_kubeconfig
        authority = CertificateAuthority.load_or_create(directory.pki, clock=self._clock)
        signing = asyncio.create_task(asyncio.to_thread(signing_key_files, directory.pki))
        try:
            web = await self._listen(authority)
            backend = open_backend(self.options.store or directory.store_url, clock=self._clock)
            await backend.open()
            self._stack.push_async_callback(backend.close)
            caches = CacheSet(backend)
            self._stack.callback(caches.close)
            bootstrapped = await bootstrap(backend, caches, self._clock, external_url=self.url)
        finally:
            signing_files = await signing
        tokens = load_tokens(directory.admin_token_store, kubeconfig)
        self.authentication = build_authentication(
            self.options.authentication,
            admin=tokens,
            signing=signing_files,
            caches=caches,
            sync_identity=bootstrapped.identities[SYNC_EXPORT],
            clock=self._clock,
        )
        await self._assemble(backend, caches, bootstrapped, self.authentication)
        self._run_controllers(authority)
        write_kubeconfig(kubeconfig, tokens, server=self.url, ca_pem=authority.certificate_pem())
        web.handler = self.api.handler
        log.info("ready", url=self.url, kubeconfig=str(kubeconfig), bootstrapped=bootstrapped.written)

    async def stop(self) -> None:
        """End controllers, connections and the store, in this order."""
        if self._running is not None:
            await self._running.close()
        if self._web is not None:
            await self._web.stop(self.options.serving.shutdown_grace_seconds)
        await self._stack.aclose()

    async def wait(self) -> None:
        """Wait until a part that should run for ever ends; raises its error."""
        assert self._running is not None, "start comes before wait"
        await self._running.wait()

    async def _listen(self, authority: CertificateAuthority) -> WebServer:
        """Take the port first: who else has it should hear of it before anything is touched."""
        serving = self.options.serving
        host = serving.external_hostname or serving.bind_address
        pair: KeyPair = authority.serving("apiserver", [serving.bind_address, serving.external_hostname])
        client_ca = self.options.authentication.client_ca_file or authority.files.certificate
        try:
            context = server_context(certificate=pair.certificate, key=pair.key, client_ca=client_ca)
        except (OSError, ssl.SSLError) as error:
            if self.options.authentication.client_ca_file is None:
                raise
            raise client_ca_error(error, client_ca) from error
        web = WebServer(StartingHandler(), ssl_context=context, host=serving.bind_address, port=serving.secure_port)
        try:
            port = await web.start()
        except OSError as error:
            raise listen_error(error, serving.bind_address, serving.secure_port) from error
        self._web = web
        self.url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        return web

    async def _assemble(
        self, backend: Backend, caches: CacheSet, bootstrapped: Bootstrapped, authentication: Authentication
    ) -> None:
        control_plane = await assemble(
            caches,
            identities=bootstrapped.identities,
            tokens=authentication.tokens,
            issuer=authentication.issuer,
            lookup=authentication.lookup,
            clock=self._clock,
        )
        process_metrics.register(self.metrics)
        self.health.add("store", backend.failure, live=False)
        self.health.add("poststarthook/kcp-bootstrap-policy", lambda: None)
        system = SystemRoutes(health=self.health, metrics=self.metrics, issuer=authentication.issuer)
        services = ServicesRoute()
        audit = self._audit_file()
        clusters = control_plane.state.clusters
        filters = ChainSettings(
            authenticator=authentication.authenticator,
            authorizer=control_plane.authorizer,
            metrics=self.metrics,
            clock=self._clock,
            audit=audit,
            tracing=TracingFilter(self._tracing) if self._tracing is not None and self._tracing.enabled else None,
            impersonation=control_plane.impersonation,
            rewrite=(cluster_path_filter,),
            resolve=(ClusterResolver(clusters),),
            guard=(
                ClusterGuard(clusters),
                SyncerStreams(authentication.syncers),
                *((ClusterAudit(clusters),) if audit is not None else ()),
            ),
        )
        self.tunnels = Tunnels(filters)
        self.api = APIServer(
            APIServerConfig(
                backend=backend,
                caches=caches,
                clock=self._clock,
                catalog=control_plane.catalog,
                filters=filters,
                connectors=self.tunnels.connectors,
                admission=[
                    *control_plane.admission,
                    *([WriteTracing(self._traces)] if self._traces is not None else []),
                ],
                routes={**system.routes(), SERVICES_PREFIX: services},
                clusters=True,
            )
        )
        self.control_plane = control_plane
        self.client = ClusterClient(self.api.loopback())
        self._stack.push_async_callback(self.client.close)
        if self.options.controllers.run_virtual_workspaces:
            context = VirtualContext(
                client=self.client,
                clock=self._clock,
                url=self.url,
                as_user=lambda user: ClusterClient(self.api.loopback(user)),
                world=lambda: self._world,
                syncer_tokens=authentication.syncer_tokens,
                traces=self._traces,
            )
            for factory in self._virtual_workspaces:
                services.add(factory(context))
            self.health.add("poststarthook/kcp-start-virtual-workspaces", lambda: None)

    def _audit_file(self) -> AuditFile | None:
        if self.options.audit_log is None:
            return None
        audit = AuditFile(self.options.audit_log)
        try:
            audit.prepare()
        except OSError as error:
            raise audit_log_error(error, self.options.audit_log) from error
        self._stack.push_async_callback(audit.close)
        return audit

    def _run_controllers(self, authority: CertificateAuthority) -> None:
        group = self._running = TaskGroup("server")
        group.start(self.api.upkeep(), name="upkeep")
        group.start(self.tunnels.run(), name="tunnels")
        if not self.options.controllers.run_controllers:
            return
        controllers = Controllers(
            self.client,
            clock=self._clock,
            metrics=self.metrics,
            root_ca=authority.certificate_pem(),
            feed=ResourceFeed(self.control_plane.catalog, self._clock),
            options=self.options.controllers,
            publish_world=self._publish_world,
        )
        group.start(controllers.run(), name="controllers")
        self.health.add("poststarthook/kcp-start-informers", controllers.not_synced)
        self.health.add("poststarthook/kcp-start-controllers", lambda: None if len(group) else "controllers ended")

    def _publish_world(self, world: World) -> None:
        self._world = world
