"""Official quality measures: who is in which population, by declarations, from coded events of any source."""
