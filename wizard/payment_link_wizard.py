# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models


class PaymentLinkWizard(models.TransientModel):
    """The link that a person copies for a customer: our page, where the invoice has a button."""

    _inherit = 'payment.link.wizard'

    pay_now_ours = fields.Boolean(
        string="Leads to the Pay now page", compute='_compute_pay_now_ours'
    )
    pay_now_problem = fields.Char(
        string="Why it does not lead to the Pay now page", compute='_compute_pay_now_ours'
    )

    # === COMPUTE METHODS === #

    @api.depends('res_model', 'res_id', 'amount')
    @api.depends_context('lang')
    def _compute_pay_now_ours(self):
        """Ours says what it asks for by itself: never less or more than what was typed here."""
        self.pay_now_ours = self.pay_now_problem = False
        for wizard in self:
            move = wizard._pay_now_move()
            if not move:
                continue
            if reason := move.sudo()._pay_now_refusal('invoice_mail'):
                wizard.pay_now_problem = move._pay_now_refusal_label(reason)
            elif not wizard._pay_now_is_asked(move.sudo()):
                wizard.pay_now_problem = self.env._("Another amount than what its page asks for")
            else:
                wizard.pay_now_ours = True

    @api.depends('pay_now_ours')
    def _compute_link(self):
        """Override of `payment`: Odoo's own link only where there is none of ours."""
        ours = self.filtered('pay_now_ours')
        result = super(PaymentLinkWizard, self - ours)._compute_link()
        for wizard in ours:
            move = wizard._pay_now_move().sudo()
            wizard.link = move._pay_now_url()
            # It is given to a customer, as by a mail.
            move._pay_now_prolong()
        return result

    def _compute_warning_message(self):
        """Override of `account_payment`: ours does not need the payments of Odoo's own pages."""
        result = super()._compute_warning_message()
        self.filtered('pay_now_ours').warning_message = ''
        return result

    # === BUSINESS METHODS === #

    def _pay_now_move(self):
        """Return the invoice that the link is about, if there is one that the user may read.

        :rtype: account.move
        """
        self.ensure_one()
        moves = self.env['account.move']
        if self.res_model != moves._name:
            return moves
        return moves.browse(self.res_id).exists()._filtered_access('read')

    def _pay_now_is_asked(self, move):
        """Tell whether our page asks for the amount of the wizard: what is ticked, or all of it.

        :param account.move move: the invoice (sudo).
        :rtype: bool
        """
        _open_lines, payable, _reasons = move._pay_now_page_items()
        asked = move._pay_now_asked(payable)
        compare = move.currency_id.compare_amounts
        return any(
            not compare(self.amount, lines._pay_now_amount_to_pay()) for lines in (asked, payable)
        )
