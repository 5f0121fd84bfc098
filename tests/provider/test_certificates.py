# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import CertificateNeeded, GatewayUnavailable
from odoo.addons.account_pay_now.gateways.paypal import certificates
from odoo.addons.account_pay_now.gateways.paypal.gateway import PayPalGateway
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase

LOGGERS = (
    'odoo.addons.account_pay_now.controllers.webhook',
    'odoo.addons.account_pay_now.models.provider.pay_now_certificate',
    'odoo.http',
)
CERT_URL = 'PAYPAL-CERT-URL'


@tagged('post_install', '-at_install')
class TestCertificates(SandboxCase):
    """Strangers name certificates; genuine notifications are proven all the same."""

    @classmethod
    def prepare_sandbox(cls):
        cls.tx = cls.checkout(cls.lines(cls.make_invoice(300)), provider=cls.paypal)
        cls.sandbox.paypal.approve(order=cls.tx.provider_reference)

    def setUp(self):
        super().setUp()
        self.Certificate = self.env['pay.now.certificate'].sudo()
        self.restart()
        self.genuine = {out['body']: out for out in self.sandbox.paypal.outbox()}.popitem()[1]

    def restart(self):
        """What a process knows by heart is gone, in this worker as in another one."""
        certificates._checked.cache_clear()
        self.env.registry.clear_all_caches()

    def post(self, out, **headers):
        answer = self.url_open(
            self.path(out), data=out['body'].encode(), headers={**out['headers'], **headers}
        )
        self.last = answer
        return answer.status_code

    def path(self, out):
        return f'/pay_now/webhook/{self.paypal.id}'

    def strangers(self, count, start=0):
        """Post notifications that name certificates nobody ever made; return the answers."""
        base = self.genuine['headers'][CERT_URL].rpartition('/')[0]
        forged = {**self.genuine, 'body': '{"id": "WH-FORGED"}'}
        return {
            self.post(forged, **{CERT_URL: f'{base}/made-up-{number}'})
            for number in range(start, start + count)
        }

    def asked(self):
        """Return which certificates were asked for at PayPal."""
        calls = self.sandbox.paypal.requests(clear=True)
        return [call['path'] for call in calls if '/certs/' in call['path']]

    def test_fetched_in_the_background_and_kept(self):
        self.asked()
        self.assertEqual(self.post(self.genuine), 503)
        self.assertEqual(self.last.headers['Retry-After'], str(const.CERTIFICATES_RETRY_AFTER))
        self.assertFalse(self.last.content)
        self.assertFalse(self.asked(), "nothing is fetched while somebody waits")
        self.assertFalse(self.env['pay.now.event'].search([('provider_id', '=', self.paypal.id)]))
        self.fetch_certificates()
        self.assertEqual(len(self.asked()), 1)
        self.assertEqual(self.post(self.genuine), 200)
        # After a restart, and in a worker that never saw it.
        self.restart()
        self.assertEqual(self.post(self.genuine), 200)
        self.assertFalse(self.asked())
        self.work()
        self.assertEqual(self.tx.state, 'done')

    @mute_logger(*LOGGERS)
    def test_what_is_kept_is_looked_at_as_before(self):
        self.assertEqual(self.post(self.genuine), 503)
        self.fetch_certificates()
        kept = self.Certificate.search([('state', '=', 'known')])
        kept.content = kept.content.replace('-----BEGIN', '-----END', 1)
        self.env.flush_all()
        self.restart()
        self.assertEqual(self.post(self.genuine), 403)

    @mute_logger(*LOGGERS)
    def test_a_thousand_strangers_then_a_genuine_one(self):
        self.assertEqual(self.strangers(60), {503})
        for number in range(60, 1000):
            # The rest of them as the controller asks, without the way through HTTP.
            self.Certificate._ask(CertificateNeeded(f'https://x/{number}', True, 'http://x'))
        self.assertEqual(self.Certificate.search_count([]), const.CERTIFICATES_ASKED)
        self.assertEqual(self.post(self.genuine), 503, "as many others were asked for just now")
        self.asked()
        # What PayPal listed to us meanwhile vouches for who names it.
        self.sweep()
        self.assertEqual(self.post(self.genuine), 503)
        self.fetch_certificates()
        first, *others = self.asked()
        self.assertEqual(first, urlsplit(self.genuine['headers'][CERT_URL]).path)
        self.assertEqual(len(others), const.CERTIFICATES_ASKED)
        self.assertEqual(self.post(self.genuine), 200)
        # Those that are none are not asked for again, and displace nothing that is known.
        self.strangers(60)
        self.fetch_certificates()
        self.assertFalse(self.asked())
        self.restart()
        self.assertEqual(self.post(self.genuine), 200)

    @mute_logger(*LOGGERS)
    def test_a_minute_later_a_genuine_one_is_asked_for(self):
        self.strangers(const.CERTIFICATES_ASKED)
        self.env.cr.execute(
            "UPDATE pay_now_certificate SET asked_at = asked_at - interval '61 seconds'"
        )
        self.assertEqual(self.post(self.genuine), 503)
        self.fetch_certificates()
        self.assertEqual(self.post(self.genuine), 200)

    @mute_logger(*LOGGERS)
    def test_known_ones_count_for_nobody(self):
        self.assertEqual(self.post(self.genuine), 503)
        self.fetch_certificates()
        self.strangers(const.CERTIFICATES_ASKED)
        self.assertEqual(self.Certificate.search_count([]), const.CERTIFICATES_ASKED + 1)

    @mute_logger(*LOGGERS)
    def test_other_hosts_are_never_asked(self):
        path = self.genuine['headers'][CERT_URL].partition('//')[2].partition('/')[2]
        for host in ('https://evil.example', 'https://api.paypal.com', 'http://127.0.0.1:1'):
            self.assertEqual(self.post(self.genuine, **{CERT_URL: f'{host}/{path}'}), 403)
        self.assertFalse(self.Certificate.search([]))

    @mute_logger(*LOGGERS)
    def test_paypal_does_not_answer_for_a_while(self):
        self.assertEqual(self.post(self.genuine), 503)
        with patch.object(PayPalGateway, 'fetch_certificate', side_effect=GatewayUnavailable("no")):
            for attempt in range(1, const.CERTIFICATES_ATTEMPTS):
                self.fetch_certificates()
                one = self.Certificate.search([])
                self.assertEqual((one.state, one.attempts), ('wanted', attempt))
                self.assertGreater(one.next_attempt_at, fields.Datetime.now())
                one.next_attempt_at = fields.Datetime.now() - timedelta(seconds=1)
            self.fetch_certificates()
        self.assertFalse(self.Certificate.search([]), "asked for again, it is a new one")
        self.assertEqual(self.post(self.genuine), 503)
        self.fetch_certificates()
        self.assertEqual(self.post(self.genuine), 200)

    @mute_logger(*LOGGERS)
    def test_what_was_refused_is_forgotten_one_day(self):
        self.strangers(2)
        self.fetch_certificates()
        self.assertEqual(set(self.Certificate.search([]).mapped('state')), {'refused'})
        minutes = const.CERTIFICATES_REFUSED_MINUTES + 1
        self.Certificate.search([]).asked_at = fields.Datetime.now() - timedelta(minutes=minutes)
        self.fetch_certificates()
        self.assertFalse(self.Certificate.search([]))
