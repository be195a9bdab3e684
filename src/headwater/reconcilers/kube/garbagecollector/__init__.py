"""Deletes objects whose owners are gone, within one logical cluster: background, foreground and orphaning.

`graph` knows who owns whom, `owners` asks the server about owners, `reconcile` decides and acts for one object.
"""

from headwater.reconcilers.kube.garbagecollector.controller import CONTROLLER_NAME, new_controller

__all__ = ["CONTROLLER_NAME", "new_controller"]
