# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from odoo.addons.account_pay_now import plain_text


class MailMail(models.Model):
    _inherit = 'mail.mail'

    def _prepare_outgoing_list(self, *args, **kwargs):
        """Override of `mail` for mails that ask for a payment: a plain text that can be read.

        Odoo's own conversion numbers the links and lists their addresses at the end, several times,
        and tears the rows of tables apart.
        """
        emails = super()._prepare_outgoing_list(*args, **kwargs)
        for email in emails:
            if self.model == 'pay.now.reminder' or '/pay_now/invoice/' in (email['body'] or ''):
                email['body_alternative'] = plain_text.html_to_text(email['body'])
        return emails
