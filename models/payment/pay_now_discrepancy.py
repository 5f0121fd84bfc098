# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re

from odoo import api, fields, models
from odoo.fields import Domain


def _unspaced(text):
    """Return a sentence without its spaces and apostrophes, which translations write in two ways.

    :param str text: the sentence.
    :rtype: str
    """
    return re.sub(r"[\s'’]", '', text or '')


class PayNowDiscrepancy(models.Model):
    """Something about money that a person has to look at.

    What happened, in one sentence: a code and values are stored, and read in any language.
    """

    _name = 'pay.now.discrepancy'
    _description = "Online payment discrepancy"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin', 'mail.thread']
    _order = 'id desc'
    _pay_now_written_by = dict.fromkeys(('note',), True)

    name = fields.Char(
        string="What happened",
        required=True,
        readonly=True,
        help="As it was noted, in the company's language: to search, and to tell it from another.",
    )
    kind = fields.Selection(
        selection=[
            ('surplus', "Paid more than open"),
            ('waiting', "Paid while in draft"),
            ('discount', "Discount not due in the end"),
            ('amount', "Amount differs"),
            ('currency', "Currency differs"),
            ('superseded', "Paid twice"),
            ('booking', "Could not be booked"),
            ('held', "Held by the provider"),
            ('settlement', "Converted by the provider"),
            ('identity', "Of another payment"),
        ],
        required=True,
        readonly=True,
    )
    transaction_id = fields.Many2one(
        comodel_name='payment.transaction',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='transaction_id.company_id', store=True, index=True)
    partner_id = fields.Many2one(related='transaction_id.partner_id')
    amount = fields.Monetary(readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[('open', "To handle"), ('done', "Handled"), ('dismissed', "Dismissed")],
        default='open',
        required=True,
        readonly=True,
        tracking=True,
    )
    note = fields.Char(string="What was done", tracking=True)

    _kind_once = models.UniqueIndex(
        "(transaction_id, kind) WHERE state = 'open'", "This is already in the list."
    )

    code = fields.Char(string="Code of the sentence", readonly=True, copy=False)
    details = fields.Json(string="Values of the sentence", readonly=True, copy=False)
    review_problem = fields.Json(
        string="Why it could not be looked at again", readonly=True, copy=False
    )
    message = fields.Char(compute='_compute_message', help="What happened, in your language.")

    # === COMPUTE METHODS === #

    @api.depends('name', 'code', 'details', 'amount', 'transaction_id', 'state', 'review_problem')
    @api.depends_context('lang')
    def _compute_message(self):
        known = self._message_templates()
        for one in self:
            # Noted before there were codes, or by a version that has others.
            one.message = one.name
            if one.code in known:
                one.message = self._write_message(
                    one.transaction_id.sudo(), one.code, one.details or {}
                )
            if one.review_problem and one.state == 'open':
                one.message += ' ' + self.env._(
                    "Whether this is still so could not be seen: %s",
                    one.transaction_id.sudo().provider_id._pay_now_books_problem_label(
                        one.review_problem
                    ),
                )

    @api.depends('message')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for one in self:
            one.display_name = one.message

    # === ACTION METHODS === #

    def action_done(self):
        """Mark the discrepancies as handled."""
        self.check_access('write')
        self.sudo().write({'state': 'done'})

    def action_reopen(self):
        """Put the discrepancies back on the list."""
        self.check_access('write')
        self.sudo().write({'state': 'open'})

    # === BUSINESS METHODS - REPORTING === #

    @api.model
    def _close_of(self, transactions, kind):
        """Close what is open about transactions because it came right by itself.

        :param payment.transaction transactions: the payments.
        :param str kind: one of the kinds.
        """
        self.sudo().search(
            Domain('transaction_id', 'in', transactions.ids)
            & Domain('kind', '=', kind)
            & Domain('state', '=', 'open')
        ).action_done()

    @api.model
    def _report(self, transaction, kind, code, details=None, amount=0.0):
        """Open a discrepancy, or leave the one already open for the same thing.

        :param payment.transaction transaction: the payment it is about.
        :param str kind: one of the kinds.
        :param str code: what happened, of `_message_templates`.
        :param dict details: values of the message, see `_write_message`.
        :param float amount: the amount in question, in the transaction's currency.
        :return: the discrepancy, open or dismissed.
        :rtype: pay.now.discrepancy
        """
        details = details or {}
        known = self.sudo().search(
            Domain('transaction_id', '=', transaction.id)
            & Domain('kind', '=', kind)
            & Domain('state', 'in', ('open', 'dismissed'))
        )
        found = known.filtered(lambda one: one.state == 'open')
        if known and not found:
            # What somebody dismissed does not come back, unless it changes.
            names = self._write_names(transaction, code, details)
            found = known.filtered(lambda one: _unspaced(one.name) in names)
        return found[:1] or self.sudo().create(
            self._prepare(transaction, kind, code, amount, details)
        )

    @api.model
    def _prepare(self, transaction, kind, code, amount, details):
        """Return the values of a discrepancy; parameters as of `_report`.

        :rtype: dict
        """
        company_self = self.with_context(lang=transaction.company_id._pay_now_lang())
        return {
            'name': company_self._write_message(transaction, code, details),
            'code': code,
            'details': details,
            'kind': kind,
            'transaction_id': transaction.id,
            'amount': amount,
            'currency_id': transaction.currency_id.id,
        }

    # === BUSINESS METHODS - MESSAGE === #

    @api.model
    def _write_message(self, transaction, code, details):
        """Return what happened, in the language of the environment.

        :param payment.transaction transaction: the payment it is about.
        :param str code: of `_message_templates`.
        :param dict details: values of the template; numbers are amounts in its currency.
        :rtype: str
        """
        write = transaction.currency_id.with_env(self.env).format
        values = {
            'provider': transaction.provider_id._pay_now_short_name(),
            'customer': transaction._pay_now_payer().name,
            'reference': transaction.reference,
            'asked': write(transaction.amount),
        }
        if code == 'refund_failed':
            values['reason'] = transaction.with_env(self.env).sudo()._pay_now_refund_label()
        if 'problem' in details:
            # Why the books refuse it.
            provider = transaction.provider_id.with_env(self.env).sudo()
            values['error'] = provider._pay_now_books_problem_label(details['problem'])
        for name, value in details.items():
            values[name] = write(value) if isinstance(value, int | float) else value
        return self._message_templates()[code] % values

    @api.model
    def _write_names(self, transaction, code, details):
        """Return what happened in each language that it may have been noted in.

        Earlier versions noted it in the language of whoever was at work.

        :return: sentences without spaces; parameters as of `_write_message`.
        :rtype: set
        """
        return {
            _unspaced(self.with_context(lang=lang)._write_message(transaction, code, details))
            for lang, _name in self.env['res.lang'].get_installed()
        }

    @api.model
    def _message_templates(self):
        """Return the sentences, of payments as they are processed and of the comparison.

        :return: `{code: template}`
        :rtype: dict
        """
        return {
            **self._payment_templates(),
            **self._credit_templates(),
            **self._booking_templates(),
            **self._comparison_templates(),
        }

    @api.model
    def _payment_templates(self):
        return {
            'held': self.env._(
                "%(provider)s holds this payment until you accept it there (%(reason)s)."
            ),
            'currency': self.env._(
                "%(amount)s %(paid)s were paid where %(asked)s were asked for: not booked."
            ),
            'amount': self.env._("%(received)s were paid where %(asked)s were asked for."),
            'approved': self.env._(
                "%(amount)s %(currency)s were approved where %(asked)s were asked for: not taken."
            ),
            'identity': self.env._(
                "What %(provider)s has for %(reference)s is the payment of %(theirs)s: nothing of"
                " it was taken over. Look at it there."
            ),
            'shared_id': self.env._(
                "%(reference)s has the same id at %(provider)s as %(theirs)s: look whether the"
                " payment is booked twice."
            ),
            'converted': self.env._(
                "%(provider)s converted this payment into %(currency)s: book its commission and"
                " the difference by hand."
            ),
        }

    @api.model
    def _credit_templates(self):
        return {
            'surplus': self.env._(
                "%(amount)s more was paid than was open: it is %(customer)s's credit. Refund"
                " it, or keep it for the next invoice."
            ),
            'other_customer': self.env._(
                "%(amount)s were paid for %(invoices)s, which is another customer's by now: it is"
                " %(customer)s's credit. Refund it, or keep it for the next invoice."
            ),
            'canceled': self.env._(
                "%(amount)s were paid for %(invoices)s, which is cancelled by now: it is"
                " %(customer)s's credit. Refund it, or keep it for the next invoice."
            ),
            'discount': self.env._(
                "An early payment discount of %(amount)s was granted for %(invoices)s, which was"
                " changed since: it is open as %(customer)s's credit, and was never paid. Take it"
                " back."
            ),
            'waiting': self.env._(
                "%(amount)s were paid for %(invoices)s, which is in draft: it is matched once you"
                " post it again. If you do not, refund it, or keep it for the next invoice."
            ),
        }

    @api.model
    def _booking_templates(self):
        return {
            'received': self.env._(
                "%(customer)s paid %(amount)s, which is received and not booked yet: %(error)s"
            ),
            'unfinished': self.env._("What follows from the payment could not be done: %(error)s"),
            'booking': self.env._("Could not be booked: %(error)s"),
            'commission_booking': self.env._("The commission could not be booked: %(error)s"),
            'refund_booking': self.env._("The refund could not be booked: %(error)s"),
            'credit_note': self.env._(
                "No credit note of %(amount)s could be proposed for %(invoice)s, which was"
                " refunded: %(error)s Make it by hand; it is then matched with the refund by"
                " itself."
            ),
            'refund_failed': self.env._(
                "The refund of %(amount)s to %(customer)s failed: %(reason)s"
            ),
        }

    @api.model
    def _comparison_templates(self):
        return {
            'missing_in_books': self.env._(
                "%(provider)s received %(amount)s for %(reference)s, which is not in the books."
            ),
            'unknown_at_provider': self.env._(
                "%(amount)s are booked for %(reference)s, but %(provider)s does not know this"
                " payment."
            ),
            'unpaid_at_provider': self.env._(
                "%(amount)s are booked for %(reference)s, but %(provider)s says that it is not"
                " paid."
            ),
            'booked_amount': self.env._("%(reference)s: %(there)s were paid, %(here)s are booked."),
            'commission': self.env._(
                "%(reference)s: a commission of %(there)s was taken, %(here)s are booked."
            ),
            'paid_once_more': self.env._(
                "%(reference)s was paid once more: %(amount)s (%(payments)s) are not in the"
                " books. Book them, then refund them."
            ),
            'items_paid_twice': self.env._(
                "The same items were paid twice (%(payments)s): %(amount)s are the"
                " customer's credit. Refund it, or keep it for the next invoice."
            ),
            'booked_twice': self.env._(
                "One payment is booked by several entries (%(entries)s): %(amount)s too much."
            ),
        }
