# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's notifications: which endpoints want them, and how they are signed."""

import base64
import binascii
import json
import time
import uuid
import zlib
from datetime import datetime, timezone

from cryptography.exceptions import InvalidSignature

from ..common.deliveries import Deliveries
from ..common.refusals import one_of
from . import objects
from .certificates import SUBJECT, Authority
from .store import DAY, timestamp

ALGORITHM = 'SHA256withRSA'
CERTIFICATES = '/v1/notifications/certs/'
#: Ways a notification can be false.
FORGERIES = (
    'unsigned',  # no signature at all
    'wrong_key',  # another key than the certificate's
    'webhook',  # genuine, for another webhook
    'cert_url',  # signed with a certificate at an address that is not PayPal's
    'untrusted',  # the certificate's issuer is nobody
    'expired',  # the certificate has ended
    'reserialised',  # the same event, but not the same bytes
    'old',  # signed long ago
)


def message(transmission_id, sent_at, webhook_id, body):
    """Return what is signed.

    Source: PayPal, "Integrate webhooks: verify the message yourself".

    :param bytes body: the raw body.
    :rtype: bytes
    """
    return f'{transmission_id}|{sent_at}|{webhook_id}|{zlib.crc32(body)}'.encode()


class Webhooks(Deliveries):
    """Creates events and delivers them to the endpoints that asked for them."""

    def __init__(self, store):
        self.authority = Authority()
        super().__init__(store)

    def emit(self, account, kind, resource):
        """Create an event about a resource as it is now, and deliver it.

        :param PayPalAccount account: whose event it is.
        :param str kind: PayPal's event type.
        """
        event = objects.event(kind, resource, self.store.base)
        partners = (self.store.accounts[one] for one in account.partners)
        for owner in (account, *partners):
            owner.add(event, 'event')
            # PayPal only lists what somebody was to be notified of.
            owner.note('notified')[event['id']] = [one['id'] for one in self.targets(owner, event)]
            self.deliver(owner, [event], self.store.webhooks['copies'])
        return event

    @staticmethod
    def targets(account, event):
        """Return the endpoints that want an event."""
        return [
            webhook
            for webhook in account.all('webhook')
            if {'*', event['event_type']} & {one['name'] for one in webhook['event_types']}
        ]

    def jobs(self, account, event):
        return [self._job(webhook, event) for webhook in self.targets(account, event)]

    @staticmethod
    def _job(webhook, event, **more):
        return {'url': webhook['url'], 'webhook': webhook['id'], 'event': event, **more}

    def request(self, job):
        body = json.dumps(job['event'], separators=(',', ':'))
        headers = {
            'Content-Type': 'application/json',
            'User-Agent': 'PayPal/AUHD-214.0-56940843',
            'Correlation-Id': uuid.uuid4().hex[:13],
        }
        how = job.get('forged')
        if how != 'unsigned':
            headers.update(self._signature(job, body.encode(), how))
        if how == 'reserialised':
            body = json.dumps(job['event'], indent=1, sort_keys=True)
        return {'url': job['url'], 'headers': headers, 'body': body}

    def _signature(self, job, body, how):
        """Return the headers that say who sends this; every further try says the same."""
        sent_at = timestamp(int(time.time()) - (30 * DAY if how == 'old' else 0))
        transmission_id = job.setdefault('transmission', str(uuid.uuid1()))
        sent_at = job.setdefault('sent_at', sent_at)
        signer = job.get('signer') or self.authority.current()
        named = self.authority.current() if how == 'wrong_key' else signer
        webhook_id = 'SOMEBODYELSESHOOK' if how == 'webhook' else job['webhook']
        signed = signer.sign(message(transmission_id, sent_at, webhook_id, body))
        return {
            'PAYPAL-TRANSMISSION-ID': transmission_id,
            'PAYPAL-TRANSMISSION-TIME': sent_at,
            'PAYPAL-TRANSMISSION-SIG': base64.b64encode(signed).decode(),
            'PAYPAL-CERT-URL': job.get('cert_url') or self.certificate_url(named),
            'PAYPAL-AUTH-ALGO': ALGORITHM,
            'PAYPAL-AUTH-VERSION': 'v2',
        }

    def certificate_url(self, certificate):
        """Return where a certificate can be fetched."""
        return f'{self.store.base}{CERTIFICATES}{certificate.id}'

    def forge(self, account, event, how, cert_url=''):
        """Send something that is not genuine to every endpoint of the account.

        :param str how: one of `FORGERIES`.
        :param str cert_url: where the certificate pretends to be.
        :return: how many endpoints it was sent to.
        """
        one_of('how', how, FORGERIES)
        more = {'forged': how}
        if how in ('wrong_key', 'untrusted', 'cert_url'):
            more['signer'] = self.authority.add(SUBJECT)
        if how == 'expired':
            more['signer'] = self.authority.add(SUBJECT, self.authority.issuer(), expired=True)
        if how == 'cert_url':
            # Whoever fetches it finds a certificate that fits the signature.
            more['cert_url'] = cert_url or f'{self.store.base}/elsewhere/{more["signer"].id}'
        jobs = [self._job(webhook, event, **more) for webhook in account.all('webhook')]
        self.send_once(jobs)
        return len(jobs)

    def verify(self, account, headers, body):
        """Tell whether a notification is genuine.

        :param dict headers: as of `verify-webhook-signature`.
        :param bytes body: the event's raw text.
        """
        prefix, _path, certificate_id = headers['cert_url'].rpartition(CERTIFICATES)
        certificate = self.authority.find(certificate_id)
        genuine = certificate and certificate.issuer is self.authority.issuer()
        genuine = genuine and certificate.own.not_valid_after_utc > datetime.now(timezone.utc)
        if not genuine or prefix != self.store.base or headers['auth_algo'] != ALGORITHM:
            return False
        if not account.get('webhook', headers['webhook_id']):
            return False
        names = ('transmission_id', 'transmission_time', 'webhook_id')
        signed = message(*(headers[name] for name in names), body)
        try:
            signature = base64.b64decode(headers['transmission_sig'], validate=True)
            certificate.verify(signed, signature)
        except (binascii.Error, InvalidSignature):
            return False
        return True
