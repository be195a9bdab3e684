"""APIExportEndpointSlice: says whether the export that a slice names is there."""
