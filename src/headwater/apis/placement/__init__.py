"""The `placement.kcp.io` API group: groups of pclusters, and rules that choose among them."""
