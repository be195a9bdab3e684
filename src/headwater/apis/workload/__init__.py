"""The `workload.kcp.io` vocabulary: label and annotation keys, target keys, locators, sync intents."""
