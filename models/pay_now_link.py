# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import secrets
from datetime import timedelta
from urllib.parse import urlencode

from odoo import fields, models
from odoo.exceptions import ValidationError
from odoo.tools import consteq

from .. import const


class PayNowLink(models.AbstractModel):
    """A document whose items can be paid on a public page, by an unguessable address.

    The token opens nothing but the pay page of its own document, lapses, and can be revoked.
    """

    _name = 'pay.now.link'
    _description = "Pay Now link"

    pay_now_token = fields.Char(string="Pay page token", copy=False, groups='base.group_system')
    pay_now_token_expiry = fields.Date(string="Pay page link valid until", copy=False)

    #: The part of the address that names the kind of document.
    _pay_now_kind = ''

    # === BUSINESS METHODS === #

    def _pay_now_lines(self):
        """Return the journal items the page is about, open or not.

        To be given by each document.

        :rtype: account.move.line
        """
        return self.env['account.move.line']

    def _pay_now_url(self, **params):
        """Return the address of the document's pay page, making its token where needed.

        The validity starts again each time: it counts from the last message that was sent.

        :param params: query parameters.
        :rtype: str
        """
        self.ensure_one()
        record = self.sudo()
        expiry = fields.Date.today() + timedelta(days=const.LINK_VALIDITY_DAYS)
        vals = {}
        if not record.pay_now_token:
            vals['pay_now_token'] = secrets.token_urlsafe(24)
        if record.pay_now_token_expiry != expiry:
            vals['pay_now_token_expiry'] = expiry
        if vals:
            record.write(vals)
        query = f'?{urlencode(params)}' if params else ''
        return f'{self.get_base_url()}{record._pay_now_path()}{query}'

    def _pay_now_path(self):
        """Return the path of the pay page. The token must exist."""
        self.ensure_one()
        return f'/pay_now/{self._pay_now_kind}/{self.id}/{self.sudo().pay_now_token}'

    def _pay_now_check_token(self, token):
        """Tell whether a token opens this document's page now.

        :param str token: what came in the address.
        :rtype: bool
        """
        record = self.sudo()
        return bool(
            record.pay_now_token
            and consteq(record.pay_now_token, token or '')
            and record.pay_now_token_expiry
            and record.pay_now_token_expiry >= fields.Date.today()
        )

    def _pay_now_trial(self):
        """Return the trial that the document is shown for, if it is.

        :return: a record, which no client can put into the context; nothing usually.
        :rtype: pay.now.trial | None
        """
        trial = self.env.context.get('pay_now_trial')
        return trial if isinstance(trial, models.BaseModel) else None

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_page_refusal(self, move):
        """Return why an invoice of the page cannot be paid there: a code, or False.

        :param account.move move: an invoice of the document.
        :rtype: str | bool
        """
        return move._pay_now_refusal('page')

    def _pay_now_preselected(self, payable):
        """Return the items that are ticked when the page opens: those the mail's button asks for.

        :param account.move.line payable: the items that can be paid, oldest first.
        :rtype: account.move.line
        """
        return payable

    def _pay_now_page_items(self):
        """Sort the items of the page by what can be done with them.

        :return: `(open lines, payable lines, {line: code of the reason})`.
        :rtype: tuple
        """
        self.ensure_one()
        lines = self._pay_now_lines().sorted(
            lambda line: (line.date_maturity or line.date, line.id)
        )
        open_lines = lines.filtered_domain(lines._pay_now_open_items_domain())
        in_progress = open_lines._pay_now_in_progress()
        reasons = {}
        for line in open_lines:
            move = line.move_id
            if line in in_progress:
                reasons[line] = 'in_progress'
            elif code := self._pay_now_page_refusal(move):
                reasons[line] = code
        return open_lines, open_lines.filtered(lambda line: line not in reasons), reasons

    def _pay_now_page_values(self, chosen=None):
        """Return what the pay page shows, from the books of this moment.

        :param set chosen: ids of the ticked items; by default what the mail's button asks for.
        :rtype: dict
        """
        open_lines, payable, reasons = self._pay_now_page_items()
        today = fields.Date.context_today(self)
        if chosen is None:
            ticked = self._pay_now_preselected(payable)
        else:
            ticked = payable.filtered(lambda line: line.id in chosen)
        company = self.company_id
        return {
            'document': self,
            'partner': self.partner_id,
            'currency': payable.currency_id or company.currency_id,
            'items': [
                {
                    'line': line,
                    'label': line._pay_now_due_label(),
                    'due': line.date_maturity,
                    'late': max((today - (line.date_maturity or today)).days, 0),
                    'amount': line.amount_residual_currency,
                    'currency': line.currency_id,
                    'reason': line in reasons
                    and line.move_id._pay_now_customer_reason(reasons[line]),
                    'ticked': line in ticked,
                }
                for line in open_lines
            ],
            'total': sum(ticked.mapped('amount_residual_currency')),
            'can_pay': bool(payable),
            'providers': self._pay_now_page_providers(payable),
            'transfers': open_lines.filtered(
                lambda line: reasons.get(line) != 'in_progress'
            )._pay_now_transfers(),
            'test_mode': company._pay_now_test_mode(),
            'all_paid': not open_lines,
        }

    def _pay_now_page_providers(self, payable):
        """Return the providers that could take some choice of the payable items.

        :param account.move.line payable: the items that can be ticked.
        :rtype: payment.provider
        """
        providers = self.company_id._pay_now_providers()
        if not payable:
            return providers
        amounts = payable.mapped('amount_residual_currency')

        def fits(provider):
            low, high = provider._pay_now_amount_limits(payable.currency_id[:1])
            return low <= sum(amounts) and min(amounts) <= high

        return providers.filtered(fits)

    def _pay_now_start(self, chosen, provider_id):
        """Create the transaction for the ticked items: the server decides what they cost.

        :param set chosen: ids of the ticked items.
        :param int provider_id: the provider chosen.
        :rtype: payment.transaction
        :raise ValidationError: in the customer's words.
        """
        self.ensure_one()
        # Whoever else pays or changes these items right now has to wait, or makes us start again.
        moves = self._pay_now_lines().move_id
        if moves.try_lock_for_update() != moves:
            raise ValidationError(
                self.env._("These items are being changed right now. Please try again in a moment.")
            )
        provider = self.company_id._pay_now_providers().filtered(
            lambda candidate: candidate.id == provider_id
        )
        if not provider:
            raise ValidationError(self.env._("This way of paying is not available now."))
        _open_lines, payable, _reasons = self._pay_now_page_items()
        lines = payable.filtered(lambda line: line.id in chosen)
        if chosen - set(payable.ids):
            raise ValidationError(
                self.env._("The amounts have changed meanwhile. Please check them and try again.")
            )
        return self.env['payment.transaction']._pay_now_create(
            provider, self.partner_id, lines, page_url=self._pay_now_path()
        )

    # === ACTION METHODS === #

    def action_pay_now_revoke_link(self):
        """Make every address mailed for these documents stop working."""
        self.check_access('write')
        self.sudo().write({'pay_now_token': False, 'pay_now_token_expiry': False})
