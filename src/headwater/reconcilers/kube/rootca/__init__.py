"""Publishes the CA bundle of the API server as ConfigMap kube-root-ca.crt in every namespace."""

from headwater.reconcilers.kube.rootca.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
