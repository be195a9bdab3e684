"""What goes wrong: killed, frozen, cut off, slow and lying programs, and what must hold all the same."""
