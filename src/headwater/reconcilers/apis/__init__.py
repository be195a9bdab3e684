"""Controllers of APIExports and APIBindings."""
