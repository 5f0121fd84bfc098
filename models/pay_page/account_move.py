# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.models.pay_page.pay_now_page_mixin import INVOICE_FIELDS

#: An address of an invoice's page in a mail.
MAILED = re.compile(r'/pay_now/invoice/([1-9][0-9]{0,8})/([A-Za-z0-9_-]+)')


class AccountMove(models.Model):
    """The page of an invoice, and the block of its mail that opens it."""

    _name = 'account.move'
    _inherit = ['account.move', 'pay.now.page.mixin']
    _pay_now_kind = 'invoice'

    pay_now_url = fields.Char(
        string="Pay now address",
        compute='_compute_pay_now_url',
        compute_sudo=True,
        help="Where the customer pays this invoice online; empty when it cannot be.",
    )

    pay_now_token_partner_id = fields.Many2one(
        string="Pay page link made for",
        comodel_name='res.partner',
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        groups='base.group_system',
        help="The address ends where the invoice is another customer's.",
    )
    pay_now_token_company_id = fields.Many2one(
        string="Pay page link made by",
        comodel_name='res.company',
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        groups='base.group_system',
    )
    pay_now_has_link = fields.Boolean(
        string="Has a pay page link", compute='_compute_pay_now_has_link', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    def _compute_pay_now_has_link(self):
        """Not stored: whose the invoice is may change."""
        for move in self:
            move.pay_now_has_link = move._pay_now_has_link()

    @api.depends_context('pay_now_no_link')
    def _compute_pay_now_url(self):
        """Not stored and not depended on: eligibility is decided at the moment it is asked."""
        no_link = self.env.context.get('pay_now_no_link')
        refusals = {} if no_link else self._pay_now_refusals('invoice_mail')
        offered = self.browse() if no_link else self.filtered(lambda move: move not in refusals)
        urls = offered._pay_now_urls()
        for move in self:
            move.pay_now_url = urls.get(move, False)

    # === BUSINESS METHODS - LINK === #

    def _pay_now_has_link(self):
        """Override of `pay.now.page.mixin`: the address of a former customer, or company, ends."""
        return super()._pay_now_has_link() and self.pay_now_token_company_id._pay_now_belongs(
            self.pay_now_token_partner_id, [self.commercial_partner_id], self.company_id
        )

    def _pay_now_link_binding(self):
        """Override of `pay.now.page.mixin`: of the customer and the company of this moment."""
        return {
            'pay_now_token_partner_id': self._pay_now_customer().id,
            'pay_now_token_company_id': self.company_id.id,
        }

    @api.model
    def _pay_now_prolong_mailed(self, body):
        """Let the validity of the addresses in a mail start again, as it leaves.

        :param str body: of a mail that somebody of the company wrote.
        """
        said = {int(number): token for number, token in MAILED.findall(body or '')}
        moves = self.sudo().browse(list(said)).exists()
        moves.filtered(
            lambda move: utils.same_secret(move.pay_now_token, said[move.id])
        )._pay_now_prolong()

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_customer(self):
        """Override of `pay.now.page.mixin`: as the invoice has it, wherever its contact is now."""
        return self.commercial_partner_id.commercial_partner_id

    def _pay_now_lines_domain(self):
        """Override of `pay.now.page.mixin` to read nothing for it."""
        return Domain('move_id', '=', self.id) & Domain('display_type', '=', 'payment_term')

    def _pay_now_parties(self):
        """Override of `pay.now.page.mixin`: the customer, and whose the mailed address is."""
        return (
            super()._pay_now_parties() | self.commercial_partner_id | self.pay_now_token_partner_id
        )

    def _pay_now_document_fields(self):
        """Override of `pay.now.page.mixin`: the document is the invoice of the page, too."""
        return [
            *super()._pay_now_document_fields(),
            'pay_now_token_partner_id',
            'pay_now_token_company_id',
            *INVOICE_FIELDS,
        ]

    def _pay_now_credit_scope(self, lines=None):
        """Override of `pay.now.page.mixin`: on an invoice's page, those of the same contact.

        Odoo itself deducts a credit note from the invoice it corrects.
        """
        return Domain('move_id.partner_id', '=', self.partner_id.id) & Domain(
            'company_id', '=', self.company_id.id
        )

    def _pay_now_preselected(self, payable):
        """Override of `pay.now.page.mixin` to tick the instalments due, else the next one."""
        today = self.company_id._pay_now_today()
        due = payable.filtered(lambda line: (line.date_maturity or line.date) <= today)
        return due or payable.filtered(lambda line: line.date_maturity == payable[0].date_maturity)

    # === BUSINESS METHODS - MAIL === #

    def _pay_now_mail_block(self, lang):
        """Render the *Pay now* button of the invoice mail; its page opens with the same amount.

        :param str lang: the customer's language.
        :return: the block, or an empty string when there is no button.
        :rtype: markupsafe.Markup | str
        """
        self.ensure_one()
        move = self._origin.with_context(lang=lang or self.partner_id.lang)
        if not move or move._pay_now_refusal('invoice_mail'):
            return ''
        _open_lines, payable, _reasons = move._pay_now_page_items()
        asked = move._pay_now_asked(payable)
        return move.env['mail.mail']._pay_now_render(
            'account_pay_now.mail_pay_now_block',
            {
                'url': move._pay_now_url(),
                'amount': formatLang(
                    move.env,
                    asked._pay_now_amount_to_pay(),
                    currency_obj=move.currency_id,
                ),
                'discount': asked._pay_now_discount_text(),
                'instalments': asked != payable
                and move.env._(
                    "%(instalments)s. The other instalments can be chosen on the page.",
                    instalments=', '.join(line._pay_now_due_label() for line in asked),
                ),
                **move.company_id._pay_now_button_colors(),
                'test_mode': move.company_id._pay_now_test_mode(),
            },
        )
