"""Controllers of logical clusters by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.reconcilers.core.logicalcluster.controller import CONTROLLER_NAME, LogicalClusterController
from headwater.reconcilers.interface import ControllerFactory

CONTROLLERS: Final[Mapping[str, ControllerFactory]] = {CONTROLLER_NAME: LogicalClusterController}
