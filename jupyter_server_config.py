"""How JupyterLab opens the course: at the first lesson, with nothing over it and nothing changed.

    jupyter lab --config=jupyter_server_config.py

It is started in the course's folder, which becomes its root: a lesson's links lead to all files.
"""

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class Notebooks(AsyncLargeFileManager):
    """JupyterLab writes into a notebook which Python runs it.

    Where that is so when the notebook is opened, nothing changes, and it is not "unsaved".
    """

    async def get(self, *args, **kwargs):
        model = await super().get(*args, **kwargs)
        if model["type"] == "notebook" and model["content"]:
            model["content"]["metadata"]["language_info"] = IPythonKernel.language_info
        return model


def without_news(handler, page_config):
    """Leave out the question about Jupyter's news, and the look for a newer JupyterLab."""
    page_config["disabledExtensions"].append("@jupyterlab/apputils-extension:announcements")
    return page_config


c = get_config()  # noqa: F821 (Jupyter gives it)
c.LabApp.extension_manager = "readonly"  # the other one asks the network, and takes 4 MB
c.LabApp.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.ServerApp.contents_manager_class = Notebooks
c.ServerApp.tornado_settings = {"page_config_hook": without_news}
