"""kcp on top of the generic API server: logical clusters, API bindings, and kcp's admission and authorization."""
