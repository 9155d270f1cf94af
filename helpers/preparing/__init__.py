"""The steps behind `helpers.prepare`, one a file."""
