# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Fetches Debian packages into the cache, without installing anything on the machine.

The mirror is the one the machine already uses. Every folder of a download takes its final name
only when it is complete, so an interrupted run goes on where it stopped.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from .. import settings
from . import console, tested

# Odoo 19 is in Debian's development suite only.
ODOO_SUITE = "unstable"
# A package of Odoo: each series has one of its own.
ODOO_PACKAGE = re.compile(r"odoo-(\d+)")
# What Odoo's links point at.
ODOO_RECOMMENDS = [
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
]
# Odoo's links point at version 4.7 of these fonts, which the development suite no longer has.
OWN_SUITE_PACKAGES = ["fonts-font-awesome"]


class Source(NamedTuple):
    """One entry of the machine's list of package sources."""

    uri: str
    suites: tuple
    components: tuple
    signed_by: str

    def line(self, suite):
        """Return the entry for one suite, as apt reads it."""
        options = f" [signed-by={self.signed_by}]" if self.signed_by else ""
        return f"deb{options} {self.uri} {suite} main"


class PrivateApt:
    """apt with its lists and downloads in the cache, blind to the machine's own state."""

    def __init__(self, folder, lines, status=None):
        self.folder = folder
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "sources.list").write_text("\n".join(lines) + "\n")
        # An empty list of installed packages makes apt treat every package as new.
        (folder / "status").touch()
        self.options = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": status or folder / "status",
            "Dir::State::extended_states": folder / "extended_states",
            "Dir::Cache": folder,
            "Dir::Cache::archives": folder / "archives",
            "APT::Default-Release": "",
            # The cache need not be readable by apt's own unprivileged user.
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "true",
        }

    def __call__(self, *arguments, cwd=None):
        """Run apt-get with the private folders."""
        name = f"apt-{self.folder.name}-{arguments[-1] if len(arguments) == 1 else 'get'}"
        console.run(["apt-get", "-q", *self._options(), *arguments], name, cwd=cwd)

    def versions(self, prefix):
        """Return what there is to download: package -> version, of names that begin so."""
        command = ["apt-cache", *self._options(), "show", "--no-all-versions"]
        names = subprocess.run(
            ["apt-cache", *self._options(), "pkgnames", prefix],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        if not names:
            return {}
        shown = subprocess.run([*command, *names], capture_output=True, text=True, check=False)
        found = re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", shown.stdout, re.M | re.S)
        return dict(found)

    def _options(self):
        return [part for key, value in self.options.items() for part in ("-o", f"{key}={value}")]


def available():
    """Tell whether this machine has apt and Debian sources."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg-deb") and debian_sources())


def debian_sources():
    """Return the machine's sources that are Debian's own for its release."""
    release = _os_release()
    if release.get("ID") != "debian":
        return []
    codename = release.get("VERSION_CODENAME", "")
    names = {codename, "stable", "testing", "unstable", "sid"}
    names |= {f"{name}-{part}" for name in list(names) for part in ("updates", "security")}
    return [
        source._replace(suites=tuple(suite for suite in source.suites if suite in names))
        for source in _sources()
        if names.intersection(source.suites) and "main" in source.components
    ]


def main_source():
    """Return the machine's source of whole suites, not of updates: it has the other suites too."""
    sources = debian_sources()
    return next(s for s in sources if not any("-" in suite for suite in s.suites[:1]))


def ensure_odoo():
    """Fetch Odoo 19 when it is not in the cache yet; return the folder to import it from."""
    tree = settings.CACHE_DIR / "odoo"
    packages = tree / "usr/lib/python3/dist-packages"
    if packages.is_dir():
        return packages
    if not available():
        raise console.DevError(
            "Odoo 19 is missing: set ODOO_DIR to the folder of an Odoo 19 checkout or installation"
        )
    folder = settings.CACHE_DIR / "apt"
    with console.step("fetching Odoo 19"):
        apt = PrivateApt(folder / "odoo", [main_source().line(ODOO_SUITE)])
        apt("update")
        package = choose_odoo(apt.versions("odoo-"))
        downloads = [
            _download(apt, [package, *ODOO_RECOMMENDS]),
            _download(PrivateApt(folder / "fonts", _lines(debian_sources())), OWN_SUITE_PACKAGES),
        ]
        extract([deb for debs in downloads for deb in debs], tree, _drop_duplicates)
        shutil.rmtree(folder, ignore_errors=True)
    return packages


def choose_odoo(versions):
    """Return the package of Odoo to fetch: the one that was tested, else the nearest there is.

    :param dict versions: package -> version, as the suite has them.
    :raise DevError: there is none; says what was expected, and where else it may come from.
    """
    expected = tested.read()
    series = {name: int(match[1]) for name in versions if (match := ODOO_PACKAGE.fullmatch(name))}
    elsewhere = "another one is used where ODOO_DIR names its folder"
    if not series:
        raise console.DevError(
            f"Debian's {ODOO_SUITE} has no Odoo any more: {expected['package']} "
            f"{expected['version']} was expected; {elsewhere}"
        )
    wanted = int(ODOO_PACKAGE.fullmatch(expected["package"])[1])
    # Of two as near, the newer one.
    package = min(series, key=lambda name: (abs(series[name] - wanted), -series[name]))
    if (package, versions[package]) != (expected["package"], expected["version"]):
        console.say(
            f"   {expected['package']} {expected['version']} was tested, Debian's {ODOO_SUITE} has "
            f"{package} {versions[package]}: that one is tried; {elsewhere}"
        )
    return package


def fetch_with_libraries(names, tree):
    """Fetch packages with every library this machine lacks, and unpack them into ``tree``."""
    folder = settings.CACHE_DIR / "apt" / "tools"
    apt = PrivateApt(folder, _lines(debian_sources()), status="/var/lib/dpkg/status")
    apt("update")
    apt("-y", "--no-install-recommends", "--download-only", "install", *names)
    extract(sorted((folder / "archives").glob("*.deb")), tree)
    shutil.rmtree(folder, ignore_errors=True)


def extract(debs, tree, finish=None):
    """Unpack the packages into one folder, which appears only when it is complete."""
    partial = tree.with_name(tree.name + ".partial")
    for folder in (partial, tree):
        shutil.rmtree(folder, ignore_errors=True)
    for deb in debs:
        console.run(["dpkg-deb", "-x", deb, partial], "dpkg-deb")
    if finish:
        finish(partial)
    partial.rename(tree)


def _download(apt, names):
    """Download the packages and return the files."""
    if not any((apt.folder / "lists").glob("*Packages*")):
        apt("update")
    apt("download", *names, cwd=apt.folder / "archives")
    return sorted((apt.folder / "archives").glob("*.deb"))


def _drop_duplicates(tree):
    """Remove the package's second copy of the addons, which has their Python files only."""
    packages = tree / "usr/lib/python3/dist-packages"
    if (packages / "odoo/addons/account/__manifest__.py").exists():
        shutil.rmtree(packages / "addons", ignore_errors=True)


def _lines(sources):
    return [source.line(suite) for source in sources for suite in source.suites]


def _os_release():
    """Return what the machine says it runs."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, value in re.findall(r"^(\w+)=(.*)$", text, re.M)}


def _sources():
    """Return the machine's package sources, in both formats that apt knows."""
    folder = Path("/etc/apt/sources.list.d")
    sources = []
    for path in [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list"))]:
        if path.is_file():
            sources += filter(None, map(_one_line_source, path.read_text().splitlines()))
    for path in sorted(folder.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            sources += _stanza_sources(stanza)
    return sources


def _one_line_source(line):
    match = re.match(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S+\s+\S+.*)", line)
    if not match:
        return None
    uri, suite, *components = match["rest"].split("#")[0].split()
    signed_by = re.search(r"signed-by=(\S+)", match["options"] or "")
    return Source(uri, (suite,), tuple(components), signed_by[1] if signed_by else "")


def _stanza_sources(stanza):
    lines = [line for line in stanza.splitlines() if not line.startswith("#")]
    fields = dict(re.findall(r"^([\w-]+):[ \t]*(\S.*)$", "\n".join(lines), re.M))
    if "deb" not in fields.get("Types", "").split() or fields.get("Enabled") == "no":
        return []
    # A key written into the stanza itself has no file name to pass on: apt's own keys must do.
    signed_by = fields.get("Signed-By", "")
    return [
        Source(
            uri,
            tuple(fields.get("Suites", "").split()),
            tuple(fields.get("Components", "").split()),
            signed_by if signed_by.startswith("/") else "",
        )
        for uri in fields.get("URIs", "").split()
    ]


def has_missing_libraries(program, library_path):
    """Tell whether a program lacks a shared library on this machine."""
    listing = subprocess.run(
        ["ldd", str(program)],
        env={"LD_LIBRARY_PATH": library_path, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return "not found" in listing
