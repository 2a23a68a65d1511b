# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` on a staged copy, with no container and no host but the package index.

ansible-test makes virtual environments of its own (under HOME) and fetches a script that puts pip into them from a
host that not every network reaches. A script in its cache stands in for it; HOME is a folder below .build.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / ".build" / "home"
STAGED = ROOT / ".build" / "sanity" / "ansible_collections" / "camsec" / "fleet"
AT_LEAST = 20
GET_PIP = """\
import glob, runpy, sys
wheel, = glob.glob({wheel!r})
sys.path.insert(0, wheel)
packages = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", *packages]
runpy.run_module("pip", run_name="__main__")
"""


def pip_version() -> str:
    """The version of pip that this ansible-test puts into its environments."""
    text = pathlib.Path(sysconfig.get_path("purelib"), "ansible_test/_internal/python_requirements.py").read_text()
    found = re.search(r"default_packages = dict\(\s*pip='([\d.]+)'", text)
    if not found:
        sys.exit("ansible-test no longer says which pip it wants; look at tests/tools/sanity.py")
    return found[1]


def provide_pip() -> None:
    """Put a stand-in for ansible-test's bootstrap script, and the wheel it installs, into the cache."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    version = pip_version()
    if not list(cache.glob(f"pip-{version}-*.whl")):
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache)]
        subprocess.run([*download, f"pip=={version}"], check=True)
    script = GET_PIP.format(wheel=str(cache / f"pip-{version}-*.whl"))
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(script)


def main() -> int:
    """Run it; returns ansible-test's exit status."""
    provide_pip()
    # Of its own, or ansible-test finds the checkout's, which ignores .build, and skips every file, silently.
    subprocess.run(["git", "init", "--quiet", str(STAGED)], check=True)
    if not shutil.which("shellcheck"):
        print("NOTE: sanity leaves out shellcheck, which is not installed (Debian: apt install shellcheck)")
    ignored = [
        f"{path.name}: {line}"
        for path in STAGED.glob("tests/sanity/ignore-*.txt")
        for line in path.read_text().splitlines()
        if line.strip()
    ]
    if ignored:
        print("the ignore files are to stay empty:", *ignored, sep="\n  ")
        return 1
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [pathlib.Path(sys.executable).with_name("ansible-test"), "sanity", "--local", "--python", python]
    command += ["--color", "no", *sys.argv[1:]]
    environment = {**os.environ, "HOME": str(HOME)}
    ran = 0
    with subprocess.Popen(
        command, cwd=STAGED, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            ran += line.startswith("Running sanity test ")
            print(line, end="", flush=True)
            if "All targets skipped" in line:
                return 1
    if not sys.argv[1:] and ran < AT_LEAST:
        print(f"only {ran} sanity tests ran, expected at least {AT_LEAST}")
        return 1
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
