# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models

from odoo.addons.account_pay_now import const, plain_text


class MailMail(models.Model):
    """The plain text of mails that ask for a payment, and how much may be attached to one."""

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

    @api.model
    def _pay_now_attachments_limit(self):
        """Return how many bytes of PDFs one mail may carry.

        :rtype: float
        """
        # Odoo would turn what is too heavy for its mail server into links.
        servers = self.env['ir.mail_server'].sudo().search([('max_email_size', '>', 0)])
        sizes = [servers.browse()._get_max_email_size(), *servers.mapped('max_email_size')]
        # A third is lost to the encoding; the rest is for the text.
        return min(const.ATTACHED_INVOICES_MAX_MB, min(sizes) * 0.6) * 1024 * 1024
