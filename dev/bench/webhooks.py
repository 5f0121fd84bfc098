# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Posts notifications to two prefork workers: ours, payment_stripe's own, and the least there is.

The least is a route on the same stack that checks an HMAC and does one INSERT. All take turns in
one run, one at a time and eight at once; then each notification of ours arrives three times at
once; then ours again while fifty thousand wait to be processed.
"""

import collections
import concurrent.futures
import contextlib
import functools
import hashlib
import hmac
import http.client
import itertools
import json
import os
import re
import socket
import statistics
import threading
import time

from ..env import console, databases, odoo
from . import rivals

ROUNDS = int(os.environ.get("ROUNDS") or 12)
# Notifications of one turn, by how many arrive at once.
TURN = {1: 25, 8: 64}
WARM_UP = 40
TRIPLES = 300
WAITING = 50_000
INVOICES = 150
WORKERS = 2
SECRET = "whsec_bench"
FLOOR = "pay_now_bench_floor"
# What is promised: times the floor, times the throughput of payment_stripe, queries, failures, what
# duplicates cost, and what those that wait change.
AIMS = {"floor": 1.5, "faster": 5, "queries": 5, "failures": 0, "tail": 3, "waiting": 1.15}
ANSWERED = re.compile(r'"POST (\S+) HTTP/1\.[01]" (\d+) \S+ (\d+) ')
FAILURE = re.compile(r"SERIALIZATION_FAILURE|could not serialize", re.I)

MANIFEST = "{'name': 'Floor', 'depends': ['web'], 'license': 'LGPL-3', 'installable': True}\n"
CONTROLLER = f"""
import hashlib
import hmac

from werkzeug.exceptions import Forbidden

from odoo import http
from odoo.http import request


class Floor(http.Controller):
    @http.route(
        '/bench/floor', type='http', auth='none', methods=['POST'], csrf=False,
        save_session=False, readonly=False,
    )
    def floor(self):
        body = request.httprequest.get_data()
        given = dict(
            part.split('=') for part in request.httprequest.headers['Stripe-Signature'].split(',')
        )
        signed = given['t'].encode() + b'.' + body
        expected = hmac.new({SECRET.encode()!r}, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, given['v1']):
            raise Forbidden()
        request.env.cr.execute("INSERT INTO {FLOOR} (body) VALUES (%s)", [body.decode()])
        return request.make_response('', status=200)
"""
SET_UP = f"""
from odoo.fields import Command

env.cr.execute("CREATE TABLE {FLOOR} (id serial PRIMARY KEY, body text)")
Provider = env['payment.provider']
company = env.company
ours = Provider.search([('code', '=', 'pay_now_stripe'), ('company_id', '=', company.id)], limit=1)
ours.write({{
    'pay_now_api_key': 'sk_test_bench', 'pay_now_webhook_secret': '{SECRET}',
    'pay_now_webhook_ref': 'we_bench', 'pay_now_account': 'acct_bench',
}})
theirs = Provider.search([('code', '=', 'stripe'), ('company_id', '=', company.id)], limit=1)
theirs.write({{
    'stripe_secret_key': 'sk_test_bench', 'stripe_publishable_key': 'pk_test_bench',
    'stripe_webhook_secret': '{SECRET}', 'state': 'test',
}})
partner = env['res.partner'].create({{'name': "Baker", 'email': 'baker@example.com'}})
card = env.ref('payment.payment_method_card')
# What payments are for: Odoo writes into their history.
invoices = env['account.move'].create([
    {{'move_type': 'out_invoice', 'partner_id': partner.id}} for _number in range({INVOICES})
])
env['payment.transaction'].create([
    {{
        'provider_id': theirs.id, 'payment_method_id': card.id, 'reference': f'bench-{{number}}',
        'amount': 12.5, 'currency_id': company.currency_id.id, 'partner_id': partner.id,
        'operation': 'online_redirect', 'state': 'pending',
        'invoice_ids': [Command.set(invoices[number % {INVOICES}].ids)],
    }}
    for number in range(TRANSACTIONS)
])
print('provider', ours.id, company.currency_id.name.lower())
"""
WAIT = """
INSERT INTO pay_now_event (provider_id, company_id, event_ref, type, source, subject, state,
                           attempts, next_attempt_at, create_date, payment_ref, payload)
