"""Accepts the names of CustomResourceDefinitions, establishes them, and deletes their objects before they go."""

from headwater.reconcilers.kube.crd.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
