"""Reads request bodies in Kubernetes' protobuf encoding, which current kubectl sends for built-in kinds.

Answers are always JSON: every client that sends protobuf accepts JSON too. The field numbers in `data` were read from
the descriptors in a Kubernetes binary (Apache License 2.0) by `hack/kube_wire.py`.
"""
