# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Runs Odoo on databases of the private PostgreSQL server, never on the person's own."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

from .. import settings
from . import console, fetch, pyenv, tested, tools


def ensure():
    """Make everything that Odoo needs ready; return the folder to import it from."""
    folder = _source_folder()
    tested.compare(folder)
    tools.ensure()
    link_module()
    settings.FILESTORE_DIR.mkdir(parents=True, exist_ok=True)
    # An empty file: without it Odoo would read, or write, one in the person's home folder.
    (settings.CACHE_DIR / "odoo.conf").touch()
    return folder


def link_module():
    """Link the checkout under the module's technical name; return the link."""
    settings.ADDONS_DIR.mkdir(parents=True, exist_ok=True)
    link = settings.ADDONS_DIR / settings.MODULE
    with contextlib.suppress(FileExistsError):
        link.symlink_to(settings.CHECKOUT, target_is_directory=True)
    return link


def version():
    """Return a text that changes with Odoo's source."""
    folder = _source_folder()
    known = [folder / "odoo/release.py", folder / ".git/logs/HEAD"]
    return [f"{path} {path.stat().st_mtime_ns}" for path in known if path.exists()]


def environment(server):
    """Return the environment of an Odoo process."""
    folder = _source_folder()
    known = pyenv.environment() | server.environment
    path = [str(pyenv.ensure().parent), os.environ.get("PATH", ""), str(settings.TOOLS_BIN_DIR)]
    return known | {
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": str(folder),
        "PYTHONUNBUFFERED": "1",
        "PAY_NOW_DEV": str(settings.CHECKOUT),
    }


def options(server):
    """Return the options that every Odoo process of ours gets."""
    addons = [settings.ADDONS_DIR, *outer_addons()]
    return [
        f"--config={settings.CACHE_DIR / 'odoo.conf'}",
        f"--data-dir={settings.DATA_DIR}",
        f"--addons-path={','.join(map(str, addons))}",
        f"--http-interface={settings.ODOO_INTERFACE}",
        *server.odoo_options,
    ]


def command(server, *arguments, entry=("-m", "odoo")):
    """Return the command line of Odoo; a subcommand such as shell comes first."""
    head, tail = [], list(arguments)
    if tail and not str(tail[0]).startswith("-"):
        head = [tail.pop(0)]
    parts = [pyenv.ensure(), *entry, *head, *options(server), *tail]
    return [str(part) for part in parts]


def run(server, log_name, *arguments):
    """Run Odoo to its end with the output in a log; complain when it fails or logs an error."""
    log = console.run(
        command(server, *arguments, f"--http-port={free_port()}"),
        log_name,
        env=environment(server),
        cwd=settings.DATA_DIR,
    )
    return log


def call(server, *arguments):
    """Run Odoo in the foreground with the person's own arguments; return its exit code."""
    return subprocess.call(
        command(server, *arguments), env=environment(server), cwd=settings.DATA_DIR
    )


def shell(server, database, script, log_name="odoo-shell", options=()):
    """Run a few lines of Python in Odoo's shell on a database, and commit."""
    arguments = ["shell", "-d", database, "--no-http", "--log-level=warn", *options]
    process = subprocess.run(
        command(server, *arguments),
        # A failing script must not look like a good one: the shell itself always ends with 0.
        input=f"{script}\nenv.cr.commit()\nprint('script' + ' done')\n",
        env=environment(server),
        cwd=settings.DATA_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    console.log_file(log_name).write_text(process.stdout)
    if "script done" not in process.stdout:
        raise console.DevError(f"{process.stdout[-4000:]}\nThe script failed in Odoo's shell.")
    return process.stdout


@contextlib.contextmanager
def serving(server, database, port, **kwargs):
    """Start an Odoo server, give its process, and stop it at the end."""
    process = start_server(server, database, port, **kwargs)
    try:
        yield process
    finally:
        stop(process)


def start_server(
    server, database, port, arguments=(), log=None, env=None, timeout=180, entry=("-m", "odoo")
):
    """Start an Odoo server on a database; return its process once it answers."""
    log = log or console.log_file(database)
    defaults = [f"--http-port={port}", f"--gevent-port={free_port()}", "--max-cron-threads=2"]
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command(server, "-d", database, *defaults, *arguments, entry=entry),
            env=environment(server) | (env or {}),
            cwd=settings.DATA_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    wait_up(process, port, log, timeout)
    return process


def wait_up(process, port, log, timeout=180):
    """Wait until an Odoo server answers; stop it, and complain, where it does not."""
    deadline = time.monotonic() + timeout
    while not answers(f"http://127.0.0.1:{port}/web/health"):
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise console.DevError(f"Odoo does not answer on port {port}: see {log}")
        time.sleep(0.2)


def stop(process, timeout=20):
    """End a process that we started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url):
    """Tell whether a web server answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def free_port():
    """Return a port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _source_folder():
    """Return the folder that holds the odoo package."""
    folder = settings.ODOO_DIR
    if not folder:
        return fetch.ensure_odoo()
    if not (folder / "odoo/release.py").is_file():
        raise console.DevError(f"ODOO_DIR: there is no Odoo in {folder}")
    return folder


def outer_addons():
    """Return the addons beside the odoo package, as in a checkout of Odoo's repository."""
    folder = _source_folder()
    inside = (folder / "odoo/addons/account").is_dir()
    return [] if inside or not (folder / "addons").is_dir() else [folder / "addons"]
