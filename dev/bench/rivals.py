# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Modules of others that ours is measured beside, fetched into the cache."""

import zipfile

from .. import settings
from ..env import console, odoo, pyenv

FOLDER = settings.CACHE_DIR / "bench"


def fetch(module, package, libraries=()):
    """Fetch a module; return the folder to add to the addons path.

    :param str module: its technical name.
    :param str package: what it is called in the registry of Python packages.
    :param libraries: Python packages that it needs besides Odoo's.
    """
    if not (FOLDER / "odoo/addons" / module).is_dir():
        with console.step(f"fetching {module}"):
            pip = [pyenv.ensure(), "-m", "pip", "--disable-pip-version-check"]
            download = ["download", "--no-deps", "--dest", FOLDER, package, *libraries]
            console.run([*pip, *download], "bench-download", env=pyenv.environment())
            for wheel in FOLDER.glob("*.whl"):
                zipfile.ZipFile(wheel).extractall(FOLDER)
    return FOLDER / "odoo/addons"


def paths(server, folder):
    """Return the option that lets Odoo find them too."""
    if not folder:
        return []
    (known,) = [one for one in odoo.options(server) if one.startswith("--addons-path=")]
    return [f"{known},{folder}"]