SELECT provider_id, company_id, 'evt_waiting_' || number, 'charge.updated', 'webhook', 'payment',
       'pending', 0, now() at time zone 'utc', now() at time zone 'utc', 'pi_' || number,
       repeat('x', 500)
  FROM generate_series(1, %s) number,
       (SELECT provider_id, company_id FROM pay_now_event LIMIT 1) one
"""


def main(server):
    """Print figures of each way; fail when an aim is missed."""
    turns = {at_once: WARM_UP + ROUNDS * count for at_once, count in TURN.items()}
    with databases.temporary(server, databases.module(server)) as name:
        with console.step("payment_stripe and the floor"):
            addons = _write_floor()
            options = rivals.paths(server, addons)
            arguments = [*options, "-d", name, "-i", f"payment_stripe,{FLOOR}"]
            arguments += ["--stop-after-init", "--max-cron-threads=0"]
            odoo.run(server, "bench-webhooks-install", *arguments)
            script = SET_UP.replace("TRANSACTIONS", str(sum(turns.values())))
            output = odoo.shell(server, name, script, "bench-webhooks", options=options)
        line = next(line for line in output.splitlines() if line.startswith("provider "))
        _word, provider, currency = line.split()
        bench = _Bench(server, name, options, provider, currency)
        figures = bench.measure()
    return _judge(figures)


def _write_floor():
    """Write the least there is, a module of two files; return the folder it is in."""
    addons = rivals.FOLDER / "own"
    folder = addons / FLOOR
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__manifest__.py").write_text(MANIFEST)
    (folder / "__init__.py").write_text("from . import controllers\n")
    (folder / "controllers.py").write_text(CONTROLLER)
    return addons


class _Bench:
    """A server of two workers, and whoever notifies it."""

    def __init__(self, server, database, options, provider, currency):
        self.server, self.database, self.options = server, database, options
        self.currency = currency
        self.port, self.log = odoo.free_port(), console.log_file("bench-webhooks-server")
        self.paths = {
            "floor": "/bench/floor",
            "ours": f"/pay_now/webhook/{provider}",
            "odoo": "/payment/stripe/webhook",
        }
        self.failures = collections.Counter()
        self.numbers = {way: itertools.count() for way in self.paths}

    def measure(self):
        """Return the seconds of each call, by what was measured, and what the log says."""
        arguments = [*self.options, f"--workers={WORKERS}", "--max-cron-threads=0"]
        arguments += ["--limit-request=1000000", "--limit-time-real=600"]
        entry = rivals.FOLDER / "odoo-bin"
        entry.write_text("import odoo.cli\n\nodoo.cli.main()\n")
        serving = functools.partial(odoo.serving, self.server, self.database, self.port)
        figures = {}
        with serving(arguments=arguments, log=self.log, entry=(entry,)):
            for at_once in TURN:
                with console.step(f"{at_once} at once, in turns"):
                    figures.update(self.in_turns(at_once, tuple(self.paths)))
            text = f"{TRIPLES} notifications, each three times at once"
            with console.step(text), self.counting("ours"):
                figures["triples", 3] = self.triples()
            with console.step(f"{WAITING} that wait"):
                with self.server.cursor(self.database) as cursor:
                    cursor.execute(WAIT, [WAITING])
                    # Not while somebody is timed.
                    cursor.execute("VACUUM ANALYZE pay_now_event")
                for at_once in TURN:
                    found = self.in_turns(at_once, ("floor", "ours"))
                    figures.update({(f"{way}_waiting", n): v for (way, n), v in found.items()})
        text = self.log.read_text(errors="replace")
        return {"calls": figures, "queries": self.queries(text), "failures": self.failures}

    def in_turns(self, at_once, ways):
        """Return the seconds of each call and of each turn, by way."""
        seconds = {way: ([], []) for way in ways}
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for way in ways:
                list(pool.map(self.post, [self.event(way) for _number in range(WARM_UP)]))
            for _round in range(ROUNDS):
                # In turn: whatever else the machine does meets them all.
                for way in ways:
                    events = [self.event(way) for _number in range(TURN[at_once])]
                    started = time.perf_counter()
                    with self.counting(way):
                        took = list(pool.map(self.post, events))
                    seconds[way][1].append(len(took) / (time.perf_counter() - started))
                    seconds[way][0].extend(took)
        return {(way, at_once): found for way, found in seconds.items()}

    def triples(self):
        """Post each notification three times at once; return the seconds of each call."""
        barrier = threading.Barrier(3)

        def post(event):
            barrier.wait(60)
            return self.post(event)

        took, rates = [], []
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for _number in range(TRIPLES):
                event = self.event("ours")
                started = time.perf_counter()
                took.extend(pool.map(post, [event] * 3))
                rates.append(3 / (time.perf_counter() - started))
        return took, rates

    def event(self, way):
        """Return a notification that was never sent before: its path, body and headers."""
        number = next(self.numbers[way])
        intent = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "amount": 1250,
            "amount_received": 1250,
            "currency": self.currency,
            "status": "succeeded",
            "description": f"bench-{number}",
            "payment_method": f"pm_{number}",
            "metadata": {"odoo_reference": f"bench-{number}", "filling": "x" * 450},
        }
        # As long as Stripe's own.
        intent |= {f"field_{field}": "x" * 60 for field in range(30)}
        body = json.dumps(
            {
                "id": f"evt_bench_{number}",
                "object": "event",
                "type": "payment_intent.succeeded",
                "created": int(time.time()),
                "livemode": False,
                "data": {"object": intent},
            }
        ).encode()
        stamp = int(time.time())
        signature = hmac.new(SECRET.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json"}
        headers["Stripe-Signature"] = f"t={stamp},v1={signature}"
        return self.paths[way], body, headers

    def post(self, event):
        """Post a notification; return the seconds until the answer."""
        path, body, headers = event
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise console.DevError(f"{path} answered {answer.status}: see {self.log}")
        return time.perf_counter() - started

    def queries(self, text):
        """Return how many queries a call takes, by way: the usual number."""
        found = {way: [] for way in self.paths}
        ways = {path: way for way, path in self.paths.items()}
        for path, status, number in ANSWERED.findall(text):
            if path in ways and status == "200":
                found[ways[path]].append(int(number))
        return {way: statistics.median(numbers) for way, numbers in found.items()}

    @contextlib.contextmanager
    def counting(self, way):
        """Count the serialization failures that the server logs meanwhile."""
        start = self.log.stat().st_size
        yield
        with self.log.open(errors="replace") as lines:
            lines.seek(start)
            self.failures[way] += len(FAILURE.findall(lines.read()))


def _percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _judge(found):
    """Print and compare, and return the exit code."""
    middle, tail, rate = {}, {}, {}
    for (way, at_once), (seconds, rates) in found["calls"].items():
        key = f"{way}_{at_once}"
        middle[key], tail[key] = statistics.median(seconds), _percentile(seconds, 0.99)
        rate[key] = statistics.median(rates)
        for name, value in (
            ("p50", middle[key]),
            ("p95", _percentile(seconds, 0.95)),
            ("p99", tail[key]),
        ):
            console.say(f"figure: {key}_{name} = {value * 1000:.1f} ms")
        console.say(f"figure: {key}_rate = {rate[key]:.1f} a second")
    for way, number in found["queries"].items():
        console.say(f"figure: {way}_queries_a_call = {number:.0f} queries")
    verdict = []
    for at_once in TURN:
        floor = middle[f"ours_{at_once}"] / middle[f"floor_{at_once}"]
        verdict.append((f"times_the_floor_{at_once}", floor, floor <= AIMS["floor"]))
        faster = rate[f"ours_{at_once}"] / rate[f"odoo_{at_once}"]
        verdict.append((f"times_payment_stripe_{at_once}", faster, faster >= AIMS["faster"]))
        waiting = middle[f"ours_waiting_{at_once}"] / middle[f"floor_waiting_{at_once}"]
        change = waiting / floor
        verdict.append((f"change_by_waiting_{at_once}", change, change <= AIMS["waiting"]))
    queries = found["queries"]["ours"]
    verdict.append(("queries", queries, queries <= AIMS["queries"]))
    for way, number in found["failures"].items():
        console.say(f"figure: {way}_serialization_failures = {number}")
    failures = found["failures"]["ours"]
    verdict.append(("serialization_failures", failures, failures <= AIMS["failures"]))
    times = tail["triples_3"] / middle["triples_3"]
    verdict.append(("p99_of_duplicates", times, times < AIMS["tail"]))
    for name, value, reached in verdict:
        console.say(f"figure: {name} = {value:.2f} {'ok' if reached else 'MISSED'}")
    return 0 if all(reached for _name, _value, reached in verdict) else 1
