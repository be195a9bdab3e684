"""Fills Secrets of type kubernetes.io/service-account-token."""

from headwater.reconcilers.kube.token.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
