# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications: signed as Stripe signs, delivered in the background, or badly when told to."""

import copy
import json
import logging
import queue
import random
import threading
import time

import requests
import stripe

from . import stripe_objects

_logger = logging.getLogger(__name__)
#: Seconds before each further try of one delivery.
RETRIES = (0.5, 2, 5)


class Webhooks:
    """Creates events and delivers them to the endpoints that asked for them."""

    def __init__(self, world):
        self.world = world
        self._queue = queue.Queue()
        for _worker in range(4):
            threading.Thread(target=self._work, daemon=True).start()

    def emit(self, account, kind, obj, previous=None):
        """Create an event about an object as it is now, and deliver it.

        :param Account account: whose event it is.
        :param str kind: Stripe's event type.
        :param dict obj: the object.
        """
        event = stripe_objects.event(kind, copy.deepcopy(obj), previous=previous)
        event['pending_webhooks'] = len(self._endpoints(account, kind))
        account.add(event)
        self.deliver(account, [event], self.world.webhooks['copies'])
        return event

    def _endpoints(self, account, kind):
        return [
            endpoint
            for endpoint in account.all('webhook_endpoint')
            if endpoint['status'] == 'enabled'
            and ('*' in endpoint['enabled_events'] or kind in endpoint['enabled_events'])
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
        jobs = [
            (endpoint['url'], endpoint['secret'], event)
            for event in events
            for endpoint in self._endpoints(account, event['type'])
            for _copy in range(copies)
        ]
        if settings['shuffle'] if shuffle is None else shuffle:
            random.shuffle(jobs)
        if settings['mode'] == 'held':
            self.world.outbox += [self._request(*job) for job in jobs]
            return
        for job in jobs:
            self._queue.put((time.monotonic() + settings['delay'], 0, job))

    @staticmethod
    def _request(url, secret, event):
        """Return the request of one delivery: address, headers and body."""
        body = json.dumps(event, indent=2)
        signature = stripe.WebhookSignature.generate_signature_header(
            body, secret, timestamp=int(time.time())
        )
        headers = {
            'Content-Type': 'application/json; charset=utf-8',
            'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
            'Stripe-Signature': signature,
        }
        return {'url': url, 'headers': headers, 'body': body}

    def _work(self):
        session = requests.Session()
        session.trust_env = False
        while True:
            due, tries, job = self._queue.get()
            time.sleep(max(due - time.monotonic(), 0))
            if self._post(session, self._request(*job)) or tries >= len(RETRIES):
                continue
            self._queue.put((time.monotonic() + RETRIES[tries], tries + 1, job))

    @staticmethod
    def _post(session, request):
        try:
            answer = session.post(
                request['url'],
                data=request['body'].encode(),
                headers=request['headers'],
                timeout=10,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            _logger.info("Delivery failed: %s", error)
            return False
        return 200 <= answer.status_code < 300

    def idle(self):
        """Tell whether nothing is waiting to be delivered."""
        return self._queue.empty()
