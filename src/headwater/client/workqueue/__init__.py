"""Queues of keys for controllers, with client-go's semantics."""

from headwater.client.workqueue.queue import QueueClosed, WorkQueue
from headwater.client.workqueue.ratelimit import RateLimiter

__all__ = ["QueueClosed", "RateLimiter", "WorkQueue"]
