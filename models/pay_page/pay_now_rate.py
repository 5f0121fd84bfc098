# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.fields import Domain
from odoo.tools import SQL, mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.utils import TooOften


class PayNowRate(models.Model):
    """How often something was done for a document in an hour: who holds its address is a stranger.

    One row for a document, a purpose and an hour. It is the lock of the document's page, too: of
    two requests at the same moment the second waits for the first, and begins again (`_hold`).
    """

    _name = 'pay.now.rate'
    _inherit = ['pay.now.authority.mixin']
    _description = "Limit of a public page"
    _log_access = False

    subject = fields.Char(string="Document", required=True, copy=False)
    purpose = fields.Selection(selection=const.RATE_PURPOSES, required=True, copy=False)
    hour = fields.Datetime(required=True, index=True, copy=False)
    used = fields.Integer(string="Times", copy=False)

    _subject_uniq = models.Constraint(
        'UNIQUE (subject, purpose, hour)', "There is one row for an hour."
    )

    @api.model
    def _hold(self, document, purpose):
        """Return the count of this hour, held until the end of the database transaction.

        Where it is used up nothing is held: those who come too often do not wait for each other.

        :param document: a record.
        :param str purpose: of `const.RATE_PURPOSES`.
        :rtype: pay.now.rate
        :raise ConcurrencyError: another request held it, and is done, or takes too long.
        """
        values = {
            'subject': f'{document._name},{document.id}',
            'purpose': purpose,
            'hour': fields.Datetime.now().replace(minute=0, second=0, microsecond=0),
        }
        rates = self.sudo()
        found = rates.search(Domain.AND(Domain(name, '=', one) for name, one in values.items()))
        if found and found._is_used_up(document):
            return found
        try:
            with self.env.cr.savepoint(flush=False), mute_logger('odoo.sql_db'):
                self.env.cr.execute(SQL("SET LOCAL lock_timeout = %s", f'{const.PAYER_WAITS}s'))
                # Written, not only locked: whoever began before this ends cannot go on.
                [[rate_id]] = self.env.execute_query(
                    SQL(
                        """
                        INSERT INTO pay_now_rate (subject, purpose, hour, used)
                        VALUES (%(subject)s, %(purpose)s, %(hour)s, 0)
                        ON CONFLICT (subject, purpose, hour)
                        DO UPDATE SET used = pay_now_rate.used
                        RETURNING id
                        """,
                        **values,
                    )
                )
        except psycopg2.errors.LockNotAvailable as error:
            raise ConcurrencyError("another request of the page takes long") from error
        return rates.browse(rate_id)

    def _spend(self, document):
        """Count once more; to be asked for right before it is done.

        :param document: whose count it is.
        :return: None
        :raise TooOften: not in this hour any more.
        """
        self.ensure_one()
        if self._is_used_up(document):
            until = self.hour + timedelta(hours=1)
            raise TooOften(
                self.env._("This was done too often within an hour. Nothing was debited."), until
            )
        self.used += 1

    def _is_used_up(self, document):
        """Tell whether it was done as often as it may be. Who pays does no harm: it is not counted.

        :param document: whose count it is.
        :rtype: bool
        """
        most = self._most(self.purpose)
        if not most or self.used < most:
            return False
        return self.purpose != 'checkout' or self.used - self._paid(document) >= most

    def _paid(self, document):
        """Return how many of the checkouts that were begun in the hour were paid.

        :param document: a page, or an invoice that is paid on Odoo's own.
        :rtype: int
        """
        begun = Domain('pay_now_page_url', '=', document._pay_now_path())
        if document._name == 'account.move':
            on_odoos_page = Domain('pay_now_page_url', '=', False)
            begun |= on_odoos_page & Domain('invoice_ids', 'in', document.ids)
        return (
            self.env['payment.transaction']
            .sudo()
            .search_count(
                begun
                & Domain('create_date', '>=', self.hour)
                & Domain('state', 'in', ('pending', 'authorized', 'done'))
            )
        )

    @api.model
    def _most(self, purpose):
        """Return how often something may be done for a document in an hour, zero for no limit.

        :rtype: int
        """
        default = const.RATES[purpose]
        value = self.env['ir.config_parameter'].sudo().get_param(f'account_pay_now.{purpose}_rate')
        value = (value or '').strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else default

    @api.autovacuum
    def _gc_rates(self):
        """Forget the hours that are over."""
        self.search([('hour', '<', fields.Datetime.now() - timedelta(hours=2))]).unlink()
