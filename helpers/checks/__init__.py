"""The rules behind `helpers.check`: each a small function, found by its name."""
