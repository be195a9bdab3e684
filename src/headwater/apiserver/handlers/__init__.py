"""One handler for each verb, from a parsed request to a response."""
