"""All Kubernetes controllers by name, for composition roots."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from headwater.reconcilers.interface import ControllerFactory
from headwater.reconcilers.kube import clusterrole, crd, garbagecollector, namespace, rootca, serviceaccount, token

CONTROLLERS: Final[Mapping[str, ControllerFactory]] = MappingProxyType(
    {
        module.CONTROLLER_NAME: module.new_controller
        for module in (namespace, serviceaccount, token, rootca, garbagecollector, crd, clusterrole)
    }
)
"""Controller name -> factory. Options: `root_ca` (root CA, token), `issue_token` (token), `resources` (collector)."""
