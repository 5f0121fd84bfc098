# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications: signed as Stripe signs, delivered in the background, or badly when told to."""

import copy
import hashlib
import heapq
import hmac
import itertools
import json
import random
import threading
import time

import requests

from . import stripe_objects

#: Seconds before each further try of one delivery.
RETRIES = (0.5, 1, 3)
#: Threads that deliver, and the longest time in seconds one waits for the answer.
WORKERS, PATIENCE = 8, 10
#: Seconds within which shuffled deliveries are spread.
SPREAD = 0.3


def sign(body, secrets, timestamp):
    """Return the header `Stripe-Signature` of a body: one signature for each secret.

    Source: Stripe, "Webhooks: verify signatures manually".

    :param str body: what is sent.
    :param int timestamp: when it is sent, in seconds.
    """
    payload = f'{timestamp}.{body}'.encode()
    parts = [f't={timestamp}']
    for secret in secrets:
        parts.append('v1=' + hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest())
    return ','.join(parts)


class Webhooks:
    """Creates events and delivers them to the endpoints that asked for them."""

    def __init__(self, world):
        self.world = world
        self._changed = threading.Condition()
        #: (when, number, how many tries before, job); a heap
        self._waiting = []
        self._numbers = itertools.count()
        self._busy = 0
        #: (event, url) of what arrived, so that it is counted once
        self._arrived = set()
        for _worker in range(WORKERS):
            threading.Thread(target=self._work, daemon=True).start()

    def emit(self, account, kind, obj, previous=None):
        """Create an event about an object as it is now, and deliver it.

        :param Account account: whose event it is.
        :param str kind: Stripe's event type.
        :param dict obj: the object.
        """
        cause = copy.copy(self.world.cause)
        event = stripe_objects.event(kind, copy.deepcopy(obj), previous, cause)
        if account.platform:
            event['account'] = account.id
        event['pending_webhooks'] = len(self._targets(account, kind))
        account.add(event)
        self.deliver(account, [event], self.world.webhooks['copies'])
        return event

    def _targets(self, account, kind):
        """Return address, secrets and API version of the endpoints that want a type of event."""
        platform = self.world.accounts.get(account.platform)
        return [
            (endpoint['url'], owner.note('secrets')[endpoint['id']], endpoint['api_version'])
            for owner in filter(None, (account, platform))
            for endpoint in owner.all('webhook_endpoint')
            if endpoint['status'] == 'enabled'
            and ('*' in endpoint['enabled_events'] or kind in endpoint['enabled_events'])
            # A platform's endpoint is for its own events or for those of connected accounts.
            and owner.note('connect')[endpoint['id']] == (owner is not account)
        ]

    def deliver(self, account, events, copies=1, shuffle=None):
        """Send events to the account's endpoints as the settings say.

        :param list events: event objects.
        :param int copies: how often each one is sent, at once.
        :param bool shuffle: in random order.
        """
        settings = self.world.webhooks
        if settings['mode'] == 'off':
            return
        if shuffle is None:
            shuffle = settings['shuffle']
        for event in events:
            for url, secrets, version in self._targets(account, event['type']):
                if settings['drop'] > 0:
                    settings['drop'] -= 1
                    continue
                rendered = {**event, 'api_version': version or event['api_version']}
                job = {'url': url, 'secrets': list(secrets), 'event': rendered, 'kept': event}
                for _copy in range(copies):
                    wait = settings['delay'] + (random.uniform(0, SPREAD) if shuffle else 0)
                    self._hand_over(job, wait)
        if shuffle:
            random.shuffle(self.world.outbox)

    def forge(self, account, event, secrets, age=0):
        """Send something that is not genuine to every endpoint of the account.

        :param list secrets: what it is signed with; empty for unsigned.
        :param int age: how old the signature says it is, in seconds.
        """
        urls = [endpoint['url'] for endpoint in account.all('webhook_endpoint')]
        for url in urls:
            job = {'url': url, 'secrets': secrets, 'event': event, 'age': age}
            self._hand_over(job, 0, len(RETRIES))
        return len(urls)

    def _hand_over(self, job, wait, tries=0):
        if self.world.webhooks['mode'] == 'held':
            self.world.outbox.append(self._request(job))
            return
        with self._changed:
            due = time.monotonic() + wait
            heapq.heappush(self._waiting, (due, next(self._numbers), tries, job))
            self._changed.notify()

    @staticmethod
    def _request(job):
        """Return the request of one delivery: address, headers and body."""
        body = json.dumps(job['event'], indent=2)
        headers = {
            'Content-Type': 'application/json; charset=utf-8',
            'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        }
        if job['secrets']:
            now = int(time.time()) - job.get('age', 0)
            headers['Stripe-Signature'] = sign(body, job['secrets'], now)
        return {'url': job['url'], 'headers': headers, 'body': body}

    # === IN THE BACKGROUND === #

    def _work(self):
        session = requests.Session()
        session.trust_env = False
        while True:
            tries, job = self._next()
            status = self._post(session, self._request(job))
            self.world.deliveries.append(
                {'event': job['event'].get('id'), 'url': job['url'], 'status': status}
            )
            if 200 <= status < 300:
                self._count(job)
            elif tries < len(RETRIES):
                self._hand_over(job, RETRIES[tries], tries + 1)
            with self._changed:
                self._busy -= 1

    def _count(self, job):
        """One endpoint less waits for the event."""
        kept = job.get('kept')
        with self.world.lock:
            if kept and (kept['id'], job['url']) not in self._arrived:
                self._arrived.add((kept['id'], job['url']))
                kept['pending_webhooks'] = max(kept['pending_webhooks'] - 1, 0)

    def _next(self):
        """Wait for the next delivery that is due, and take it."""
        with self._changed:
            while True:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    _due, _number, tries, job = heapq.heappop(self._waiting)
                    self._busy += 1
                    return tries, job
                self._changed.wait(wait)

    @staticmethod
    def _post(session, request):
        """Return the status of the answer, 0 for none."""
        try:
            answer = session.post(
                request['url'],
                data=request['body'].encode(),
                headers=request['headers'],
                timeout=PATIENCE,
                allow_redirects=False,
            )
        except requests.RequestException:
            return 0
        return answer.status_code

    def idle(self):
        """Tell whether everything is delivered, or given up."""
        with self._changed:
            return not self._waiting and not self._busy

    def forget(self):
        """Deliver nothing of what is waiting."""
        with self._changed:
            self._waiting.clear()
            self._arrived.clear()
