"""Which APIs a logical cluster serves through its APIBindings."""
