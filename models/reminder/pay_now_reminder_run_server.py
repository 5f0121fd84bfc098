# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models
from odoo.fields import Domain


class PayNowReminderRun(models.Model):
    """What a run says of the mail servers that its reminders leave by."""

    _inherit = 'pay.now.reminder.run'

    # === BUSINESS METHODS - MAIL SERVERS === #

    def _note_server_refuses(self, server, error, until):
        """Keep in the run that a mail server takes none of its mails, and notify who sent it, once.

        :param ir.mail_server server: none is that of the configuration file.
        :param str error: what it said.
        :param datetime.datetime until: when it is tried again.
        """
        others = [code for code in self.problem_codes or [] if code[1].get('server') != server.id]
        known = len(others) < len(self.problem_codes or [])
        values = {
            'server': server.id,
            'name': server.sudo().name or '',
            'error': error,
            'until': fields.Datetime.to_string(until),
        }
        self.problem_codes = [*others, ['mail_server', values]]
        user = self._sender()
        if not known:
            run = self.with_context(lang=user.lang or self.company_id._pay_now_lang())
            run.sudo().activity_schedule(
                'mail.mail_activity_data_warning',
                user_id=user.id,
                summary=run.env._("The mail server takes no reminders"),
                note=run.problem,
            )

    def _sender(self):
        """Return who is told what became of the run.

        :rtype: res.users
        """
        by_hand = self.trigger == 'manual' and (self.sales_user_id or self.create_uid)
        by_hand = self.sender_id or by_hand
        # Whoever left reads no notices.
        is_there = by_hand and by_hand.active and not by_hand.share
        return by_hand if is_there else self.company_id._pay_now_accountant()

    def _tell_sender(self, told):
        """Notify whoever sent the run of all that failed of it, once.

        What the daily action sent has nobody who waits for it: the responsible know.

        :param told: users who were told of all of it already, if it is one.
        """
        user = self.sender_id
        if not user.active or user.share or set(told) == {user}:
            return
        failed = self.env['pay.now.reminder'].search(
            Domain('run_id', '=', self.id) & Domain('state', '=', 'failed')
        )
        Activity = self.env['mail.activity'].sudo()
        warning = self.env.ref('mail.mail_activity_data_warning')
        known = Activity.search(
            Domain('res_model', '=', self._name)
            & Domain('res_id', '=', self.id)
            & Domain('user_id', '=', user.id)
            & Domain('activity_type_id', '=', warning.id)
            & Domain('automated', '=', False)
            & Domain('id', 'not in', failed.notice_id.ids),
            limit=1,
        )
        lang = user.lang or self.company_id._pay_now_lang()
        texts = failed.with_context(lang=lang)._failure_texts()
        if known:
            known.write(texts)
            return
        Activity.create(
            {
                'res_model_id': self.env['ir.model']._get_id(self._name),
                'res_id': self.id,
                'user_id': user.id,
                'activity_type_id': warning.id,
                **texts,
            }
        )

    def _note_no_mail_server(self):
        """Keep in each run why its reminders do not leave."""
        for run in self.filtered(lambda run: not run.problem_codes):
            code = 'no_mail_server' if run.state == 'sending' else 'no_mail_server_send'
            run.problem_codes = [[code, {}]]
