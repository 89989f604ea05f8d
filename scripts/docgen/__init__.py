"""Pages of docs/ that are written from code and declarations, so that they cannot drift."""
