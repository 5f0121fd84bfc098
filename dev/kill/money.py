# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""`make test-kill`, its second part: money arrives while everything dies.

Odoo with its workers and a PostgreSQL server of its own are killed with -9 at random, both
providers fail in every way the sandbox knows, and payers, merchant, notifications, sweep and a
reminder run go on at once. In the end all is started again and left alone: each payment has to be
booked once, to the cent, and nothing may be left in between.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import random
import time
from pathlib import Path

from ..bench.mail_sink import MailSink
from ..demo.sides import PayPalSide, StripeSide
from ..env import console, databases
from ..sandbox.client import SandboxProcess
from . import verdict
from .clock import Clock
from .cluster import Cluster, shell
from .house import House
from .people import GaveUp, Merchant, Payer
from .weather import Killer, Shortage, Weather

SCENARIOS = Path(__file__).with_name("scenarios.py")
SEED = int(os.environ.get("SEED") or 1)
#: Payments, refunds, disputes, payouts.
SIZES = [int(size) for size in (os.environ.get("SIZES") or "1000 200 50 10").split()]
#: Seconds until a mail is taken: the run is to last as long as the rest.
MAIL_SECONDS = 0.15
#: Seconds of a day that pass in one.
SPEED = 60
SHARES = (1.0, 0.4)


@dataclasses.dataclass
class Plan:
    """How much happens, and how much goes wrong.

    :param int payers: who pay at the same time.
    :param float kill: seconds between two kills, on average; at most so many where `most` says it.
    :param float fault: seconds between two faults of a provider.
    :param float shortage: seconds between two shortages.
    :param int quiet: seconds at most until all is right.
    """

    payments: int
    refunds: int
    disputes: int
    payouts: int
    seed: int = SEED
    payers: int = 8
    kill: float = 7
    most: int = None
    fault: float = 2
    shortage: float = 25
    quiet: int = 240


#: One kill of each kind.
SMALL = {"payers": 4, "kill": 1.5, "most": 3, "fault": 4, "shortage": 6, "quiet": 240}


def main(server):
    """Print what came of it, and return the exit code."""
    return _judge(run(server, Plan(*SIZES)))


def main_small(server):
    """Do so with a few payments, and one kill of each kind."""
    return _judge(run(server, small()))


def small():
    """Return a plan of a few payments, and one kill of each kind.

    :rtype: Plan
    """
    return Plan(20, 4, 2, 1, **SMALL)


def _judge(problems):
    for problem in problems:
        console.say(f"WRONG {problem}")
    console.say(f"figure: money_wrong = {len(problems)} {'MISSED' if problems else 'ok'}")
    return 1 if problems else 0


def run(server, plan):
    """Let the money arrive while everything dies.

    :param postgres.Server server: where the database with the module is copied from.
    :param Plan plan: how much.
    :return: what is wrong in the end.
    :rtype: list[str]
    """
    with contextlib.ExitStack() as stack:
        town = stack.enter_context(Town(server, plan.payments, plan.seed))
        storm = _Storm(town, plan)
        storm.rage()
        storm.pass_over()
        return storm.judge()


class Town:
    """A company in a database of its own, its providers, its mail server, and Odoo.

    :param postgres.Server server: where the database with the module is copied from.
    :param int invoices: how many there are to be paid.
    :param int seed: decides what they are like.
    :param house: options of `house.House`.
    """

    def __init__(self, server, invoices, seed, **house):
        self._server, self._invoices, self._seed, self._options = server, invoices, seed, house
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.cluster = stack.enter_context(Cluster())
            self.cluster.begin(self._server, databases.module(self._server))
            self.sandbox = stack.enter_context(SandboxProcess())
            self.mails = stack.enter_context(MailSink(MAIL_SECONDS))
            self.house = House(self.cluster, **self._options)
            self.sides = {
                side.code: side
                for side in (StripeSide(self.sandbox), PayPalSide(self.sandbox.paypal))
            }
            self.world = self._set_up()
            stack.enter_context(self.house)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def _set_up(self):
        sandbox, paypal = self.sandbox, self.sandbox.paypal
        # As the company's books are, on the chart of accounts that Odoo starts with.
        sandbox.account(account=sandbox.account_id, currency="usd")
        paypal.account(currency="USD")
        sandbox.banks(delay=4)
        paypal.settings(bank_delay=4)
        keys = {
            StripeSide.code: (sandbox.api_base, sandbox.key, ""),
            PayPalSide.code: (paypal.api_base, paypal.client_id, paypal.secret),
        }
        with console.step(f"{self._invoices} invoices"):
            world = self.measure(
                *("set_up", keys),
                URL=self.house.url,
                MAIL_PORT=self.mails.port,
                SIZE=self._invoices,
                SEED=self._seed,
            )
        for code, side in self.sides.items():
            side.provider_id = world["providers"][code]["id"]
        return world

    def measure(self, what, keys=None, **values):
        """Run one scenario in Odoo's shell; return what it found."""
        output = shell(
            self.cluster, SCENARIOS.read_text(), "kill-shell", WHAT=what, KEYS=keys, **values
        )
        line = next(line for line in output.splitlines() if line.startswith("measured "))
        return json.loads(line.removeprefix("measured "))

    @property
    def clients(self):
        """Return the control of each provider's part of the sandbox, by code."""
        return {code: side.client for code, side in self.sides.items()}


