"""The shipped base models, and the programs that made them from nothing."""
