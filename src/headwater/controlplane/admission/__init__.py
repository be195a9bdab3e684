"""kcp's admission: what users may not write, and what is filled in for them."""
