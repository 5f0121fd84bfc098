# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Checks of the source: each gives its problems as text, nothing when all is well."""

import ast
import collections
import io
import subprocess
import sys

import docutils.core
import polib
from lxml import etree

from .. import settings
from ..env import console, odoo
from . import languages, structure, wording

# Of pylint-odoo's checks; why: .pylintrc.
LEFT_OUT = ("odoo-addons-relative-import", "consider-merging-classes-inherited")
README_WORDS_MAX, README_FIRST_SCREEN = 1500, 20


def main(fix=False):
    """Show the problems of every check; repair first what can be repaired without thinking."""
    if fix:
        _ruff("check", "--fix", "--quiet", ".")
        _ruff("format", "--quiet", ".")
    failed = 0
    for name, problems in run().items():
        failed += bool(problems)
        console.say(f"{'FAILED' if problems else 'ok':7}{name}")
        if problems:
            console.say(problems)
    return 1 if failed else 0


def run():
    """Run every check; return the problems of each by its name."""
    checks = {
        "ruff check": lambda: _ruff("check", "--quiet", "--output-format=concise", "."),
        "ruff format": lambda: _ruff(
            "format", "--quiet", "--check", "--output-format=concise", "."
        ),
        "pylint-odoo": _pylint,
        "floor plan": lambda: "\n".join(structure.problems(settings.CHECKOUT)),
        "manifest": _manifest,
        "XML": _xml,
        "translations": _translations,
        "wording": _wording,
        "README.rst": _readme,
    }
    with console.step("checks of the source"):
        return {name: check().strip() for name, check in checks.items()}


def _ruff(*arguments):
    # What it remembers of files belongs into the cache, not into the checkout.
    command, *rest = arguments
    return _tool("ruff", command, f"--cache-dir={settings.CACHE_DIR / 'ruff'}", *rest)


def _pylint():
    """Check what is particular to Odoo, under the module's technical name."""
    if not (settings.CHECKOUT / "__manifest__.py").is_file():
        return ""
    folder = odoo.link_module()
    rules = [f"--rcfile={settings.CHECKOUT / '.pylintrc'}"]
    rules.append(f"--disable={','.join(LEFT_OUT)}")
    return _tool("pylint", *rules, str(folder)).replace(f"{folder}/", "")


def _tool(name, *arguments):
    """Run a Python tool on the checkout; return what it says when it complains."""
    done = subprocess.run(
        [sys.executable, "-m", name, *arguments],
        cwd=settings.CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout or f"{name} ended with {done.returncode}" if done.returncode else ""


def _manifest_files():
    """Return the data files that the manifest names."""
    path = settings.CHECKOUT / "__manifest__.py"
    manifest = ast.literal_eval(path.read_text()) if path.is_file() else {}
    return [*manifest.get("data", []), *manifest.get("demo", [])]


def _manifest():
    """Check that the manifest names every data file once, and nothing else."""
    named = collections.Counter(_manifest_files())
    problems = [f"{name}: named {count} times" for name, count in named.items() if count > 1]
    problems += [f"{name}: missing" for name in named if not (settings.CHECKOUT / name).is_file()]
    for folder in ("data", "demo", "report", "security", "views", "wizard"):
        for path in sorted((settings.CHECKOUT / folder).rglob("*")):
            name = str(path.relative_to(settings.CHECKOUT))
            if path.suffix in (".xml", ".csv") and name not in named:
                problems.append(f"{name}: not in the manifest")
    return "\n".join(problems)


def _xml():
    """Check that XML files parse, keep to Odoo's schema, and define no record twice."""
    schema = etree.RelaxNG(etree.parse(odoo.ensure() / "odoo/import_xml.rng"))
    problems, seen = [], {}
    for path in _files("*.xml"):
        name = str(path.relative_to(settings.CHECKOUT))
        try:
            tree = etree.parse(path)
        except etree.XMLSyntaxError as error:
            problems.append(f"{name}: {error}")
            continue
        if name not in _manifest_files():
            continue
        if not schema.validate(tree):
            problems += [f"{name}:{error.line}: {error.message}" for error in schema.error_log]
        for element in tree.xpath("//record[@id] | //template[@id] | //menuitem[@id]"):
            other = seen.setdefault(element.get("id"), f"{name}:{element.sourceline}")
            if other != f"{name}:{element.sourceline}":
                where = f"{name}:{element.sourceline}"
                problems.append(f"{where}: {element.get('id')} is defined in {other} already")
    return "\n".join(problems)


def _translations():
    """Check that each language has what it needs, and keeps what the program fills in."""
    return "\n".join(languages.problems(settings.CHECKOUT))


def _wording():
    """Check how texts are written, in the source and in each language."""
    problems = wording.source_problems(settings.CHECKOUT)
    problems += wording.lists_without_help(settings.CHECKOUT)
    for path in _files("i18n/*.po*"):
        for entry in polib.pofile(str(path)):
            text = entry.msgid if path.suffix == ".pot" else entry.msgstr
            if found := wording.problem(text, is_french=path.name == "fr.po"):
                problems.append(f"{path.name}:{entry.linenum}: {found}")
    return "\n".join(problems)


def _readme():
    """Check that the README can be read without a warning, and soon."""
    path = settings.CHECKOUT / "README.rst"
    if not path.is_file():
        return ""
    text = path.read_text()
    warnings = io.StringIO()
    settings_overrides = {"warning_stream": warnings, "report_level": 1, "halt_level": 5}
    docutils.core.publish_doctree(
        text, source_path="README.rst", settings_overrides=settings_overrides
    )
    problems = [warnings.getvalue()] if warnings.getvalue() else []
    if (words := len(text.split())) >= README_WORDS_MAX:
        problems.append(f"README.rst: {words} words, less than {README_WORDS_MAX} are read")
    first_screen = "\n".join(text.splitlines()[:README_FIRST_SCREEN])
    problems += [
        f"README.rst: no “{command}” in its first {README_FIRST_SCREEN} lines"
        for command in ("make demo", "make test")
        if command not in first_screen
    ]
    return "\n".join(problems)


def _files(pattern):
    """Return the checkout's own files of a kind."""
    found = sorted(settings.CHECKOUT.rglob(pattern))
    return [path for path in found if "node_modules" not in path.parts]
