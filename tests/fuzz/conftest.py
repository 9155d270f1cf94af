"""The routes are tried at the same server, with the same small model, as in tests/server."""

from tests.server.conftest import finished_job, models_folder, server

__all__ = ["finished_job", "models_folder", "server"]
