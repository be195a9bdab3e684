"""Authentication: client certificates, static tokens, service-account tokens, and nobody in particular."""
