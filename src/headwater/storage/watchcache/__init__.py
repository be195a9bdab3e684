"""The watch cache: the newest state of a resource and a window of its recent events, for reads and watches."""

from __future__ import annotations

from headwater.storage.watchcache.cache import WatchCache
from headwater.storage.watchcache.cacheset import CacheSet
from headwater.storage.watchcache.objects import CachedObject, CacheEvent
from headwater.storage.watchcache.splice import splice_revision
from headwater.storage.watchcache.subscription import Subscription

__all__ = ["CacheEvent", "CacheSet", "CachedObject", "Subscription", "WatchCache", "splice_revision"]
