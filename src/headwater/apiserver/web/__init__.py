"""HTTP without Kubernetes: the request and response values, and the server that carries them over TLS."""
