# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


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
            run = self.with_context(lang=user.lang or self.env.lang)
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
        # Whoever left reads no notices.
        is_there = by_hand and by_hand.active and not by_hand.share
        return by_hand if is_there else self.company_id._pay_now_accountant()

    def _note_no_mail_server(self):
        """Keep in each run why its reminders do not leave."""
        for run in self.filtered(lambda run: not run.problem_codes):
            code = 'no_mail_server' if run.state == 'sending' else 'no_mail_server_send'
            run.problem_codes = [[code, {}]]
