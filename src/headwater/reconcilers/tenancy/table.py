"""All tenancy controllers, started together because they share informers."""

from __future__ import annotations

from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
from headwater.base.tasks import TaskGroup
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.tenancy.directory import TenancyDirectory
from headwater.reconcilers.tenancy.initialization.controller import InitializationController
from headwater.reconcilers.tenancy.workspace.controller import WorkspaceController


class TenancyControllers:
    """Runs the controllers that make and delete the logical clusters of workspaces."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    async def run(self) -> None:
        """Wait for the tenancy export, then work until cancelled."""
        directory = await TenancyDirectory.open(self._context)
        bindings = self._context.informers.informer(API_BINDING.gvr)
        async with TaskGroup("tenancy") as group:
            for each in (WorkspaceController(directory), InitializationController(directory, bindings)):
                group.start(each.run(), name=each.controller.name)
