# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Odoo as it is run for real: a process that forks workers, and somebody who starts it again."""

import contextlib
import os
import signal
import subprocess
import threading
import time

import psutil

from .. import settings
from ..env import console, odoo

#: Odoo lets workers for scheduled actions be nicer by ten, which on a machine that runs other tests
#: leaves them nothing. By one they are told apart all the same.
ENTRY = """import os

nice = os.nice
os.nice = lambda _by: nice(1)

import odoo.cli

odoo.cli.main()
"""
#: Seconds until a server that was started has to answer.
START_SECONDS = 90


class House:
    """The server with its workers: `with House(…) as house`.

    Whenever it ends by itself, or was killed, it is started again, as systemd would.

    :param cluster.Cluster cluster: the databases.
    :param int workers: those that answer requests.
    :param int crons: those for scheduled actions.
    """

    def __init__(self, cluster, workers=2, crons=4):
        self.cluster = cluster
        self.port = odoo.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = console.log_file("kill-odoo")
        #: How often it had to be started again.
        self.restarts = 0
        self._options = [
            *(f"--workers={workers}", f"--max-cron-threads={crons}"),
            *(f"--http-port={self.port}", f"--gevent-port={odoo.free_port()}"),
            *("--limit-request=1000000", "--limit-time-real=120", "--limit-time-cpu=100000"),
            *("--limit-memory-soft=4294967296", "--limit-memory-hard=6442450944"),
        ]
        self._entry = cluster.folder / "odoo-bin"
        self._process = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watch = threading.Thread(target=self._start_again, daemon=True)

    def __enter__(self):
        self._entry.write_text(ENTRY)
        with console.step("Odoo with its workers"):
            self._start()
            self.wait()
        self._watch.start()
        return self

    def __exit__(self, *_error):
        self._over.set()
        self._watch.join()
        # Nothing of it is needed any more.
        self._signal_all()
        self._process.wait()

    def _start(self):
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                odoo.command(
                    self.cluster.server,
                    *("-d", self.cluster.database, *self._options),
                    entry=(self._entry,),
                ),
                env=odoo.environment(self.cluster.server),
                cwd=settings.DATA_DIR,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # One group of processes: all of it dies at once.
                start_new_session=True,
            )
        self.cluster.note_group(self._process.pid)

    def _start_again(self):
        while not self._over.wait(0.3):
            with self._lock:
                if self._process.poll() is not None:
                    self._signal_all()
                    self.restarts += 1
                    self._start()

    def _signal_all(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, seconds=START_SECONDS):
        """Wait until it answers.

        :raise DevError: it does not.
        """
        end = time.monotonic() + seconds
        while not odoo.answers(f"{self.url}/web/health"):
            if time.monotonic() > end:
                raise console.DevError(f"Odoo does not answer: see {self.log}")
            time.sleep(0.2)

    # === WHO IS THERE === #

    def workers(self):
        """Return the processes that answer requests, and those for scheduled actions.

        :rtype: tuple(list, list)
        """
        web, cron = [], []
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._process.pid)
            for process in server.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if "gevent" not in process.cmdline():
                        (cron if process.nice() > server.nice() else web).append(process)
        return web, cron

    def memory(self):
        """Return what each worker has in memory of its own share, in MB.

        :return: `{pid: MB}`
        :rtype: dict
        """
        found = {}
        for process in [one for kind in self.workers() for one in kind]:
            with contextlib.suppress(psutil.NoSuchProcess):
                found[process.pid] = process.memory_full_info().pss / 2**20
        return found

    # === DYING === #

    def kill_one(self, kind, rng):
        """Kill a worker.

        :param str kind: `web` or `cron`.
        :param random.Random rng: chooses.
        :return: whether there was one.
        :rtype: bool
        """
        web, cron = self.workers()
        processes = web if kind == "web" else cron
        if not processes:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            rng.choice(processes).kill()
            return True
        return False

    def kill_all(self):
        """Kill the server with all its workers at once; it is started again."""
        with self._lock:
            self._signal_all()
            self._process.wait()
        return True
