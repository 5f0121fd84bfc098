# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Chromium for the browser tests and wkhtmltopdf for printed documents.

What the machine has is used; what it lacks is unpacked into the cache with the libraries that are
missing, and started by a script that tells it where they are.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .. import settings
from . import console, fetch

TREE = settings.CACHE_DIR / "tools"
# Each program, and the file of its package that is the real one.
PROGRAMS = {"chromium": "usr/lib/chromium/chromium", "wkhtmltopdf": "usr/bin/wkhtmltopdf"}
# The names under which Odoo looks for a browser.
ALIASES = {"chromium": ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]}
FONTS = ["fonts-dejavu-core", "fonts-liberation"]

FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>/usr/share/fonts</dir>
  <dir>{tree}/usr/share/fonts</dir>
  <cachedir>{cache}/fontconfig</cachedir>
</fontconfig>
"""
SCRIPT = """#!/bin/sh
export LD_LIBRARY_PATH="{libraries}"
export FONTCONFIG_FILE="{tree}/fonts.conf"
export XDG_DATA_DIRS="{tree}/usr/share:/usr/local/share:/usr/share"
export QT_PLUGIN_PATH="{plugins}"
export QT_QPA_PLATFORM=offscreen
exec "{program}"{options} "$@"
"""


def ensure():
    """Make both programs available; without one of them its tests are skipped, and say so."""
    missing = [name for name in PROGRAMS if not _on_machine(name)]
    if not missing or _complete(missing):
        return
    if not fetch.available():
        for name in missing:
            console.say(f"{name} is missing: install it; what needs it is skipped until then")
        return
    with console.lock("tools"):
        if _complete(missing):
            return
        try:
            with console.step(f"fetching {' and '.join(missing)}"):
                _fetch(missing)
        except console.DevError as error:
            console.say(f"{error}\n{' and '.join(missing)}: what needs them is skipped")


def _on_machine(name):
    """Return the program that the machine has itself, if any."""
    found = (shutil.which(alias) for alias in ALIASES.get(name, [name]))
    return next(
        (path for path in found if path and Path(path).parent != settings.TOOLS_BIN_DIR), None
    )


def _complete(names):
    """Tell whether the cache has these programs, and they start on this very machine."""
    return all(
        (settings.TOOLS_BIN_DIR / name).exists()
        and not fetch.has_missing_libraries(TREE / PROGRAMS[name], _libraries())
        for name in names
    )


def _fetch(names):
    """Unpack the programs and write the scripts that start them."""
    # Without any font a browser does not even start.
    fonts = [] if list(Path("/usr/share/fonts").rglob("*.ttf")) else FONTS
    fetch.fetch_with_libraries([*names, *fonts], TREE)
    (TREE / "fonts.conf").write_text(FONTS_CONF.format(tree=TREE, cache=settings.CACHE_DIR))
    settings.TOOLS_BIN_DIR.mkdir(parents=True, exist_ok=True)
    for name in names:
        script = settings.TOOLS_BIN_DIR / name
        partial = script.with_suffix(".partial")
        partial.write_text(_script(name))
        partial.chmod(0o755)
        partial.rename(script)
        problem = _try(name, script)
        if problem:
            script.unlink()
            raise console.DevError(f"{name} was fetched but does not work:\n{problem}")


def _script(name):
    # Unpacked without rights of its own, the browser has nothing to build its sandbox with; it
    # sees no other pages than ours.
    options = " --no-sandbox" if name == "chromium" else ""
    plugins = next(iter(TREE.glob("usr/lib/*/qt5/plugins")), "")
    return SCRIPT.format(
        libraries=_libraries(),
        plugins=plugins,
        tree=TREE,
        program=TREE / PROGRAMS[name],
        options=options,
    )


def _libraries():
    """Return every folder of the tree that holds shared libraries."""
    folders = {path.parent for root in ("lib", "usr/lib") for path in (TREE / root).rglob("*.so*")}
    # A plug-in is loaded by its full name, and two of one name in two folders would be mixed up.
    plain = [folder for folder in sorted(folders) if "plugins" not in folder.parts]
    return os.pathsep.join(map(str, plain))


def _try(name, script):
    """Return what goes wrong when the program does a small piece of work, if anything does."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / ("page.png" if name == "chromium" else "page.pdf")
        page = Path(folder) / "page.html"
        page.write_text("<h1>Pay now</h1>")
        arguments = ["-q", str(page), str(result)]
        if name == "chromium":
            arguments = ["--headless", "--disable-gpu", f"--user-data-dir={folder}/profile"]
            arguments += [f"--screenshot={result}", page.as_uri()]
        try:
            done = subprocess.run(
                [str(script), *arguments], capture_output=True, text=True, timeout=120, check=False
            )
        except subprocess.TimeoutExpired:
            return "no answer within two minutes"
        return "" if result.exists() and result.stat().st_size else done.stderr[-2000:]