class _Storm:
    """What is done to the town, and what is left of it."""

    def __init__(self, town, plan):
        self.town, self.plan = town, plan
        self.rng = random.Random(plan.seed)
        self.problems, self.paid, self.lost = [], [], set()
        self.left_open = 0
        self.merchant = Merchant(town.house.url, town.cluster.database, town.sides)
        self.killer = Killer(town.cluster, town.house, plan.seed, plan.kill, plan.most)
        self.shortage = Shortage(town.cluster, plan.seed + 1, plan.shortage)
        self.weathers = {
            code: Weather(client, plan.seed + 2 + number, plan.fault)
            for number, (code, client) in enumerate(town.clients.items())
        }
        # What befalls whom, decided before anything happens.
        refunds = ["refund", "refund_there"] * (plan.refunds // 2)
        outcomes = [True, True, False, False, None]
        disputes = [("dispute", outcomes[i % 5]) for i in range(plan.disputes)]
        fates = [(one, self.rng.choice(SHARES)) for one in refunds] + disputes
        numbers = self.rng.sample(range(plan.payments), len(fates))
        self.fates = dict(zip(numbers, fates, strict=True))

    # === THE STORM === #

    def rage(self):
        """Let all pay, while everything goes wrong."""
        plan, started = self.plan, time.monotonic()
        for weather in self.weathers.values():
            weather.calm()
        with (
            console.step(f"{plan.payments} payments in the storm (SEED={plan.seed})"),
            contextlib.ExitStack() as stack,
        ):
            stack.enter_context(Clock(self.town.cluster, SPEED))
            for trouble in (*self.weathers.values(), self.shortage, self.killer):
                stack.enter_context(trouble)
            self._let_all_happen()
            end = time.monotonic() + 60
            while plan.most and self.killer.killed < plan.most and time.monotonic() < end:
                time.sleep(0.2)
        self.seconds = time.monotonic() - started
        for trouble in (*self.weathers.values(), self.shortage, self.killer):
            self.problems += trouble.problems

    def _let_all_happen(self):
        plan, codes = self.plan, sorted(self.town.sides)
        with (
            concurrent.futures.ThreadPoolExecutor(plan.payers) as payers,
            concurrent.futures.ThreadPoolExecutor(3) as others,
        ):
            todo = [others.submit(self.merchant.send, self.town.world["run"])]
            paying = {}
            for number, invoice in enumerate(self.town.world["invoices"]):
                payer = Payer(invoice, self.town.sides, random.Random(plan.seed * 10007 + number))
                paying[payers.submit(payer.pay)] = number, payer
            each = max(plan.payments // plan.payouts, 1) if plan.payouts else plan.payments + 1
            for done in concurrent.futures.as_completed(paying):
                number, payer = paying[done]
                if not self._note(done):
                    continue
                self.paid.append(payer.invoice["id"])
                if number in self.fates:
                    todo.append(others.submit(self._befall, payer, *self.fates[number]))
                if len(self.paid) % each == 0:
                    code = codes[len(self.paid) // each % len(codes)]
                    todo.append(others.submit(self.merchant.be_paid_out, code))
            for done in concurrent.futures.as_completed(todo):
                self._note(done)

    def _note(self, done):
        """Keep what somebody gave up; tell whether it was done."""
        try:
            done.result()
        except GaveUp as error:
            self.problems.append(f"gave up: {error}")
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            self.problems.append(f"{type(error).__name__}: {str(error)[:500]}")
            return False
        return True

    def _befall(self, payer, what, how):
        if what == "dispute":
            self.merchant.be_disputed(payer, how)
            if how is False:
                self.lost.add(payer.invoice["id"])
            self.left_open += how is None
        elif what == "refund":
            self.merchant.refund(payer.invoice, how)
        else:
            self.merchant.refund_there(payer, how)

    # === AND AFTER IT === #

    def pass_over(self):
        """Start everything again, and leave it alone until it is quiet."""
        for weather in self.weathers.values():
            weather.calm()
        self.town.cluster.kill(1)
        self.town.house.kill_all()
        self.town.house.wait()
        clients, done = self.town.clients.values(), self.merchant.done
        expected = {
            "payments": len(self.paid),
            "refunds": done["refunds"] + done["dashboard_refunds"],
            "disputes": done["disputes"],
            "payouts": done["payouts"],
        }
        with console.step("until all is right"), Clock(self.town.cluster, SPEED) as clock:
            self.until, left = verdict.wait_quiet(
                self.town.cluster, clients, self.plan.quiet, expected
            )
            self.until_by_clock = self.until + clock.ahead
        self.problems += [f"stuck: {count} {what}" for what, count in left.items()]

    def judge(self):
        """Print the figures; return what is wrong.

        :rtype: list[str]
        """
        town = self.town
        self.problems += verdict.compare(
            town.cluster, town.world["providers"], town.clients, len(self.paid)
        )
        self.problems += verdict.check_invoices(town.cluster, self.paid, self.lost)
        ids = [one["id"] for one in town.world["providers"].values()]
        said = town.measure("close", IDS=ids)
        self.problems += self._check_said(said)
        self._print(said)
        return self.problems

    def _check_said(self, said):
        """Return what the module says at the end and should not."""
        problems = [f"switched off: {name}" for name in said["switched_off"]]
        for terms in said["equations"]:
            if terms["gap"] or terms["waiting"]:
                problems.append(f"the module's own equation: {terms}")
        if said["reminded"]:
            # Those whose money went back are owed again, and nothing else.
            with town_cursor(self.town) as cursor:
                cursor.execute(
                    "SELECT DISTINCT move_id FROM account_move_line WHERE id = ANY(%s)",
                    [said["reminded"]],
                )
                moves = {move for (move,) in cursor.fetchall()}
            wrong = (moves & set(self.paid)) - self.lost
            problems += [f"invoice {move} would be reminded of" for move in wrong]
        kinds = [kind for kind, _name in said["handle"]]
        if (count := kinds.count("dispute")) != self.left_open:
            problems.append(f"{count} disputes to answer, {self.left_open} are open")
        if (count := kinds.count("reminder")) > self.killer.killed + 2:
            problems.append(f"{count} uncertain reminders")
        problems += [
            f"to handle, for nobody: {kind}, {name}"
            for kind, name in said["handle"]
            if kind not in ("dispute", "reminder")
        ]
        problems += [
            f"reminder {one} left {times} times"
            for one, times in self.town.mails.reminders.items()
            if times > 1
        ]
        return problems

    def _print(self, said):
        kinds = [kind for kind, _name in said["handle"]]
        figures = {
            **{f"killed_{victim}": number for victim, number in sorted(self.killer.count.items())},
            "killed": self.killer.killed,
            "restarts_of_odoo": self.town.house.restarts,
            **{f"shortage_{kind}": n for kind, n in sorted(self.shortage.count.items())},
            "faults": sum(sum(one.count.values()) for one in self.weathers.values()),
            "silent_minutes": f"{sum(w.silent for w in self.weathers.values()) * SPEED / 60:.0f}",
            "payments": len(self.paid),
            **self.merchant.done,
            "reminders": len(self.town.mails.reminders),
            "uncertain_reminders": kinds.count("reminder"),
            "receipts_twice": self.town.mails.others_twice,
            "seconds_of_storm": f"{self.seconds:.0f}",
            "seconds_until_right": f"{self.until:.0f}",
            "minutes_until_right_by_the_clock": f"{self.until_by_clock / 60:.0f}",
        }
        for name, value in figures.items():
            console.say(f"figure: {name} = {value}")


def town_cursor(town):
    """Return a cursor on the town's database."""
    return town.cluster.server.cursor(town.cluster.database)
