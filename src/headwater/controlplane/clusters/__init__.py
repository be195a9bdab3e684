"""Which logical cluster a request is for, and what is known of each."""
