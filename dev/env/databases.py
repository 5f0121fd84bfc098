# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Template databases, built once and copied in a second.

The base template holds Odoo's modules and their web assets, the module template this module on
top of it, the tests template the company of the tests and the assets that are new on top of that;
another one holds what the module stands on and nothing else. Each is known by what it was built
from, and built again when that changes.
"""

import ast
import contextlib
import hashlib
import os
import shutil
import subprocess

from .. import settings
from . import console, odoo

BASE_MODULES = ["account_payment", "sale_management", "l10n_fr_account"]
# The first one becomes everybody's language.
LANGUAGES = ["en_US", "fr_FR"]
# Several runs may work at once, each with the template of the source it saw.
KEPT_TEMPLATES = 8
RUN_PREFIX = "pay_now_run_"
PARTIAL = "_part"
# What no installed database depends on.
NOT_INSTALLED = {"dev", "doc", "docker", "tests", "Makefile"}
# Files beside the manifest.
NOT_INSTALLED_KINDS = {".md", ".rst", ".toml", ".txt", ".yaml", ""}

PREPARED_TESTS = settings.CHECKOUT / "tests/prepared.py"
PREPARE_TESTS = f"""
from odoo.addons.{settings.MODULE}.tests.prepared import PreparedCase

PreparedCase.prepare()
"""
PREGENERATE_ASSETS = "env['ir.qweb']._pregenerate_assets_bundles()"
# All but those of Odoo's own tests of JavaScript, which no test of ours opens.
UNUSED_BUNDLES = "unit_tests|tests_assets|qunit"
# What a page loads later, scripts and styles: each test of a browser would make it anew.
LATER_BUNDLES = (
    [
        "bus.websocket_worker_assets",
        "web.assets_backend_lazy",
        "web.assets_emoji",
        "web.chartjs_lib",
    ],
    ["web.assets_backend_lazy"],
)
PREGENERATE_USED_ASSETS = f"""
import re
from unittest.mock import patch

qweb = env['ir.qweb']
used = [
    later + [name for name in names if not re.search({UNUSED_BUNDLES!r}, name)]
    for later, names in zip({LATER_BUNDLES!r}, qweb._get_bundles_to_pregenarate())
]
with patch.object(type(qweb), '_get_bundles_to_pregenarate', lambda self: used):
    qweb._pregenerate_assets_bundles()
"""
FRENCH_COMPANY = """
company = env.ref('base.main_company')
company.write({'country_id': env.ref('base.fr').id, 'currency_id': env.ref('base.EUR').id})
"""
# Odoo's demo data would replace the French chart by its own generic one, and add a French company
# beside the first: the accounting it brings for a company with a chart is what we want.
DEMO_DATA = """
from unittest.mock import patch
from odoo.modules.loading import load_demo
from odoo.modules.module_graph import ModuleGraph

modules = env['ir.module.module'].search([('state', '=', 'installed')])
graph = ModuleGraph(env.cr, mode='load')
graph.extend(modules.mapped('name'))
env.cr.execute("UPDATE ir_module_module SET demo = true")
with patch.object(env.registry['account.chart.template'], 'try_loading', lambda *args, **kw: None):
    for package in graph:
        if not package.name.startswith('l10n_fr'):
            assert load_demo(env, package, {}, 'init'), package.name
"""


def base(server, demo=False):
    """Return the template with Odoo's own modules, French demo data on demand."""
    made_from = [odoo.version(), BASE_MODULES, LANGUAGES, demo and (FRENCH_COMPANY, DEMO_DATA)]
    name = f"pay_now_base_{'demo_' if demo else ''}{_key(made_from)}"

    def build(target):
        if demo:
            # Odoo chooses the chart of accounts by the country the company has at that moment.
            install(server, target, ["base"])
            odoo.shell(server, target, FRENCH_COMPANY)
        install(server, target, BASE_MODULES)
        if demo:
            odoo.shell(server, target, DEMO_DATA, "demo-data")
        odoo.shell(server, target, PREGENERATE_ASSETS, "assets")

    return _template(server, name, build, "building the database of Odoo's own modules")


def module(server, demo=False):
    """Return the template with this module installed as it is in the checkout now."""
    if not (settings.CHECKOUT / "__manifest__.py").is_file():
        raise console.DevError(f"There is no module in {settings.CHECKOUT}: __manifest__.py")
    source = base(server, demo)

    def build(target):
        copy(server, source, target)
        install(server, target, [settings.MODULE])

    return _template(server, _module_name(source, demo), build, "installing the module")


def tests(server):
    """Return the template with the company of the module's tests, so that no class makes it."""
    if not PREPARED_TESTS.is_file():
        return module(server)
    made_from = [_module_name(base(server)), PREPARE_TESTS, PREPARED_TESTS.read_text()]
    made_from.append(PREGENERATE_USED_ASSETS)
    name = f"pay_now_tests_{_key(made_from)}"

    def build(target):
        copy(server, module(server), target)
        odoo.shell(server, target, PREPARE_TESTS, "prepare-tests")
        odoo.shell(server, target, PREGENERATE_USED_ASSETS, "assets")

    return _template(server, name, build, "preparing the company of the tests")


