"""The initializers that the control plane itself serves: namespaces of every workspace, and default APIBindings."""
