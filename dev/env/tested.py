# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Which Odoo the module was tested with, and whether another one is the same.

`dev/tested.json` says it: the Debian package, and a checksum of the source that the module stands
on. Another Odoo is used all the same, and said: what fails there need not be our fault.
"""

import functools
import hashlib
import json
import re

from .. import settings
from . import console

FILE = settings.CHECKOUT / "dev/tested.json"
# What the module builds on; Odoo's other addons may change without us.
ADDONS = (
    "account",
    "account_payment",
    "account_qr_code_sepa",
    "base",
    "mail",
    "payment",
    "portal",
    "sale",
    "web",
)
SUFFIXES = {".py", ".xml", ".js", ".csv"}


def read():
    """Return what was tested: `package`, `version`, `series` and `sha256`."""
    return json.loads(FILE.read_text())


def write(folder):
    """Write down that the module was tested with the Odoo of a folder."""
    values = read() | {"series": series(folder), "sha256": checksum(folder)}
    FILE.write_text(json.dumps(values, indent=4) + "\n")


@functools.cache
def compare(folder):
    """Say once when the Odoo of a folder is not the one that was tested.

    :param Path folder: the one that holds the odoo package.
    :return: whether it is the same.
    :rtype: bool
    """
    expected, found = read(), series(folder)
    if found != expected["series"]:
        console.say(f"   Odoo {expected['series']} was tested, this is {found}: tried all the same")
    elif checksum(folder) != expected["sha256"]:
        console.say(f"   This Odoo {found} is not quite the one that was tested (dev/tested.json)")
    else:
        return True
    return False


def series(folder):
    """Return the series of the Odoo of a folder, such as 19.0."""
    text = (folder / "odoo/release.py").read_text()
    match = re.search(r"^version_info = \(([^)]*)\)", text, re.M)
    return ".".join(part.strip(" '\"") for part in match[1].split(",")[:2])


def checksum(folder):
    """Return the checksum of the source that the module stands on, wherever its addons lie."""
    total = hashlib.sha256()
    for name, top in sorted(_tops(folder)):
        for path in sorted(top.rglob("*")):
            inner = path.relative_to(top)
            if path.suffix in SUFFIXES and "tests" not in inner.parts and path.is_file():
                total.update(f"{name}/{inner.as_posix()}\0".encode())
                total.update(path.read_bytes())
    return total.hexdigest()


def _tops(folder):
    """Return what is looked at: name, folder."""
    yield "orm", folder / "odoo/orm"
    for name in ADDONS:
        # In a checkout of Odoo's repository most addons lie beside the package.
        places = (folder / "odoo/addons" / name, folder / "addons" / name)
        place = next((one for one in places if one.is_dir()), None)
        if place:
            yield name, place
