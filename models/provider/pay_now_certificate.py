# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, ormcache

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import GATEWAYS
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowCertificate(models.Model):
    """The certificates that notifications of PayPal are proven with, kept for all workers.

    A notification names its certificate's address, and anybody can post one. So what is not known
    is fetched in the background, while PayPal is asked to send the notification again. Of addresses
    that strangers make up, a few a minute are tried, counted here for all workers; one that an
    event vouches for which PayPal listed to us, and whose id nobody else knows, waits behind none
    of them. What was fetched once stays until it lapses.
    """

    _name = 'pay.now.certificate'
    _description = "Certificate of a provider"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _rec_name = 'url'
    _order = 'vouched desc, id'

    url = fields.Char(string="Address", required=True, readonly=True)
    test_mode = fields.Boolean(string="Of the provider's sandbox", readonly=True)
    api_base = fields.Char(string="Sandbox address", readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[('wanted', "To fetch"), ('known', "Known"), ('refused', "None")],
        required=True,
        readonly=True,
    )
    vouched = fields.Boolean(string="Named by an event that the provider listed", readonly=True)
    content = fields.Text(string="Certificate", readonly=True)
    attempts = fields.Integer(readonly=True)
    asked_at = fields.Datetime(string="Asked for", required=True, readonly=True)
    next_attempt_at = fields.Datetime(string="Next attempt", readonly=True)

    _url_once = models.UniqueIndex('(url)', "This certificate is known already.")
    _waiting = models.Index("(asked_at) WHERE state != 'known'")

    # === BUSINESS METHODS - ASKING === #

    @api.model
    def _kept(self, url):
        """Return what was fetched from an address before.

        :param str url: of the certificate.
        :return: None for nothing.
        :rtype: bytes | None
        """
        try:
            return self._known_content(url)
        except LookupError:
            return None

    @api.model
    @ormcache('url')
    def _known_content(self, url):
        """Return a certificate that is known. What is not is asked for each time.

        :param str url: of the certificate.
        :rtype: bytes
        :raise LookupError: it is not known.
        """
        query = SQL(
            "SELECT content FROM pay_now_certificate WHERE url = %s AND state = 'known'", url
        )
        rows = self.env.execute_query(query)
        if not rows:
            raise LookupError(url)
        return rows[0][0].encode()

    @api.model
    def _ask(self, needed, vouched=False):
        """Have a certificate fetched, unless too many are asked for that nobody vouches for.

        :param CertificateNeeded needed: what a notification named.
        :param bool vouched: whether the notification is one that the provider listed to us.
        """
        now = fields.Datetime.now()
        query = SQL(
            """
            INSERT INTO pay_now_certificate
                   (url, test_mode, api_base, state, vouched, attempts, asked_at, next_attempt_at)
            SELECT %(url)s, %(test_mode)s, %(api_base)s, 'wanted', %(vouched)s, 0, %(now)s, %(now)s
             WHERE %(vouched)s
                OR %(most)s > (
                   SELECT count(*) FROM pay_now_certificate
                    WHERE state != 'known' AND asked_at > %(since)s AND vouched IS NOT TRUE
                )
            ON CONFLICT (url) DO UPDATE
               SET vouched = true, state = 'wanted', next_attempt_at = excluded.next_attempt_at
             WHERE excluded.vouched
               AND pay_now_certificate.vouched IS NOT TRUE
               AND pay_now_certificate.state != 'known'
            RETURNING id
            """,
            url=needed.url,
            test_mode=needed.test_mode,
            api_base=needed.api_base or None,
            vouched=vouched,
            now=now,
            most=const.CERTIFICATES_ASKED,
            since=now - timedelta(seconds=const.CERTIFICATES_PERIOD),
        )
        if self.env.execute_query(query):
            self._wake_worker()

    @api.model
    def _wake_worker(self, at=None):
        """Have certificates fetched.

        :param datetime at: when; by default now.
        """
        cron = self.env.ref('account_pay_now.ir_cron_certificates', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(at=at)

    # === BUSINESS METHODS - FETCHING === #

    def _fetch(self):
        """Fetch a certificate; keep it once it is one."""
        self.ensure_one()
        gateway = GATEWAYS[const.PAYPAL]
        try:
            content = gateway.fetch_certificate(self.url, self.test_mode, self.api_base or None)
        except GatewayUnavailable as error:
            attempts = self.attempts + 1
            if attempts < const.CERTIFICATES_ATTEMPTS:
                self.attempts = attempts
                self.next_attempt_at = fields.Datetime.now() + timedelta(minutes=2**attempts - 1)
            else:
                # Asked for again, it is a new one.
                self.unlink()
            _logger.info("A certificate could not be fetched: %s", error.message)
        except GatewayError as error:
            self.state = 'refused'
            _logger.warning("No certificate at an address that was named: %s", error.message)
        else:
            self.write({'state': 'known', 'content': content.decode()})

    @api.model
    def _cron_fetch(self):
        """Fetch what is wanted, one after the other, those that are vouched for first."""
        self._forget_refused()
        until = time.monotonic() + const.CERTIFICATES_SECONDS
        cron = self.env['ir.cron']
        domain = Domain('state', '=', 'wanted')
        while time.monotonic() < until:
            due = domain & Domain('next_attempt_at', '<=', fields.Datetime.now())
            one = self.search(due, limit=10).try_lock_for_update(limit=1)
            if not one:
                break
            one._fetch()
            cron._commit_progress(1, remaining=self.search_count(due))
        if waiting := self.search(domain, order='next_attempt_at', limit=1):
            self._wake_worker(at=max(waiting.next_attempt_at, fields.Datetime.now()))

    @api.model
    def _forget_refused(self):
        """Forget addresses that led to no certificate: PayPal may have one there one day."""
        limit = fields.Datetime.now() - timedelta(minutes=const.CERTIFICATES_REFUSED_MINUTES)
        self.search([('state', '=', 'refused'), ('asked_at', '<', limit)]).unlink()
