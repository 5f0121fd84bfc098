# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The private Python environment: everything of dev/requirements.txt, built once."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .. import settings
from . import console

REQUIREMENTS = settings.CHECKOUT / "dev/requirements.txt"
# What Odoo 19 runs on; the first one found is used, the running one before any other.
VERSIONS = [(3, 11), (3, 12), (3, 13), (3, 10)]
KEPT = 2


def ensure():
    """Build the environment when it is not there yet; return its Python."""
    if inside():
        return Path(sys.prefix) / "bin/python"
    python = _base_python()
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + python.encode()).hexdigest()[:12]
    folder = settings.CACHE_DIR / "python" / key
    if not (folder / "complete").exists():
        with console.lock("python"):
            if not (folder / "complete").exists():
                _build(python, folder)
    return folder / "bin/python"


def inside():
    """Tell whether this process already runs in the environment."""
    return Path(sys.prefix).resolve().parent == (settings.CACHE_DIR / "python").resolve()


def environment():
    """Return the process environment without what would slow Odoo down or mislead it."""
    kept = dict(os.environ)
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "ODOO_RC"):
        kept.pop(name, None)
    return kept


def _base_python():
    """Return a Python that Odoo 19 supports."""
    if sys.version_info[:2] in VERSIONS:
        # The base interpreter: an environment made inside another one breaks with it.
        return getattr(sys, "_base_executable", sys.executable)
    for major, minor in VERSIONS:
        found = shutil.which(f"python{major}.{minor}")
        if found:
            return found
    raise console.DevError("Python is too new or too old for Odoo 19: install Python 3.11")


def _build(python, folder):
    """Create the environment and install everything; it counts only once complete."""
    with console.step("installing the Python packages"):
        if subprocess.call([python, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL):
            raise console.DevError("python3-venv is missing: install it (apt install python3-venv)")
        env = environment()
        console.run([python, "-m", "venv", folder], "venv", env=env)
        pip = [folder / "bin/python", "-m", "pip", "--disable-pip-version-check"]
        # What an interrupted installation had downloaded is not downloaded again.
        pip.append(f"--cache-dir={settings.CACHE_DIR / 'pip'}")
        console.run([*pip, "install", "-r", REQUIREMENTS], "pip-install", env=env)
        console.run([*pip, "check"], "pip-check", env=env)
        shutil.rmtree(settings.CACHE_DIR / "pip", ignore_errors=True)
        (folder / "complete").touch()
    alike = sorted(folder.parent.iterdir(), key=lambda path: path.stat().st_mtime)
    for old in alike[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
