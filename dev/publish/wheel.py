# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The wheel of the module: made, installed beside an Odoo that knows no checkout, and played."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .. import mailcatcher, settings
from ..demo.play import Play
from ..env import console, databases, odoo, pyenv
from ..sandbox.client import SandboxProcess

FOLDER = settings.CACHE_DIR / "wheel"
# In dev/requirements.txt, before what this module brings itself and what only develops it.
ODOO_END = "# The providers' own libraries"
# The main job with each provider; the rest of the play is `make demo`.
SCENES = ("ground", "set_up", "make_customers", "invoice_paid", "reminder", "nothing_to_handle")


def build(folder):
    """Make the wheel of the checkout in an empty folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    console.run(command, "wheel-build", cwd=settings.CHECKOUT)
    (made,) = folder.glob("*.whl")
    return made


def main(server):
    """Make the wheel, install it, and play the main job with it.

    :param server: the PostgreSQL server.
    :return: 0 when every step of the play ended as it should.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    wheel = build(FOLDER / "dist")
    console.say(f"   {wheel.name}: {wheel.stat().st_size // 1024} kB")
    with console.step("a virtual environment with Odoo and the wheel"):
        python = _environment(wheel)
    installed = _where(python)
    if not installed.is_relative_to(FOLDER):
        raise console.DevError(f"Odoo would take the module from {installed}")
    console.say(f"   Odoo finds the module in {installed}")
    with databases.temporary(server, databases.base(server, demo=True), "wheel") as name:
        with console.step("installing the module of the wheel"):
            arguments = ["-d", name, "-i", settings.MODULE, "--stop-after-init", "--no-http"]
            console.run(_command(python, server, *arguments), "wheel-install", **_process(server))
        return 1 if _play(python, server, name) else 0


def _environment(wheel):
    """Make a virtual environment as a server has it; return its Python."""
    folder = FOLDER / "venv"
    base = getattr(sys, "_base_executable", sys.executable)
    console.run([base, "-m", "venv", folder], "wheel-venv", env=pyenv.environment())
    python = folder / "bin/python"
    needed = pyenv.REQUIREMENTS.read_text().partition(ODOO_END)[0]
    requirements = FOLDER / "odoo.txt"
    requirements.write_text(needed)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install"]
    console.run([*pip, "-r", requirements], "wheel-odoo", env=pyenv.environment())
    (site,) = folder.glob("lib/python*/site-packages")
    _add_odoo(site)
    console.run([*pip, wheel], "wheel-pip", env=pyenv.environment())
    return python


def _add_odoo(site):
    """Add Odoo's source as an editable installation does.

    What its package of Debian says of its needs is left out: two of them have other names here.
    """
    source = FOLDER / "source"
    source.mkdir()
    (source / "odoo").symlink_to(odoo.ensure() / "odoo", target_is_directory=True)
    (site / "odoo-source.pth").write_text(f"{source}\n")
    known = site / "odoo-19.0.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: odoo\nVersion: 19.0\n")


def _where(python):
    """Return the folder of the module that Odoo imports."""
    script = f"import odoo.addons.{settings.MODULE} as module; print(module.__path__[0])"
    return Path(
        subprocess.run(
            [python, "-c", f"import odoo.init; {script}"],
            cwd=FOLDER,
            env=pyenv.environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
    )


def _command(python, server, *arguments):
    """Return the command line of Odoo without any path to the checkout."""
    options = [f"--config={settings.CACHE_DIR / 'odoo.conf'}", f"--data-dir={settings.DATA_DIR}"]
    return [
        str(part) for part in (python, "-m", "odoo", *options, *server.odoo_options, *arguments)
    ]


def _process(server):
    """Return where and with which environment Odoo runs: nothing of it names the checkout."""
    known = pyenv.environment() | server.environment
    path = os.pathsep.join([os.environ.get("PATH", ""), str(settings.TOOLS_BIN_DIR)])
    return {"env": known | {"PATH": path}, "cwd": settings.DATA_DIR}


def _play(python, server, name):
    """Play the main job on the module of the wheel; return how many scenes failed."""
    port, log = odoo.free_port(), console.log_file("wheel-odoo")
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess())
        mails = stack.enter_context(mailcatcher.MailCatcher(odoo.free_port(), odoo.free_port()))
        options = ["-d", name, f"--http-port={port}", f"--gevent-port={odoo.free_port()}"]
        options += [f"--http-interface={settings.ODOO_INTERFACE}", "--max-cron-threads=3"]
        options += ["--limit-time-real=600", "--smtp=127.0.0.1", f"--smtp-port={mails.smtp_port}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(python, server, *options),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **_process(server),
            )
        stack.callback(odoo.stop, process)
        odoo.wait_up(process, port, log)
        return Play(f"http://127.0.0.1:{port}", name, sandbox, mails).run(only=SCENES)
