"""How an upstream object and its downstream copy differ: pure functions, one concern each."""
