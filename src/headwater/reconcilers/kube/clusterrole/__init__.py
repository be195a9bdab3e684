"""Fills the rules of ClusterRoles that are defined as the sum of others."""

from headwater.reconcilers.kube.clusterrole.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
