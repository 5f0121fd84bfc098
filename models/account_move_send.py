# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from markupsafe import Markup

from odoo import api, models


class AccountMoveSend(models.AbstractModel):
    _inherit = 'account.move.send'

    @api.model
    def _get_default_mail_body(self, move, mail_template, mail_lang):
        """Override of `account` to end the mail with the *Pay now* button.

        The Send window's preview, batch sending and the automatic sending all come through here.
        A template that places the button itself (`object.pay_now_url`) gets no second one.
        """
        body = super()._get_default_mail_body(move, mail_template, mail_lang)
        if 'pay_now_url' in ((mail_template and mail_template.sudo().body_html) or ''):
            return body
        block = move._pay_now_mail_block(mail_lang)
        return Markup('%s%s') % (body or Markup(''), block) if block else body
