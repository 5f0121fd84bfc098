# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from markupsafe import Markup

from odoo import models


class PayNowAnswer(models.Model):
    """Who is notified of an answer: a note on the invoices, and an activity for the responsible."""

    _inherit = 'pay.now.answer'

    # === BUSINESS METHODS - NOTIFICATIONS === #

    def _notify_responsible(self):
        """Notify the responsible, once for each answer and each end of one."""
        for company, answers in self.sudo().grouped('company_id').items():
            for answer in answers.with_context(lang=company._pay_now_lang()):
                answer._note_on_invoices()
                if answer.by_customer or answer.state == 'broken':
                    answer._make_activity()

    def _notification_text(self):
        """Return what the notification says, the customer's own words with it.

        :rtype: str
        """
        self.ensure_one()
        what = self._for_user()
        return self.env._("Not kept: %s", what) if self.state == 'broken' else what

    def _note_on_invoices(self):
        body = Markup('<p>%s</p>') % self._notification_text()
        if self.text and self.state == 'open':
            # Escaped: whoever has the address wrote it.
            body += Markup('<blockquote>%s</blockquote>') % self.text
        moves = self.item_ids.move_id
        author = self.by_customer and self.state == 'open' and self.partner_id.id
        moves._message_log_batch(dict.fromkeys(moves.ids, body), author_id=author or None)

    def _make_activity(self):
        """Ask the responsible to look, on the invoice, or on the customer if there are several."""
        moves = self.item_ids.move_id
        record = moves if len(moves) == 1 else self.partner_id
        self.env['mail.activity'].create(
            {
                'res_model_id': self.env['ir.model']._get_id(record._name),
                'res_id': record.id,
                'user_id': self._responsible().id,
                'summary': self._notification_text(),
                'note': Markup('<p>%s</p>') % (self.text or ', '.join(moves.mapped('name'))),
                'date_deadline': self._deadline(),
                'activity_type_id': self.env.ref('mail.mail_activity_data_todo').id,
            }
        )

    def _deadline(self):
        """A promise that runs is looked at on its day; anything else at once."""
        today = self.company_id._pay_now_today()
        return max(self.date, today) if self.kind == 'promise' and self.state == 'open' else today

    def _responsible(self):
        """Return who takes care of the customer.

        :rtype: res.users
        """
        people = self.item_ids.move_id.invoice_user_id | self.partner_id.user_id
        people = people.filtered(lambda user: user.active and not user.share)
        return people[:1] or self.company_id._pay_now_accountant()
