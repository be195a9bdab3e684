"""The built-in Kubernetes kinds: their names, and their schemas from data that `hack/kube_schemas.py` makes."""
