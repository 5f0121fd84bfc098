# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""`make soak`: five times the payments that can be booked, again and again, for some time.

What two cores can book is measured first. Then payments arrive five times as fast, for a sixth of
each round; the rest of it is for the queue to drain. All the while somebody opens pay pages, and
the memory of the workers is looked at whenever the queue is empty.
"""

import concurrent.futures
import os
import random
import statistics
import threading
import time

import requests

from ..env import console
from . import verdict
from .money import Town

MINUTES = float(os.environ.get("MINUTES") or 30)
SEED = int(os.environ.get("SEED") or 1)
#: Times what can be booked, and for how many seconds of a round.
TIMES = 5
BURST_SECONDS = 20
#: Payments by which it is measured how many can be booked.
MEASURED = 200
#: A payment is booked, whatever else is left to do about it.
BOOKED = ("payments received and not booked",)
#: Whose pages are opened, how often in a second, and by how many people.
PAGES, PAUSE, READERS = 50, 0.25, 2
#: What is promised: how much more memory the workers have at the end than after the first rounds,
#: seconds in which 99 of 100 pages come under load, how long a burst takes to be worked off beside
#: what is expected.
AIMS = {"memory": 1.1, "page": 3.0, "drain": 2.0}


def main(server):
    """Print the figures, judge them, and return the exit code."""
    with Town(server, PAGES, SEED, workers=2, crons=2) as town:
        town.sandbox.fees(delay=1.0)
        for client in town.clients.values():
            client.webhooks(mode="on", copies=1, shuffle=False)
        soak = _Soak(town)
        with soak.reading():
            soak.measure()
            soak.go_on(MINUTES * 60)
        return soak.judge()


class _Soak:
    """Rounds of load, and what was seen meanwhile."""

    def __init__(self, town):
        self.town = town
        self.rate = None
        #: Of each round: payments, seconds until the queue is empty, MB of the workers.
        self.rounds = []
        self.memory, self.paid, self.problems = [], [], []
        self.pages, self.refused = [], 0
        self._seed = 1000
        self._over = threading.Event()

    # === PAGES === #

    def reading(self):
        """Open pages in the background as long as the block lasts."""
        return _Readers(self._read, self._over)

    def _read(self, number):
        rng = random.Random(SEED * 100 + number)
        session = requests.Session()
        session.trust_env = False
        while not self._over.wait(PAUSE * READERS):
            url = rng.choice(self.town.world["invoices"])["url"]
            started = time.perf_counter()
            try:
                answer = session.get(url, timeout=60)
            except requests.RequestException:
                self.refused += 1
                continue
            self.pages.append(time.perf_counter() - started)
            self.refused += answer.status_code != 200

    # === LOAD === #

    def measure(self):
        """Find out how many payments are booked in a second, one burst after another."""
        # The first ones warm up.
        for _round in range(2):
            sessions = self._prepare(MEASURED)
            started = time.monotonic()
            self._pay(sessions, 0)
            paid = time.monotonic() - started
            self.rate = len(sessions) / (paid + self._wait(600, BOOKED))
            self._wait(600, verdict.QUEUES)
        console.say(f"figure: booked_a_second = {self.rate:.1f}")
        self._note_memory()

    def go_on(self, seconds):
        """Load and drain, round by round."""
        end = time.monotonic() + seconds
        size = max(int(self.rate * TIMES * BURST_SECONDS), 10)
        while time.monotonic() < end or not self.rounds:
            sessions = self._prepare(size)
            label = f"round {len(self.rounds) + 1}: {size} payments in {BURST_SECONDS} s"
            with console.step(label):
                started = time.monotonic()
                self._pay(sessions, BURST_SECONDS)
                arrived = time.monotonic() - started
                drained = self._wait(BURST_SECONDS * TIMES * 6, BOOKED)
                # What was in somebody's hands is taken up when Odoo's workers look by themselves.
                self._wait(180, verdict.QUEUES)
            self._note_memory()
            self.rounds.append({"arrived": arrived, "drained": drained, "size": size})
            console.say(
                f"   arrived in {arrived:.0f} s, all booked after {drained + arrived:.0f} s,"
                f" {self.memory[-1]:.0f} MB"
            )

    def _prepare(self, size):
        """Return checkouts that can be paid; who makes them is no part of the load."""
        self._seed += size + 1
        ids = [one["id"] for one in self.town.world["providers"].values()]
        with console.step(f"{size} checkouts"):
            found = self.town.measure("open_checkouts", IDS=ids, SIZE=size, SEED=self._seed)
        self.paid += [move for move, _session in found]
        return [session for _move, session in found]

    def _pay(self, sessions, seconds):
        """Let the payers agree, spread over so many seconds."""
        started = time.monotonic()

        def pay(number, session):
            wait = started + seconds * number / len(sessions) - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.town.sandbox.pay(session=session)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(pay, range(len(sessions)), sessions))

    def _wait(self, seconds, looked_at):
        """Wait until all payments are known and nothing of this is left; return the seconds."""
        took, left = verdict.wait_quiet(
            self.town.cluster,
            self.town.clients.values(),
            seconds,
            {"payments": len(self.paid)},
            looked_at,
        )
        self.problems += [f"not drained: {count} {what}" for what, count in left.items()]
        return took

    def _note_memory(self):
        self.memory.append(sum(self.town.house.memory().values()))

    # === VERDICT === #

    def judge(self):
        """Print, and return the exit code."""
        world, clients = self.town.world, self.town.clients
        self.problems += verdict.compare(
            self.town.cluster, world["providers"], clients, len(self.paid)
        )
        self.problems += verdict.check_invoices(self.town.cluster, self.paid, set())
        if self.town.house.restarts:
            self.problems.append(f"Odoo ended by itself {self.town.house.restarts} times")
        pages = sorted(self.pages)
        tail = pages[min(int(len(pages) * 0.99), len(pages) - 1)]
        # After the first round all of them have seen everything.
        first, last = self.memory[1], self.memory[-1]
        slowest = max(one["drained"] + one["arrived"] for one in self.rounds)
        console.say(f"figure: rounds = {len(self.rounds)}")
        console.say(f"figure: payments = {len(self.paid)}")
        console.say(f"figure: memory_after_first_round = {first:.0f} MB")
        console.say(f"figure: memory_at_the_end = {last:.0f} MB")
        console.say(f"figure: pages_opened = {len(pages)}")
        console.say(f"figure: page_p50 = {statistics.median(pages) * 1000:.0f} ms")
        if len(self.rounds) < 2:
            self.problems.append("too short: memory cannot be compared after one round")
        verdicts = [
            ("memory_growth", last / first, last / first <= AIMS["memory"]),
            ("page_p99_seconds", tail, tail <= AIMS["page"]),
            ("pages_refused", self.refused, not self.refused),
            (
                "drain_times_expected",
                slowest / (BURST_SECONDS * TIMES),
                slowest <= BURST_SECONDS * TIMES * AIMS["drain"],
            ),
            ("wrong", len(self.problems), not self.problems),
        ]
        for problem in self.problems:
            console.say(f"WRONG {problem}")
        for name, value, reached in verdicts:
            console.say(f"figure: {name} = {value:.2f} {'ok' if reached else 'MISSED'}")
        return 0 if all(reached for _name, _value, reached in verdicts) else 1


class _Readers:
    """Threads that end with the block."""

    def __init__(self, action, over):
        self.action, self.over = action, over

    def __enter__(self):
        self.threads = [
            threading.Thread(target=self.action, args=[number], daemon=True)
            for number in range(READERS)
        ]
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_error):
        self.over.set()
        for thread in self.threads:
            thread.join()
