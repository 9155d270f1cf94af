"""Install the clients, each in an environment of its own beside its script.

    python -m tests.clients.install

What cannot be installed on this machine is named, and its test then skips.
"""

import os
import shutil
import subprocess
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
OLD_ENVIRONMENT = FOLDER / ".venv"
OLD_PYTHON = OLD_ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
NODE_PACKAGES = FOLDER / "node_modules"


def main() -> None:
    install_old_package()
    install_node_package()


def install_old_package() -> None:
    venv.create(OLD_ENVIRONMENT, with_pip=True, clear=True)
    command = [OLD_PYTHON, "-m", "pip", "install", "--quiet", "-r", "requirements-old.txt"]
    if subprocess.run(command, cwd=FOLDER).returncode:
        # Half an environment would not skip the test but fail it.
        shutil.rmtree(OLD_ENVIRONMENT)
        print("The oldest Python client could not be installed: it is not tested.")


def install_node_package() -> None:
    # On Windows npm is no program but a script, which is found by its full name only.
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        print("Node.js is not on this machine: its client is not tested.")
        return
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=FOLDER).returncode:
        shutil.rmtree(NODE_PACKAGES, ignore_errors=True)
        print("The Node.js client could not be installed: it is not tested.")


if __name__ == "__main__":
    main()
