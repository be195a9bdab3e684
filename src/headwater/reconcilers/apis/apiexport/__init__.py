"""APIExport: gives each export an identity, and an APIExportEndpointSlice of its own."""
