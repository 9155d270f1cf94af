"""Collect all packages of the course in a folder, so that laptops install it without a network.

    python -m docs.wheelhouse wheelhouse                            for machines like this one
    python -m docs.wheelhouse wheelhouse windows-3.13 mac-3.12      and for others

Run it with the course's own Python: the folder gets the versions that are installed there.
A machine needs the files for its own system (windows, mac, linux) and its own Python.
On a laptop: python -m pip install --no-index --find-links wheelhouse -r requirements.txt
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
# What pip calls each system, and what a package asks about it. Macs have Apple's processors and
# macOS 14, Linux has glibc 2.35; or newer ones.
SYSTEMS = {
    "windows": (["win_amd64"], ("win32", "Windows", "nt", "AMD64")),
    "mac": (["macosx_14_0_arm64"], ("darwin", "Darwin", "posix", "arm64")),
    "linux": (
        [f"manylinux_2_{minor}_x86_64" for minor in range(5, 36)],
        ("linux", "Linux", "posix", "x86_64"),
    ),
}
QUESTIONS = ("sys_platform", "platform_system", "os_name", "platform_machine")


def needed(system: str, python: str) -> list[str]:
    """What such a machine needs, as pip takes it: `name==version`, with the versions from here.

    pip itself asks this machine even when it downloads for another one. Then what only Windows
    needs is missing. What is not installed here is named without a version of ours.
    """
    environment = dict(default_environment()) | dict(
        zip(QUESTIONS, SYSTEMS[system][1], strict=True),
        python_version=python,
        python_full_version=f"{python}.0",
    )
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    waiting = [Requirement(line.split("#")[0]) for line in text.splitlines() if "==" in line]
    found: dict[tuple[str, str], str] = {}
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in {"", *wanted.extras}:
            if (name, extra) in found:
                continue
            installed = next(iter(metadata.distributions(name=name)), None)
            version = f"=={installed.version}" if installed else str(wanted.specifier)
            found[name, extra] = f"{name}{version}"
            for asked in map(Requirement, (installed and installed.requires) or []):
                marker = asked.marker
                if marker is None or marker.evaluate(environment | {"extra": extra}):
                    waiting.append(asked)
    return sorted(set(found.values()))


def download(folder: Path, system: str, python: str) -> None:
    """Fetch what such a machine needs; what was built for this one and runs anywhere is taken."""
    options = ["--no-deps", "--only-binary=:all:", "--python-version", python]
    options += [word for tag in SYSTEMS[system][0] for word in ("--platform", tag)]
    pip("download", *options, "--find-links", folder, "--dest", folder, *needed(system, python))


def pip(*arguments: str | Path) -> None:
    """Run pip; raises subprocess.CalledProcessError when it fails."""
    subprocess.run([sys.executable, "-m", "pip", *map(str, arguments), "--quiet"], check=True)


def target(text: str) -> tuple[str, str]:
    """Read `windows-3.13`: a system and a Python."""
    system, _, python = text.rpartition("-")
    if system not in SYSTEMS or not re.fullmatch(r"3\.1[1-4]", python):
        systems = ", ".join(SYSTEMS)
        raise argparse.ArgumentTypeError(
            f"{text!r}: write a system ({systems}), - and a Python, 3.11 to 3.14: windows-3.13"
        )
    return system, python


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the folder; return 0, or 1 when pip could not."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.wheelhouse",
        description="Collect all packages of the course for an installation without a network.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("targets", nargs="*", type=target, metavar="SYSTEM-PYTHON")
    args = parser.parse_args(arguments)
    try:
        pip("wheel", "--wheel-dir", args.folder, "--requirement", ROOT / "requirements.txt")
        for system, python in args.targets:
            download(args.folder, system, python)
    except subprocess.CalledProcessError:
        print("pip could not get everything; its own words stand above.")
        return 1
    files = list(args.folder.glob("*.whl"))
    size = sum(file.stat().st_size for file in files) / 1_000_000
    print(f"{len(files)} files, {size:.0f} MB in {args.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
