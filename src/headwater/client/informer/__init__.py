"""Informers: local copies of collections, kept current by list and watch, shared by all controllers of a process."""

from headwater.client.informer.factory import InformerFactory
from headwater.client.informer.informer import Handler, Informer, Transform
from headwater.client.informer.resourceset import ResourceListener, ResourceSet, only_metadata
from headwater.client.informer.store import IndexFunction, Store

__all__ = [
    "Handler",
    "IndexFunction",
    "Informer",
    "InformerFactory",
    "ResourceListener",
    "ResourceSet",
    "Store",
    "Transform",
    "only_metadata",
]
