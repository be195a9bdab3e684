"""apis.kcp.io: schemas, and their export from one logical cluster and binding into another."""
