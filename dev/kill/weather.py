# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What goes wrong around Odoo: processes die, providers fail, nothing is left of something."""

import collections
import contextlib
import random
import threading

import psycopg2
import requests

from ..sandbox.client import PayPalSandbox

#: What may be killed, and how often.
VICTIMS = {"web": 4, "cron": 6, "backend": 3, "postgres": 3, "odoo": 1}
#: What may go wrong at a provider, and how often: each is a method of `Weather`.
FAULTS = {
    "lost": 4,
    "off": 2,
    "held": 3,
    "late": 2,
    "certificate": 1,
    "error": 5,
    "hangs_up": 3,
    "done_and_silent": 5,
    "slow": 3,
    "busy": 2,
    "nonsense": 2,
    "outage": 3,
}
STATUSES = (429, 500, 503)


class Trouble:
    """Something that goes on in the background until it is told to stop."""

    def __init__(self, pause):
        self.pause = pause
        self.count = collections.Counter()
        #: What kept it from going on.
        self.problems = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    def stop(self):
        """Let nothing more go wrong."""
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(self.rng.uniform(self.pause / 3, self.pause * 5 / 3)):
            try:
                self.once()
            except Exception as error:  # noqa: BLE001 - a thread tells nobody
                self.problems.append(f"{type(self).__name__}: {error}")

    def once(self):
        """Let one thing go wrong."""
        raise NotImplementedError


class Killer(Trouble):
    """Kills with -9, one after the other, whoever it meets.

    :param cluster.Cluster cluster: PostgreSQL.
    :param house.House house: Odoo.
    :param int seed: decides who dies when.
    :param float pause: seconds between two, on average.
    :param int most: how many are killed; any number without.
    """

    def __init__(self, cluster, house, seed, pause, most=None):
        super().__init__(pause)
        self.cluster, self.house, self.rng, self.most = cluster, house, random.Random(seed), most

    @property
    def killed(self):
        """How many were killed so far."""
        return sum(self.count.values())

    def once(self):
        if self.most and self.killed >= self.most:
            return
        victim = self.rng.choices(list(VICTIMS), VICTIMS.values())[0]
        if self.most and self.killed < 3:
            # The few of a small run are one of each kind.
            victim = ("cron", "postgres", "web")[self.killed]
        down = self.rng.uniform(0.2, 3)
        with contextlib.suppress(psycopg2.Error, FileNotFoundError):
            if self._kill(victim, down):
                self.count[victim] += 1

    def _kill(self, victim, down):
        if victim == "postgres":
            self.cluster.kill(down)
            return True
        if victim == "backend":
            return self.cluster.kill_backend(self.rng)
        if victim == "odoo":
            return self.house.kill_all()
        return self.house.kill_one(victim, self.rng)


class Shortage(Trouble):
    """Nothing left for a while: no connection to PostgreSQL, no place on its disk."""

    def __init__(self, cluster, seed, pause):
        super().__init__(pause)
        self.cluster, self.rng = cluster, random.Random(seed)

    def once(self):
        kind, seconds = self.rng.choice(["connections", "disk"]), self.rng.uniform(1, 4)
        # PostgreSQL may be killed at this moment.
        with contextlib.suppress(psycopg2.Error):
            if kind == "connections":
                self.cluster.exhaust(seconds)
            else:
                self.cluster.fill_disk(seconds)
            self.count[kind] += 1


class Weather(Trouble):
    """The faults of one provider, one after the other.

    :param dev.sandbox.client.Client client: the control of its part of the sandbox.
    :param int seed: decides what goes wrong when.
    :param float pause: seconds between two, on average.
    """

    def __init__(self, client, seed, pause):
        super().__init__(pause)
        self.client, self.rng = client, random.Random(seed)
        #: Seconds without any answer, in all.
        self.silent = 0.0

    def once(self):
        fault = self.rng.choices(list(FAULTS), FAULTS.values())[0]
        self.count[fault] += 1
        getattr(self, f"_{fault}")()
        self.calm()

    def calm(self):
        """Let everything go well but the notifications, which are doubled and shuffled as ever."""
        self.client.behave()
        self.client.webhooks(mode="on", copies=3, shuffle=True)

    def _wait(self, least, most):
        seconds = self.rng.uniform(least, most)
        self._over.wait(seconds)
        return seconds

    def _misbehave(self, **fault):
        self.client.misbehave(times=self.rng.randint(1, 12), **fault)
        self._wait(0.5, 3)

    # === NOTIFICATIONS === #

    def _lost(self):
        self.client.webhooks(drop=self.rng.randint(3, 30))
        self._wait(1, 4)

    def _off(self):
        self.client.webhooks(mode="off")
        self._wait(1, 4)

    def _held(self):
        """Deliver later, in any order; some of them never."""
        self.client.webhooks(mode="held")
        self._wait(1, 4)
        held = self.client.outbox()
        self.client.webhooks(mode="on")
        self.rng.shuffle(held)
        for out in held[: len(held) * 3 // 4]:
            with contextlib.suppress(requests.RequestException):
                requests.post(
                    out["url"], data=out["body"].encode(), headers=out["headers"], timeout=10
                )

    def _late(self):
        self.client.webhooks(delay=self.rng.uniform(1, 5))
        self._wait(1, 4)

    def _certificate(self):
        """PayPal signs with another one from now on; Stripe has none."""
        if isinstance(self.client, PayPalSandbox):
            self.client.rotate_certificate()

    # === ANSWERS === #

    def _error(self):
        self._misbehave(status=self.rng.choice(STATUSES))

    def _hangs_up(self):
        self._misbehave(drop=True)

    def _done_and_silent(self):
        """It is done, and nobody hears of it."""
        how = self.rng.choice([{"drop": True}, {"status": 500}])
        self._misbehave(executed=True, method="POST", **how)

    def _slow(self):
        self._misbehave(timeout=self.rng.uniform(0.5, 12))

    def _busy(self):
        self._misbehave(busy=self.rng.uniform(0.2, 2), method="POST")

    def _nonsense(self):
        self._misbehave(text="<html>Bad gateway</html>")

    def _outage(self):
        """No answer at all for some seconds, which are minutes by the fast clock."""
        self.client.misbehave(status=503, times=1000000)
        self.silent += self._wait(4, 9)
