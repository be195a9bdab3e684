"""Controllers of Kubernetes itself: namespaces, service accounts, root CA, garbage, CRDs, aggregated roles.

All of them work over all logical clusters of a control plane as well as over a plain server.
"""
