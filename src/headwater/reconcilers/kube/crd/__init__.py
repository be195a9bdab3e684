"""Keeps the names of CustomResourceDefinitions apart, and deletes their objects before they go.

The API server judges names as they are written; what is left is to accept names that became free later.
"""

from headwater.reconcilers.kube.crd.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
