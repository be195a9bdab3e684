"""Access and token reviews: questions to the server about identities and rights, asked as create requests."""
