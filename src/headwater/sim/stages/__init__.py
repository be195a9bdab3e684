"""The controllers of a simulated pcluster: one module decides for each kind, as a pure function over objects."""
