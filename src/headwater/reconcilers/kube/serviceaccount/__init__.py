"""Keeps a ServiceAccount `default` in every namespace."""

from headwater.reconcilers.kube.serviceaccount.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
