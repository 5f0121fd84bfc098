# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Notifications, delivered in the background as a provider would, or badly when told to."""

import heapq
import itertools
import random
import threading
import time

import requests

#: Seconds before each further try of one delivery.
RETRIES = (0.5, 1, 3)
#: Threads that deliver, and the longest time in seconds one waits for the answer.
WORKERS, PATIENCE = 8, 10
#: Seconds within which shuffled deliveries are spread.
SPREAD = 0.3


class Deliveries:
    """Delivers events to the endpoints that asked for them.

    A job is one event for one endpoint: a dict with `url`, `event` and what its provider needs.
    """

    def __init__(self, store):
        self.store = store
        self._changed = threading.Condition()
        #: (when, number, how many tries before, job); a heap
        self._waiting = []
        self._numbers = itertools.count()
        self._busy = 0
        for _worker in range(WORKERS):
            threading.Thread(target=self._work, daemon=True).start()

    # === WHAT THE PROVIDER SAYS === #

    def jobs(self, account, event):
        """Return the jobs of an event, one for each endpoint that wants it."""
        raise NotImplementedError

    def request(self, job):
        """Return the request of one delivery: address, headers and body."""
        raise NotImplementedError

    def delivered(self, job):
        """Hear that an endpoint took an event."""

    # === HANDING OVER === #

    def deliver(self, account, events, copies=1, shuffle=None):
        """Send events to the account's endpoints as the settings say.

        :param list events: event objects.
        :param int copies: how often each one is sent, at once.
        :param bool shuffle: in random order.
        """
        self.send([job for one in events for job in self.jobs(account, one)], copies, shuffle)

    def send(self, jobs, copies=1, shuffle=None):
        """Do so many jobs as the settings say."""
        settings = self.store.webhooks
        if settings['mode'] == 'off':
            return
        if shuffle is None:
            shuffle = settings['shuffle']
        for job in jobs:
            if settings['drop'] > 0:
                settings['drop'] -= 1
                continue
            for _copy in range(copies):
                wait = settings['delay'] + (random.uniform(0, SPREAD) if shuffle else 0)
                self._hand_over(dict(job), wait)
        if shuffle:
            random.shuffle(self.store.outbox)

    def send_once(self, jobs):
        """Send what is not genuine: tried once, whatever the answer."""
        for job in jobs:
            self._hand_over(job, 0, len(RETRIES))

    def _hand_over(self, job, wait, tries=0):
        if self.store.webhooks['mode'] == 'held':
            self.store.outbox.append((job, self.request(job)))
            return
        with self._changed:
            due = time.monotonic() + wait
            heapq.heappush(self._waiting, (due, next(self._numbers), tries, job))
            self._changed.notify()

    # === IN THE BACKGROUND === #

    def _work(self):
        session = requests.Session()
        session.trust_env = False
        while True:
            tries, job = self._next()
            status = self._post(session, self.request(job))
            self.store.deliveries.append(
                {'event': job['event'].get('id'), 'url': job['url'], 'status': status}
            )
            if 200 <= status < 300:
                self.delivered(job)
            elif tries < len(RETRIES):
                self._hand_over(job, RETRIES[tries], tries + 1)
            with self._changed:
                self._busy -= 1

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

    def sign_again(self):
        """Sign what is held back anew: a signature is good for some minutes only."""
        self.store.outbox = [(job, self.request(job)) for job, _request in self.store.outbox]

    def forget(self):
        """Deliver nothing of what is waiting."""
        with self._changed:
            self._waiting.clear()
