"""Server-side printing: meta.k8s.io Tables."""
