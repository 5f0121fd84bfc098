# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.account_pay_now.models.pay_now_sales_mixin import by_engine


class PayNowReminder(models.Model):
    """What a person changes in the list before it is sent: the level, or the mail itself."""

    _inherit = 'pay.now.reminder'

    own_subject = fields.Char(string="Own subject", copy=False)
    own_body = fields.Html(string="Own text", sanitize='email_outgoing', copy=False)
    own_amount = fields.Monetary(
        string="Amount in the own text", readonly=True, help="Another amount holds the reminder."
    )

    own_payable = fields.Monetary(string="Payable in the own text", readonly=True)

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base` to keep the level that a person has chosen.

        :raise AccessError: if a person in Sales changes more than the level and the text.
        :raise UserError: if it was sent, or dropped, meanwhile.
        """
        if self._is_sales_only():
            self._check_sales_vals(vals)
            # Whatever the client says, it is done by hand.
            self = self.with_context(pay_now_by_hand=True)
        by_hand = self.env.context.get('pay_now_by_hand')
        if by_hand or {'own_subject', 'own_body'} & vals.keys():
            if any(reminder.state not in ('draft', 'held') for reminder in self):
                raise UserError(self.env._("Only what is not on its way yet can be changed."))
        if by_hand and 'level_id' in vals:
            vals = {**vals, 'is_level_chosen': True}
        return super().write(vals)

    @api.onchange('level_id')
    def _onchange_level_id(self):
        self.is_level_chosen = True

    # === ACTION METHODS === #

    @by_engine('write')
    def action_edit(self):
        """Open the mail for changes, at first as its level has it."""
        self.ensure_one()
        if self.state != 'draft':
            raise UserError(self.env._("Only what is not on its way yet can be changed."))
        if not self.own_body:
            lang = self._mail_lang()
            template = self.level_id.template_id.sudo().with_context(lang=lang)
            record = self.with_context(lang=lang)
            self.write(
                {
                    'own_subject': template._render_field('subject', record.ids, set_lang=lang)[
                        self.id
                    ],
                    'own_body': template._pay_now_render_bodies(record)[self.id],
                    'own_amount': self.amount_due,
                    'own_payable': self.amount_payable,
                }
            )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Edit the letter")
            if self.channel == 'letter'
            else self.env._("Edit the mail"),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'views': [(self.env.ref('account_pay_now.pay_now_reminder_view_edit').id, 'form')],
            'target': 'new',
        }

    @by_engine('write')
    def action_reset_text(self):
        """Go back to the text of the level."""
        self.write({'own_subject': False, 'own_body': False, 'own_amount': 0, 'own_payable': 0})

    # === BUSINESS METHODS === #

    def _is_own_text_wrong(self, amount_due, amount_payable):
        """Tell whether a person's text names other amounts, or has a button no longer offered.

        :param float amount_due: in the company's currency.
        :param float amount_payable: online, in the company's currency.
        :rtype: bool
        """
        compare = self.currency_id.compare_amounts
        return bool(
            self.own_body
            and (compare(self.own_amount, amount_due) or compare(self.own_payable, amount_payable))
        )
