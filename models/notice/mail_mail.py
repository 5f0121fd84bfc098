# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models


class MailMail(models.Model):
    """The mails of pay notices, and which of them must not leave."""

    _inherit = 'mail.mail'

    def _pay_now_notices(self):
        """Return the pay notices that the mails are of.

        :rtype: pay.now.invoice.notice (sudo)
        """
        notices = self.env['pay.now.invoice.notice'].sudo()
        mails = self.filtered(lambda mail: mail.model == notices._name)
        # Not one that was written again meanwhile.
        return notices.search([('mail_id', 'in', mails.ids)]) if mails else notices

    def _pay_now_held_back(self):
        """Return the mails of pay notices that must not leave, those that are over with them.

        Meanwhile the invoice may have been paid or blocked, or is another customer's.

        :rtype: mail.mail
        """
        mails = self.filtered(lambda mail: mail.model == 'pay.now.invoice.notice')
        if not mails:
            return mails
        notices = mails._pay_now_notices()
        away = self.env['payment.provider']._pay_now_away().company_id.root_id
        refusals = notices._find_refusals()
        leaving = notices.filtered(
            lambda one: one not in refusals and one.company_id.root_id not in away
        )
        # Before the mails of those that are over are forgotten.
        held = mails - mails.browse(leaving.mail_id.ids)
        for notice, (code, values) in refusals.items():
            notice._drop(code, values)
        leaving._freshen_mails()
        return held
