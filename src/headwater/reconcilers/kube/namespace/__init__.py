"""Empties namespaces that are being deleted, and lets them go when nothing is left."""

from headwater.reconcilers.kube.namespace.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
