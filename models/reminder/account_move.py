# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Command


class AccountMove(models.Model):
    """Reminders of an invoice: what was sent about it, and whether it is left out."""

    _inherit = 'account.move'
    _pay_now_written_by = dict.fromkeys(
        (
            'pay_now_excluded',
            'pay_now_excluded_until',
            'pay_now_excluded_reason',
        ),
        True,
    )

    pay_now_excluded = fields.Boolean(
        string="Exclude from reminders",
        tracking=True,
        copy=False,
        help="No reminder mentions this invoice.",
    )
    pay_now_excluded_until = fields.Date(
        string="Excluded until",
        tracking=True,
        copy=False,
        help="The last day without reminders. Empty: until the tick is taken away.",
    )
    pay_now_excluded_reason = fields.Char(string="Reason for it", tracking=True, copy=False)
    pay_now_reminder_count = fields.Integer(
        string="Reminders sent", compute='_compute_pay_now_reminders', compute_sudo=True
    )
    pay_now_level_id = fields.Many2one(
        string="Reminder level",
        comodel_name='pay.now.reminder.level',
        compute='_compute_pay_now_reminders',
        compute_sudo=True,
        help="The highest level that a reminder was sent at about this invoice.",
    )

    pay_now_answer_text = fields.Char(
        string="The customer said", compute='_compute_pay_now_answer_text', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_pay_now_answer_text(self):
        """What holds reminders of this invoice back; for forms."""
        for move in self:
            answers = self.env['pay.now.answer'].union(
                *(line._pay_now_answers() for line in move._origin._pay_now_lines())
            )
            move.pay_now_answer_text = ', '.join(answers.mapped('display_name')) or False

    def _compute_pay_now_reminders(self):
        """Not stored: the history is that of the reminders."""
        lines = self.env['account.move.line'].search_fetch(
            [('move_id', 'in', self.ids), ('display_type', '=', 'payment_term')],
            ['move_id', 'partner_id', 'company_id'],
        )
        reminders = self.env['pay.now.reminder'].search_fetch(
            [('item_ids', 'in', lines.ids), ('state', 'in', ('sent', 'sending', 'uncertain'))],
            ['level_id', 'item_ids', 'partner_id', 'company_id'],
        )
        sent = {}
        for reminder in reminders:
            # To its customer: not what the former one of a corrected invoice got.
            mine = (reminder.item_ids & lines)._pay_now_of(reminder.partner_id, reminder.company_id)
            for move in mine.move_id:
                sent[move.id] = sent.get(move.id, reminders.browse()) | reminder
        for move in self:
            mine = sent.get(move._origin.id, reminders.browse())
            move.pay_now_reminder_count = len(mine)
            move.pay_now_level_id = mine.level_id.sorted('delay_days')[-1:]

    # === ACTION METHODS === #

    def action_pay_now_answer(self):
        """Note what the customer says about the invoice, on the phone or by mail.

        :return: the action of the form.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("The customer says"),
            'res_model': 'pay.now.answer',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_company_id': self.company_id.id,
                'default_partner_id': self.commercial_partner_id.id,
                'default_item_ids': [Command.set(self._pay_now_open_lines().ids)],
            },
        }

    def action_pay_now_reminders(self):
        """Show the reminders to their customers that mention the invoices."""
        action = self.env['ir.actions.actions']._for_xml_id(
            'account_pay_now.action_pay_now_reminder'
        )
        customers = self.commercial_partner_id.commercial_partner_id
        action['domain'] = [
            ('item_ids.move_id', 'in', self.ids),
            ('partner_id.commercial_partner_id', 'in', customers.ids),
        ]
        return action

    # === BUSINESS METHODS === #

    def _pay_now_exclusion_values(self):
        """Return until when and why the invoice is left out, as plain JSON.

        :return: `until`, a date as text or False, and `why`.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'until': fields.Date.to_string(self.pay_now_excluded_until),
            'why': self.pay_now_excluded_reason,
        }
