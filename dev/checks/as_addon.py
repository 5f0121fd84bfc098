# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Runs a checker of OCA's on the module as a folder of its own: `as_addon.py COMMAND OPTION…`.

They name a module by its folder, and look for its manifest below the root of a repository, while
here the root is the module. What `--fix` changed is taken back into the checkout. It needs nothing
but Python: pre-commit runs it where only the checker is installed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MODULE = "account_pay_now"
#: What is no part of the module, though git knows it.
OTHERS = {"dev", "doc", "docker"}


def main(command):
    """Run the checker on a copy of what git knows; return its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        addon = Path(folder).resolve() / MODULE
        names = [name for name in _tracked() if Path(name).parts[0] not in OTHERS]
        for name in names:
            (addon / name).parent.mkdir(parents=True, exist_ok=True)
            (addon / name).write_bytes((CHECKOUT / name).read_bytes())
        done = subprocess.run([*command, str(addon)], capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        for path in (f"{addon}/", f"{str(addon).lstrip('/')}/", str(addon)):
            said = said.replace(path, "")
        print(said, end="")
        for name in names:
            if (changed := (addon / name).read_bytes()) != (CHECKOUT / name).read_bytes():
                (CHECKOUT / name).write_bytes(changed)
        return done.returncode


def _tracked():
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=CHECKOUT, text=True)
    return [name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
