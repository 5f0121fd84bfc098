# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models


class PayNowReminder(models.Model):
    """How people are notified of reminders: notes in the chatter, activities, mails that failed."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - NOTES === #

    @api.model
    def _note_sent(self):
        """Note in the chatter of the customers and of the invoices what was sent, in one go."""
        sent = self.search([('state', '=', 'sent'), ('is_noted', '=', False)], limit=500)
        sent = sent.try_lock_for_update()
        # No more than that of the items.
        sent.item_ids.fetch(['move_id'])
        for company, reminders in sent.grouped('company_id').items():
            reminders = reminders.with_context(lang=company._pay_now_lang())
            bodies = {
                reminder.partner_id.id: reminder._sent_text(reminder.asked_text)
                for reminder in reminders
            }
            reminders.partner_id._pay_now_log_batch(bodies)
            moves = {}
            for reminder in reminders:
                text = reminder._sent_text(reminder.level_id.name)
                moves.update(dict.fromkeys(reminder.item_ids.move_id.ids, text))
            reminders.item_ids.move_id._pay_now_log_batch(moves)
            reminders._make_activities()
        sent.is_noted = True

    def _sent_text(self, what):
        """Say that, where, and what reminder was sent.

        :param str what: the amounts, or the level.
        :rtype: str
        """
        if self.channel == 'letter':
            return self.env._("Reminder printed as a letter: %s", what)
        return self.env._("Reminder sent to %(email)s: %(what)s", email=self.email, what=what)

    def _make_activities(self):
        """Ask the responsible of the customers to do what the levels want to be done."""
        partner_model = self.env['ir.model']._get_id('res.partner')
        self.env['mail.activity'].sudo().create(
            [
                {
                    'res_model_id': partner_model,
                    'res_id': reminder.partner_id.id,
                    'user_id': reminder._responsible().id,
                    'summary': reminder.level_id.activity_summary,
                    'note': reminder.asked_text,
                    'activity_type_id': self.env.ref('mail.mail_activity_data_todo').id,
                }
                for reminder in self
                if reminder.level_id.activity_summary
            ]
        )

    def _responsible(self):
        """Return who takes care of the customer.

        :rtype: res.users
        """
        people = self.item_ids.move_id.invoice_user_id | self.partner_id.user_id
        people = people.sudo().filtered(lambda user: user.active and not user.share)
        return people[:1] or self.company_id._pay_now_accountant()

    # === BUSINESS METHODS - FAILURES === #

    def _fail(self, code, **values):
        """Mark the reminder failed and notify the responsible; a person decides what comes next.

        :param str code: what went wrong (see `_reason_sentences`).
        :param values: of the code.
        """
        self.write({'state': 'failed', 'reason_codes': [[code, values]]})
        self.env['mail.activity'].sudo().create(
            {
                'res_model_id': self.env['ir.model']._get_id('res.partner'),
                'res_id': self.partner_id.id,
                'user_id': self._responsible().id,
                'summary': self.env._("Reminder not delivered"),
                'note': self.reason,
                'activity_type_id': self.env.ref('mail.mail_activity_data_warning').id,
            }
        )

    def _message_receive_bounce(self, email, partner):
        """Called by `mail` when a reminder came back.

        :param str email: the address that did not take it.
        :param res.partner partner: whose address it is.
        """
        for reminder in self.filtered(lambda one: one.state in ('sent', 'uncertain')):
            reminder = reminder.with_context(lang=reminder.company_id._pay_now_lang())
            reminder._fail('bounced', email=email)
