# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from markupsafe import Markup

from odoo import models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const, utils


class PayNowReminder(models.Model):
    """Reminders that did not arrive: who is told, and which addresses are not written to again."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - FAILURES === #

    def _fail(self, code, **values):
        """Mark the reminder failed; a person decides what comes next (see `_notify_failed`).

        :param str code: what went wrong (see `_reason_sentences`).
        :param values: of the code.
        """
        self.write({'state': 'failed', 'retry_at': False, 'reason_codes': [[code, values]]})

    def _notify(self, run, user):
        """Have one activity about the failed reminders of a run for one user.

        With the customer it is about, or with the run where it is about several.

        :param pay.now.reminder.run run: theirs; it may be none.
        :param res.users user: who is responsible.
        """
        known = self.search(
            Domain('run_id', '=', run.id)
            & Domain('notice_id.user_id', '=', user.id)
            & Domain('notice_id.active', '=', True)
            & Domain('state', '=', 'failed')
        )
        known = known if run else self.browse()
        everyone, record = known | self, self[:1].partner_id
        if len(everyone) > 1 and run.with_user(user).has_access('read'):
            record = run
        known.notice_id.sudo().unlink()
        everyone.notice_id = (
            self.env['mail.activity']
            .sudo()
            .create(
                {
                    'res_model_id': self.env['ir.model']._get_id(record._name),
                    'res_id': record.id,
                    'user_id': user.id,
                    **everyone._failure_texts(),
                    'activity_type_id': self.env.ref('mail.mail_activity_data_warning').id,
                }
            )
        )

    def _failure_texts(self):
        """Return what a notice says of reminders that were not delivered.

        :return: `summary` and `note`.
        :rtype: dict
        """
        summary = self.env._("Reminder not delivered")
        if len(self) > 1:
            summary = self.env._("%s reminders not delivered", len(self))
        lines = [
            f'{one.partner_id.display_name} – {one.reason}' for one in self[: const.NOTED_LINES]
        ]
        if len(self) > len(lines):
            lines.append(self.env._("and %s more", len(self) - len(lines)))
        return {'summary': summary, 'note': Markup('<br/>').join(lines)}

    def _written_to(self):
        """Return whose address the mail went to.

        :rtype: res.partner (sudo)
        """
        return (self.contact_id or self.partner_id).sudo()

    def _note_refused_address(self):
        """Remember that an address does not take mails, until the contact has another one."""
        self.env['mail.mail']._pay_now_apart(self._written_to()._pay_now_note_refused, self.email)

    def _forget_refused_addresses(self):
        """Write to these addresses again: their refusal was no matter of theirs."""
        for reminder in self:
            contact = reminder._written_to()
            self.env['mail.mail']._pay_now_apart(contact._pay_now_forget_refused, reminder.email)

    def _came_back(self, email, is_refused):
        """Take back that reminders were sent: they came back.

        :param str email: the address that did not take it.
        :param bool is_refused: whether it will not take any.
        """
        for reminder in self.filtered(lambda one: one.state in ('sent', 'uncertain')):
            reminder._fail('bounced', email=email)
            # Whoever it was passed on to is no matter of the contact's address.
            if is_refused and email in utils.email_addresses(reminder.email):
                # `mail` has counted it already.
                reminder._written_to().pay_now_refused_email = email
            reminder._notify_failed()
