# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Lets several workers send one run, by themselves and through OCA's queue_job; and kills them.

Real processes, a real mail server that takes its time, and real jobs: what counts is that nobody
gets two mails, nobody is forgotten, and more workers are faster.
"""

import json
import os
import time
from pathlib import Path

from ..env import console, databases, odoo
from . import reminders, rivals
from .mail_sink import MailSink

CUSTOMERS = int(os.environ.get("CUSTOMERS") or 800)
KILL_CUSTOMERS = int(os.environ.get("KILL_CUSTOMERS") or 2000)
SEED = int(os.environ.get("SEED") or 1)
WORKERS = (1, 2, 4)
# Seconds that the mail server takes over a mail.
LATENCY = 0.02
# Workers at work while one after the other is killed, after so many seconds at most.
KILLED_WORKERS = 2
KILLED_AFTER = 1.5
JOBS = "queue_job"
JOBS_PACKAGE = "odoo-addon-queue-job>=19.0,<19.1"
JOBS_LIBRARIES = ["openupgradelib"]
TIMEOUT_SECONDS = 120
SCENARIOS = Path(__file__).with_name("workers_scenarios.py")


def main(server):
    """Print how much faster two and four workers are; fail when anybody got two mails, or none."""
    addons = rivals.fetch(JOBS, JOBS_PACKAGE, JOBS_LIBRARIES)
    with (
        databases.temporary(server, databases.module(server)) as name,
        MailSink(LATENCY) as sink,
    ):
        bench = _Bench(server, name, sink)
        bench.fill(CUSTOMERS)
        problems = bench.compare("workers", bench.with_workers)
        with console.step(f"installing {JOBS}"):
            bench.addons = addons
            options = [*bench.options(), "-d", name, "-i", JOBS, "--stop-after-init"]
            bench.run_odoo(*options, "--max-cron-threads=0")
        problems += bench.compare("jobs", bench.with_jobs)
        problems += bench.without_runner()
    return _judge(problems)


def main_kill(server):
    """Kill workers while they send; fail when anybody got two mails, or was forgotten."""
    return _judge(kill(server, KILL_CUSTOMERS))


def kill(server, customers, most=None):
    """Kill workers at random moments while they send reminders.

    :param int customers: how many get one.
    :param int most: after how many kills the others may finish; None for no end of it.
    :return: what is wrong with what came of it.
    :rtype: list[str]
    """
    with (
        databases.temporary(server, databases.module(server)) as name,
        MailSink(LATENCY / 4) as sink,
    ):
        bench = _Bench(server, name, sink)
        bench.fill(customers)
        queued = bench.measure("prepare")["queued"]
        with console.step(f"{queued} reminders, workers killed at random (SEED={SEED})"):
            came = bench.measure(
                "crash", WORKERS=KILLED_WORKERS, SEED=SEED, KILLS=KILLED_AFTER, MOST=most
            )
        for figure in ("killed", "lost", "listed"):
            console.say(f"figure: {figure} = {came[figure]}")
        problems = _check(bench, queued, uncertain=came["listed"])
    return problems if came["killed"] else [*problems, "nobody was killed"]


class _Bench:
    """A database with customers who are due, and the mail server of its mails."""

    def __init__(self, server, database, sink):
        self.server, self.database, self.sink = server, database, sink
        self.addons = None

    def fill(self, customers):
        """Make the customers."""
        with console.step(f"{customers} customers"):
            reminders.fill(self.server, self.database, customers)

    def options(self):
        """Return what Odoo has to be told to find the jobs."""
        return rivals.paths(self.server, self.addons)

    def run_odoo(self, *arguments):
        """Run Odoo to its end, with the libraries of the jobs."""
        command = odoo.command(self.server, *arguments, f"--http-port={odoo.free_port()}")
        env = odoo.environment(self.server) | self.python_path()
        console.run(command, "bench-workers", env=env)

    def python_path(self):
        """Return where Python finds the libraries of the jobs."""
        folder = odoo.environment(self.server)["PYTHONPATH"]
        return {"PYTHONPATH": os.pathsep.join([folder, str(rivals.FOLDER)])}

    def measure(self, what, **values):
        """Run one scenario in Odoo's shell; return what it found."""
        values = {"WHAT": what, "PORT": self.sink.port, **values}
        head = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        output = odoo.shell(
            self.server,
            self.database,
            head + SCENARIOS.read_text(),
            "bench-workers",
            options=self.options(),
        )
        line = next(line for line in output.splitlines() if line.startswith("measured "))
        return json.loads(line.removeprefix("measured "))

    def compare(self, way, send):
        """Send a run with each number of workers; return what is wrong."""
        problems, seconds = [], {}
        for workers in WORKERS:
            queued = self.begin()
            with console.step(f"{queued} reminders, {way}: {workers}"):
                seconds[workers] = send(workers)
            speed_up = seconds[WORKERS[0]] / seconds[workers]
            console.say(f"figure: {way}_{workers}_seconds = {seconds[workers]:.1f} s")
            console.say(f"figure: {way}_{workers}_mails = {queued / seconds[workers]:.0f} a second")
            console.say(f"figure: {way}_{workers}_speed_up = {speed_up:.2f} times")
            console.say(f"figure: {way}_{workers}_duplicates = {self.sink.twice}")
            problems += _check(self, queued)
        if seconds[WORKERS[1]] >= seconds[WORKERS[0]]:
            problems.append(f"{way}: two are no faster than one")
        return problems

    def begin(self):
        """Write the reminders of a run, and let them wait; return how many they are."""
        self.sink.forget()
        with self.server.cursor(self.database) as cursor:
            cursor.execute("DELETE FROM pay_now_reminder_run")
            if self.addons:
                cursor.execute("DELETE FROM queue_job")
        return self.measure("prepare")["queued"]

    def without_runner(self):
        """Have jobs that nobody works off; return what is wrong."""
        queued = self.begin()
        with console.step(f"{queued} reminders, jobs without a runner"):
            self.measure("work", WORKERS=1)
            waiting = len(self.states().get("queued", []))
            with self.server.cursor(self.database) as cursor:
                cursor.execute(
                    "UPDATE queue_job SET date_created = date_created - interval '1 hour'"
                )
            self.measure("work", WORKERS=1)
        too_early = [] if waiting == queued else ["the scheduled action did not leave it to jobs"]
        return too_early + _check(self, queued)

    def with_workers(self, workers):
        """Let workers of our own send what waits; return the seconds it took."""
        return self.measure("work", WORKERS=workers)["seconds"]

    def with_jobs(self, workers):
        """Let the runner of the jobs have it sent, so many jobs at once; return the seconds."""
        arguments = [*self.options(), f"--workers={workers}", f"--load=base,web,{JOBS}"]
        arguments += ["--max-cron-threads=0", "--log-level=warn"]
        options = {
            "arguments": arguments,
            "env": {"ODOO_QUEUE_JOB_CHANNELS": f"root:{workers}", **self.python_path()},
            # Odoo starts its processes from a file.
            "entry": (self.entry(),),
        }
        with odoo.serving(self.server, self.database, odoo.free_port(), **options):
            # The runner takes its time to start.
            self.wait("SELECT 1 FROM queue_job WHERE state IN ('started', 'done') LIMIT 1")
            started = time.monotonic()
            self.wait(
                "SELECT 1 WHERE NOT EXISTS"
                " (SELECT 1 FROM pay_now_reminder WHERE state IN ('queued', 'sending'))"
            )
            return time.monotonic() - started

    def entry(self):
        """Return a file that starts Odoo."""
        path = rivals.FOLDER / "odoo-bin"
        path.write_text("import odoo.cli\n\nodoo.cli.main()\n")
        return path

    def wait(self, query):
        """Wait until a query finds something."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with self.server.cursor(self.database) as cursor:
                cursor.execute(query)
                if cursor.fetchone():
                    return
            time.sleep(0.1)
        raise console.DevError(f"Nothing after {TIMEOUT_SECONDS} s: {query}")

    def states(self):
        """Return whom the reminders in each state are for."""
        with self.server.cursor(self.database) as cursor:
            cursor.execute("SELECT state, array_agg(email) FROM pay_now_reminder GROUP BY state")
            return dict(cursor.fetchall())


def _check(bench, queued, uncertain=0):
    """Return what is wrong with what arrived, and with what is said of it."""
    states, arrived = bench.states(), bench.sink.recipients
    sent, unsure = states.pop("sent", []), states.pop("uncertain", [])
    # Who was not to get one.
    states.pop("held", None)
    wrong = {
        "customers who got two mails": bench.sink.twice,
        "sent, and nothing arrived": len(set(sent) - set(arrived)),
        "arrived, and neither sent nor uncertain": len(set(arrived) - {*sent, *unsure}),
        "forgotten": queued - len(sent) - len(unsure),
        "uncertain, and not listed": len(unsure) - uncertain,
        "in other states": sum(map(len, states.values())),
    }
    console.say(f"   {len(sent)} sent, {len(unsure)} uncertain, {sum(arrived.values())} arrived")
    return [f"{text}: {count}" for text, count in wrong.items() if count]


def _judge(problems):
    """Say what is wrong, and return the exit code."""
    for problem in problems:
        console.say(f"WRONG {problem}")
    console.say(f"figure: wrong = {len(problems)} {'MISSED' if problems else 'ok'}")
    return 1 if problems else 0