def dependencies(server, demo=False):
    """Return the template with the modules that ours stands on, as Odoo's own command makes it."""
    manifest = ast.literal_eval((settings.CHECKOUT / "__manifest__.py").read_text())
    made_from = [odoo.version(), manifest["depends"]]
    name = f"pay_now_depends_{'demo_' if demo else ''}{_key(made_from)}"

    def build(target):
        arguments = ["-d", target, "-i", ",".join(manifest["depends"]), "--stop-after-init"]
        arguments += ["--max-cron-threads=0", *(["--with-demo"] if demo else [])]
        odoo.run(server, "install", *arguments)
        odoo.shell(server, target, PREGENERATE_ASSETS, "assets")

    return _template(server, name, build, "building the database of a plain Odoo")


def make_database(server, name, modules=(), demo=False):
    """Create a database with the module, and others if wanted, replacing one of that name."""
    drop(server, name)
    copy(server, module(server, demo), name)
    if modules:
        install(server, name, modules)
    return name


@contextlib.contextmanager
def temporary(server, template, part=""):
    """Give a copy of a template for the time of a run.

    :param str part: what it is for, where a run has more than one.
    """
    _forget_dead_runs(server)
    name = f"{RUN_PREFIX}{os.getpid()}" + (f"_{part}" if part else "")
    copy(server, template, name)
    try:
        yield name
    finally:
        drop(server, name)


def keep_from_vacuum(server, name):
    """Let no autovacuum look at a database while a test fills it in one long transaction.

    What is not committed counts for nothing there: the planner would believe that tables of many
    pages are empty, and read them in full again and again.
    """
    with server.cursor(name) as cursor:
        cursor.execute(
            """
            DO $$
            DECLARE
                one regclass;
            BEGIN
                FOR one IN
                    SELECT oid FROM pg_class
                    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                LOOP
                    EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', one);
                END LOOP;
            END $$
            """
        )


def copy(server, source, target):
    """Copy a database and its files."""
    drop(server, target)
    server.copy(source, target)
    files = settings.FILESTORE_DIR / source
    if files.is_dir():
        # Odoo never changes a stored file, it only adds and removes: a link is as good as a copy.
        target_files = str(settings.FILESTORE_DIR / target)
        subprocess.run(["cp", "-a", "--link", str(files), target_files], check=True)


def drop(server, name):
    """Remove a database and its files."""
    server.drop(name)
    shutil.rmtree(settings.FILESTORE_DIR / name, ignore_errors=True)


def install(server, database, modules):
    """Install modules, with demo data when the database has it already."""
    arguments = ["-d", database, "-i", ",".join(modules), "--stop-after-init"]
    if not server.exists(database):
        # A module brings its terms by itself in the languages that are there already.
        arguments.append(f"--load-language={','.join(LANGUAGES)}")
    odoo.run(server, "install", *arguments, "--max-cron-threads=0")


def _module_name(source, demo=False):
    """Return the name of the template with this module on top of another one."""
    return f"pay_now_module_{'demo_' if demo else ''}{_key([source, _checkout_hash()])}"


def _template(server, name, build, label):
    """Return the name of a template, built first when it is missing."""
    if server.exists(name):
        return name
    with console.lock(name):
        if not server.exists(name):
            partial = name + PARTIAL
            drop(server, partial)
            try:
                with console.step(label):
                    build(partial)
                    _rename(server, partial, name)
            finally:
                drop(server, partial)
            _forget_older(server, name)
    return name


def _rename(server, source, target):
    files = settings.FILESTORE_DIR / target
    shutil.rmtree(files, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        (settings.FILESTORE_DIR / source).rename(files)
    server.rename(source, target)


def _forget_older(server, name):
    """Keep the newest templates of this kind only."""
    kind = name.rpartition("_")[0] + "_"
    alike = [one for one in server.databases(kind) if one.rpartition("_")[0] + "_" == kind]
    for old in alike[:-KEPT_TEMPLATES]:
        drop(server, old)


def _forget_dead_runs(server):
    """Remove the databases of runs that were killed, and of buildings that nobody goes on with."""
    for name in server.databases(RUN_PREFIX):
        try:
            os.kill(int(name.removeprefix(RUN_PREFIX).partition("_")[0]), 0)
        except (ProcessLookupError, ValueError):
            drop(server, name)
    for name in server.databases("pay_now_"):
        if name.endswith(PARTIAL) and not console.is_locked(name.removesuffix(PARTIAL)):
            drop(server, name)


def _checkout_hash():
    """Return a hash of everything in the checkout that an installed database depends on."""
    digest = hashlib.sha256()
    for path in sorted(settings.CHECKOUT.rglob("*")):
        relative = path.relative_to(settings.CHECKOUT)
        first = relative.parts[0]
        ignored = first in NOT_INSTALLED or relative.parts[:2] == ("static", "tests")
        ignored |= len(relative.parts) == 1 and path.suffix in NOT_INSTALLED_KINDS
        hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        if path.is_file() and not ignored and not hidden:
            digest.update(f"{relative}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _key(made_from):
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:12]
