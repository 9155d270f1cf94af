"""The paths of the API: each reads a request, calls what knows, and shapes the answer."""
