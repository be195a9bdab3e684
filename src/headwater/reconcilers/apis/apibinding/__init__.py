"""APIBinding: resolves the export, checks names, and records which schemas the logical cluster serves."""
