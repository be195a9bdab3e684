"""The kinds that Headwater serves: one module per kind, with its schema, constants and label keys beside it."""
