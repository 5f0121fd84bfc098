# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's notifications: which endpoints want them, and how they are signed."""

import copy
import hashlib
import hmac
import json
import time

from ..common.deliveries import Deliveries
from . import objects


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


class Webhooks(Deliveries):
    """Creates events and delivers them to the endpoints that asked for them."""

    def emit(self, account, kind, obj, previous=None):
        """Create an event about an object as it is now, and deliver it.

        :param Account account: whose event it is.
        :param str kind: Stripe's event type.
        :param dict obj: the object.
        """
        cause = copy.copy(self.store.cause)
        event = objects.event(kind, copy.deepcopy(obj), previous, cause)
        if account.platform:
            event['account'] = account.id
        event['pending_webhooks'] = len(self.jobs(account, event))
        account.add(event)
        self.deliver(account, [event], self.store.webhooks['copies'])
        return event

    def jobs(self, account, event):
        platform = self.store.accounts.get(account.platform)
        return [
            {
                'url': endpoint['url'],
                'secrets': list(owner.note('secrets')[endpoint['id']]),
                'event': {**event, 'api_version': endpoint['api_version'] or event['api_version']},
                'kept': event,
            }
            for owner in filter(None, (account, platform))
            for endpoint in owner.all('webhook_endpoint')
            if endpoint['status'] == 'enabled'
            and {'*', event['type']} & set(endpoint['enabled_events'])
            # A platform's endpoint is for its own events or for those of connected accounts.
            and owner.note('connect')[endpoint['id']] == (owner is not account)
        ]

    def request(self, job):
        body = json.dumps(job['event'], indent=2)
        headers = {
            'Content-Type': 'application/json; charset=utf-8',
            'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        }
        if job['secrets']:
            now = int(time.time()) - job.get('age', 0)
            headers['Stripe-Signature'] = sign(body, job['secrets'], now)
        return {'url': job['url'], 'headers': headers, 'body': body}

    def delivered(self, job):
        """One endpoint less waits for the event."""
        kept = job.get('kept')
        with self.store.lock:
            if kept and (kept['id'], job['url']) not in self.store.arrived:
                self.store.arrived.add((kept['id'], job['url']))
                kept['pending_webhooks'] = max(kept['pending_webhooks'] - 1, 0)

    def forge(self, account, event, secrets, age=0):
        """Send something that is not genuine to every endpoint of the account.

        :param list secrets: what it is signed with; empty for unsigned.
        :param int age: how old the signature says it is, in seconds.
        """
        jobs = [
            {'url': endpoint['url'], 'secrets': secrets, 'event': event, 'age': age}
            for endpoint in account.all('webhook_endpoint')
        ]
        self.send_once(jobs)
        return len(jobs)
