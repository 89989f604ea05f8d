"""Studies of our own methods on worlds whose truth is known. `./run study recovery` runs them."""
