"""Pods that came up from a pcluster, once nobody hears of it any more."""
