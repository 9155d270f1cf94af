"""Install the clients beside their scripts: three environments, and a folder for Node.js.

    python -m tests.clients.install

What cannot be installed on this machine is named, and its test then skips.
"""

import os
import shutil
import subprocess
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ENVIRONMENTS = ("old", "openai-2", "openai-3")  # each from requirements-NAME.txt
NODE_PACKAGES = FOLDER / "node_modules"


def main() -> None:
    for name in ENVIRONMENTS:
        install_environment(name)
    install_node_packages()


def python_of(environment: str) -> Path:
    """The interpreter of an environment, whether it is there or not."""
    scripts = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    return FOLDER / ".venv" / environment / scripts


def install_environment(name: str) -> None:
    folder = FOLDER / ".venv" / name
    venv.create(folder, with_pip=True, clear=True)
    # Most of what comes is never imported: compiling it would take longer than the tests.
    command = [python_of(name), "-m", "pip", "install", "--quiet", "--no-compile"]
    if subprocess.run([*command, "-r", f"requirements-{name}.txt"], cwd=FOLDER).returncode:
        # Half an environment would not skip the tests but fail them.
        shutil.rmtree(folder)
        print(f"requirements-{name}.txt could not be installed: its clients are not tested.")


def install_node_packages() -> None:
    # On Windows npm is no program but a script, which is found by its full name only.
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        print("Node.js is not on this machine: its clients are not tested.")
        return
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=FOLDER).returncode:
        shutil.rmtree(NODE_PACKAGES, ignore_errors=True)
        print("The packages for Node.js could not be installed: they are not tested.")


if __name__ == "__main__":
    main()
