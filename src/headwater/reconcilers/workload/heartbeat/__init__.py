"""Heartbeat: says whether each pcluster's syncer is still reporting."""
