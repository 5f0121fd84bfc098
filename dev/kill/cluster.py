# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A PostgreSQL server of one run's own, so that killing it hurts nobody else.

What it has confirmed outlives it: unlike the usual one it writes before it answers. What is not
simulated is a machine that loses its power, for nothing waits for the disk.
"""

import contextlib
import os
import shutil
import signal
import time

import psutil
import psycopg2

from .. import settings
from ..env import console, databases, odoo, postgres

FOLDER = settings.CACHE_DIR / "kill"
#: What the database is called in the copy that is kept.
TEMPLATE = "pay_now_kill"
#: Few connections, so that all of them can be taken; none is kept back for whoever is the owner.
OPTIONS = {
    "autovacuum_naptime": "10s",
    "full_page_writes": "on",
    "max_connections": "60",
    "superuser_reserved_connections": "0",
    "synchronous_commit": "on",
}
#: Says to every INSERT what a full disk says, as long as it is said to be full.
DISK = """
CREATE TABLE kill_disk (is_full boolean);
INSERT INTO kill_disk VALUES (false);
CREATE FUNCTION kill_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT is_full FROM kill_disk) THEN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE
    one regclass;
BEGIN
    FOR one IN
        SELECT oid FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
           AND (relname ~ '^(pay_now|account|payment|mail)_' OR relname = 'ir_cron_progress')
    LOOP
        EXECUTE format('CREATE TRIGGER kill_disk BEFORE INSERT ON %s'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION kill_disk()', one);
    END LOOP;
END $$;
"""


class Cluster(postgres.Cluster):
    """The server of this run: `with Cluster() as cluster`; nothing is left of it afterwards."""

    def __init__(self):
        super().__init__(FOLDER / str(os.getpid()), OPTIONS)
        self.server = postgres.Server(self.socket_dir, 5432, postgres.USER)
        self.database = f"{databases.RUN_PREFIX}{os.getpid()}_kill"

    def __enter__(self):
        _forget_dead()
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_error):
        self.call("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(settings.FILESTORE_DIR / self.database, ignore_errors=True)

    def begin(self, server, template):
        """Start with a copy of a database of another server, and its files.

        The copy is made once for each template: the next runs copy the files of the whole server.

        :param postgres.Server server: the other one.
        :param str template: the database.
        """
        with console.step("a PostgreSQL server of its own"), console.lock("kill-template"):
            kept = FOLDER / f"of-{template}"
            if kept.is_dir():
                self.data.parent.mkdir(parents=True, exist_ok=True)
                shutil.copytree(kept, self.data)
                self.start()
            else:
                self.start()
                self._restore(server, template)
                self.call("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
                for old in FOLDER.glob("of-*"):
                    shutil.rmtree(old)
                shutil.copytree(self.data, kept.with_suffix(".part"))
                kept.with_suffix(".part").rename(kept)
                self.start()
            with self.server.cursor() as cursor:
                cursor.execute(f'ALTER DATABASE {TEMPLATE} RENAME TO "{self.database}"')
        files = settings.FILESTORE_DIR / template
        if files.is_dir():
            target = settings.FILESTORE_DIR / self.database
            shutil.copytree(files, target, copy_function=os.link, dirs_exist_ok=True)

    def _restore(self, server, template):
        dump = self.folder / "dump"
        reach = ["-h", server.host, "-p", server.port, "-U", server.user or postgres.USER]
        target = ["-h", self.server.host, "-p", self.server.port, "-U", postgres.USER]
        # Of a copy: nobody else may copy what is being read.
        with databases.temporary(server, template, "dump") as name:
            calls = [
                ("pg_dump", *reach, "-Fc", "-Z0", "-f", dump, name),
                ("createdb", *target, TEMPLATE),
                ("pg_restore", *target, "-j2", "-d", TEMPLATE, dump),
            ]
            for call in calls:
                if self.call(*call):
                    raise console.DevError(f"{call[0]} failed: {self.folder / 'command.log'}")
        dump.unlink()
        with self.server.cursor(TEMPLATE) as cursor:
            cursor.execute(DISK)
            cursor.execute("ANALYZE")

    def note_group(self, pid):
        """Note which group of processes works with this server, see `_forget_dead`."""
        (self.folder / "group").write_text(str(pid))

    # === DYING === #

    def kill(self, down):
        """Kill all of it at once, and start it again after a while.

        :param float down: seconds.
        """
        postmaster = self._postmaster()
        # The first one first: nobody is to be started again by it.
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        while any(map(_is_alive, processes)):
            time.sleep(0.02)
        time.sleep(down)
        # Where nobody buries the dead, their numbers are taken for somebody's who lives.
        for lock in (self.data / "postmaster.pid", *self.socket_dir.glob(".s.*")):
            lock.unlink(missing_ok=True)
        self.start()

    def kill_backend(self, rng):
        """Kill one that serves Odoo: PostgreSQL then ends all others by itself, and recovers.

        :param random.Random rng: chooses.
        :return: whether there was one.
        :rtype: bool
        """
        serving = [
            process
            for process in self._postmaster().children()
            if self.database in " ".join(_command(process))
        ]
        if not serving:
            return False
        os.kill(rng.choice(serving).pid, signal.SIGKILL)
        return True

    def _postmaster(self):
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        return psutil.Process(pid)

    # === HAVING NOTHING LEFT === #

    def exhaust(self, seconds):
        """Take all connections there are, for a while."""
        taken = []
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                try:
                    taken.append(
                        psycopg2.connect(
                            dbname=self.database,
                            host=self.server.host,
                            port=self.server.port,
                            user=postgres.USER,
                        )
                    )
                except psycopg2.OperationalError:
                    # Whatever becomes free is taken, too.
                    time.sleep(0.05)
        finally:
            for connection in taken:
                connection.close()

    def fill_disk(self, seconds):
        """Let no row be added to the tables that matter, for a while."""
        self._set_full(True)
        time.sleep(seconds)
        for _attempt in range(120):
            with contextlib.suppress(psycopg2.Error):
                return self._set_full(False)
            time.sleep(0.5)
        raise console.DevError("The disk stays full.")

    def _set_full(self, is_full):
        with self.server.cursor(self.database) as cursor:
            cursor.execute("UPDATE kill_disk SET is_full = %s", [is_full])


def _is_alive(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _command(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def _end_group(folder):
    """End the Odoo of a run that was killed, if its number is not somebody else's by now."""
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess, ProcessLookupError):
        pid = int((folder / "group").read_text())
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess):
                if os.getpgid(process.pid) == pid and str(folder) in " ".join(process.cmdline()):
                    process.kill()


def _forget_dead():
    """Remove the servers of runs that were killed themselves."""
    for folder in FOLDER.glob("[0-9]*"):
        if not psutil.pid_exists(int(folder.name)):
            _end_group(folder)
            dead = postgres.Cluster(folder)
            dead.call("pg_ctl", "-D", dead.data, "-m", "immediate", "-w", "stop")
            shutil.rmtree(folder, ignore_errors=True)


def shell(cluster, script, log_name, **values):
    """Run a script in Odoo's shell on the run's database; return what it printed as JSON's line.

    :param values: what the script finds as globals.
    """
    head = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return odoo.shell(cluster.server, cluster.database, head + script, log_name)
