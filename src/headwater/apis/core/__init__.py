"""core.kcp.io: logical clusters and the shards that hold them."""
