"""Controllers, one folder each. They reach objects only through the client."""
