# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re

from lxml import html
from markupsafe import Markup

from odoo import api, models

from odoo.addons.account_pay_now import utils


class AccountMoveSend(models.AbstractModel):
    """The *Pay now* button in the mail of an invoice; none in test mode but to the test address."""

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

    @api.model
    def _get_mail_params(self, move, move_data):
        """Override of `account` to keep the button of test mode from all but the test address.

        The mail is written for the invoice's customer, but a person may add others to it, and it
        goes to outside followers too.
        """
        params = super()._get_mail_params(move, move_data)
        # The PDF may say the address, whatever the mail does.
        move._pay_now_prolong()
        company = move.company_id
        if not params or not company._pay_now_test_mode() or company._pay_now_in_sandbox():
            return params
        followers = move.message_partner_ids.filtered('partner_share')
        recipients = self.env['res.partner'].browse(params['partner_ids']) | followers
        address = utils.email_addresses(company.pay_now_test_email)
        if any(utils.email_addresses(partner.email) != address for partner in recipients):
            params['body'] = self._pay_now_remove_button(params['body'], move)
        return params

    @api.model
    def _pay_now_remove_button(self, body, move):
        """Take the button, and whatever else leads to the invoice's pay page, out of a mail.

        :param markupsafe.Markup body: the mail.
        :param account.move move: the invoice.
        :rtype: markupsafe.Markup
        """
        address = f'/pay_now/{move._pay_now_kind}/{move.id}/'
        if address not in (body or ''):
            return body
        root = html.fragment_fromstring(body, create_parent='div')
        for block in root.find_class('o_pay_now_block'):
            block.drop_tree()
        for link in root.xpath('//a[contains(@href, $address)]', address=address):
            link.drop_tree()
        content = html.tostring(root, encoding='unicode')[len('<div>') : -len('</div>')]
        # Mail programs make a link of an address in plain text.
        return Markup(re.sub(rf'[^\s<>"]*{re.escape(address)}[^\s<>"]*', '', content))
