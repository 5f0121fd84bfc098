# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""nginx for the test of the example in the documentation: the machine's, or one in the cache."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from .. import settings
from . import console, fetch

TREE = settings.CACHE_DIR / "nginx"
PROGRAM = TREE / "usr/sbin/nginx"
# Around what stands in a file of conf.d, as Debian's own nginx.conf is.
MAIN = """{user}
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/start.log;
daemon off;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/odoo.conf;
}}
"""


def ensure():
    """Return the program, fetched when the machine has none; None where it cannot be had."""
    if found := shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return Path(found)
    if PROGRAM.exists():
        return PROGRAM
    if not fetch.available():
        return None
    with console.lock("nginx"):
        if not PROGRAM.exists():
            try:
                with console.step("fetching nginx"):
                    fetch.fetch_with_libraries(["nginx"], TREE)
            except console.DevError as error:
                console.say(f"{error}\nnginx: what needs it is skipped")
                return None
    return PROGRAM if PROGRAM.exists() else None


@contextlib.contextmanager
def serving(program, folder, text, port):
    """Start nginx with the text of a file of conf.d, and stop it at the end.

    :param Path program: see `ensure`.
    :param Path folder: for its files and logs.
    :param str text: the configuration.
    :param int port: which it is to listen at.
    """
    (folder / "odoo.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    libraries = {str(path.parent) for path in TREE.rglob("*.so*")} if program == PROGRAM else ()
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [str(program), "-p", str(folder), "-c", str(folder / "nginx.conf")],
            env=os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(libraries)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, port, folder)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _wait(process, port, folder):
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            logs = [(folder / name).read_text() for name in ("output.log", "start.log")]
            raise console.DevError("nginx does not start:\n" + "\n".join(logs))
        time.sleep(0.05)
