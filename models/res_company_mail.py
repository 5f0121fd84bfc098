# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import secrets

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import config, email_normalize, formataddr

from odoo.addons.account_pay_now import const, utils

#: The colour of Odoo's own buttons, for companies without colours.
DEFAULT_COLOR = '#875A7B'


class ResCompany(models.Model):
    """Who writes to the customer: identity, address of the answers, accounts for transfers."""

    _inherit = 'res.company'

    pay_now_reply_to = fields.Char(
        string="Answers to reminders go to",
        help="Where customers' answers arrive. Leave it empty for a person: the customer's"
        " salesperson, else whoever started the reminders.",
    )
    pay_now_transfer_account_ids = fields.Many2many(
        string="Bank accounts for transfers",
        comodel_name='res.partner.bank',
        compute='_compute_pay_now_transfer_account_ids',
        compute_sudo=True,
    )

    # === COMPUTE METHODS === #

    @api.depends('bank_journal_ids.bank_account_id.active', 'pay_now_provider_ids.journal_id')
    def _compute_pay_now_transfer_account_ids(self):
        """Of the bank journals, a branch's own before its parents'; never a payment provider's."""
        for company in self:
            companies = company.parent_ids[::-1]
            journals = self.env['account.journal'].search_fetch(
                Domain('company_id', 'in', companies.ids) & Domain('type', '=', 'bank'),
                ['bank_account_id', 'company_id'],
            )
            journals = journals.sorted(
                lambda one, order=companies: order.ids.index(one.company_id.id)
            )
            if journals.bank_account_id:
                journals -= companies.pay_now_provider_ids._pay_now_journals()
            accounts = journals.bank_account_id.filtered('active')
            company.pay_now_transfer_account_ids = accounts.sorted(
                # Odoo prints accounts it does not pay from, too: it only prefers the others.
                lambda account: not account.allow_out_payment
            )

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_reply_to')
    def _check_pay_now_reply_to(self):
        for company in self.filtered('pay_now_reply_to'):
            email = email_normalize(company.pay_now_reply_to)
            if not email:
                raise ValidationError(
                    self.env._("“%s” is not an e-mail address.", company.pay_now_reply_to)
                )
            if utils.is_no_reply(email):
                raise ValidationError(
                    self.env._(
                        "Nobody reads “%s”. Customers answer reminders: give an address that"
                        " somebody reads.",
                        email,
                    )
                )

    # === BUSINESS METHODS - WHO WRITES === #

    def _pay_now_identity(self):
        """Return who the company is, for the foot of mails and pages, in the context's language.

        :return: `address` and `registration`, each one line of text, empty where unknown.
        :rtype: dict
        """
        self.ensure_one()
        partner = self.partner_id.sudo()
        address = partner._display_address(without_company=True)
        numbers = [
            (self._pay_now_registry_label(), partner.company_registry),
            (partner.country_id.vat_label or self.env._("Tax ID"), partner.vat),
        ]
        return {
            'address': ', '.join(line.strip() for line in address.splitlines() if line.strip()),
            'registration': ' · '.join(
                self.env._("%(label)s: %(number)s", label=label, number=number)
                for label, number in numbers
                # Odoo keeps a slash for "has none".
                if (number or '').strip(' /')
            ),
        }

    def _pay_now_mail_values(self):
        """Return what all reminders of the company have in common.

        :rtype: dict
        """
        self.ensure_one()
        return {
            'company': self,
            **self._pay_now_button_colors(),
            'test_mode': self._pay_now_test_mode(),
        }

    def _pay_now_mail_layout(self, template):
        """Return what stands above and below the text of a mail, in the context's language.

        :param mail.template template: of the text.
        :rtype: tuple(markupsafe.Markup, markupsafe.Markup)
        """
        self.ensure_one()
        mark = f'<!--{secrets.token_hex(16)}-->'
        layout = template._render_encapsulate(
            'account_pay_now.mail_layout',
            Markup(mark),
            add_context={
                'company': self,
                'identity': self._pay_now_identity(),
                'logo_url': False
                if self.uses_default_logo
                else f'{self.get_base_url()}/logo.png?company={self.id}',
                'mail_lang': (self.env.lang or 'en').replace('_', '-'),
            },
            context_record=self,
        )
        before, after = layout.split(mark)
        return Markup(before), Markup(after)

    def _pay_now_registry_label(self):
        """Return how the number in the company register is called in the company's country."""
        partner = self.partner_id.sudo()
        if partner.country_code in const.FRENCH_TERRITORIES:
            digits = [char for char in partner.company_registry or '' if char.isdigit()]
            return "SIREN" if len(digits) == 9 else "SIRET"
        return partner.company_registry_label

    def _pay_now_reply_address(self, people):
        """Return where a customer's answer goes: to a person rather than into a box of machines.

        :param people: users, the best placed to answer first.
        :type people: list of res.users
        :rtype: str | bool
        """
        self.ensure_one()
        if self.pay_now_reply_to:
            return formataddr((self.name, email_normalize(self.pay_now_reply_to)))
        machines = {self.bounce_email, self.catchall_email, self.default_from_email}
        for user in people:
            email = email_normalize(user.email or '')
            if not email or email in machines or utils.is_no_reply(email):
                continue
            # Whoever left the company is archived, as is the user that scheduled actions run as.
            if user.active and not user.share:
                return user.email_formatted
        return self.email_formatted

    def _pay_now_button_colors(self):
        """Return the colours of buttons: the company's own, with a text that can be read on them.

        :return: `color` and `text_color`.
        :rtype: dict
        """
        self.ensure_one()
        color = utils.hex_color(self.email_secondary_color) or DEFAULT_COLOR
        wanted = utils.hex_color(self.email_primary_color)
        return {'color': color, 'text_color': utils.readable_text(color, wanted)}

    # === BUSINESS METHODS - MAIL SERVER === #

    @api.model
    def _pay_now_has_mail_server(self):
        """Tell whether mails can leave: a mail server is on record, or one was really configured.

        Without either Odoo tries port 25 of its own machine, where usually nobody listens. A
        person's own server sends that person's mails only.

        :rtype: bool
        """
        MailServer = self.env['ir.mail_server'].sudo()
        servers = MailServer.search(MailServer._find_mail_server_allowed_domain())
        if MailServer._filter_mail_servers_fallback(servers):
            return True
        *given, _defaults = config.options.maps
        return bool(config['smtp_server']) and any('smtp_server' in options for options in given)

    @api.model
    def _pay_now_require_mail_server(self):
        """Let nothing be sent that cannot leave.

        :return: None
        :raise UserError: what is missing, and the way out.
        """
        if not self._pay_now_has_mail_server():
            raise UserError(
                self.env._(
                    "There is no outgoing mail server: your reminders would not leave. An"
                    " administrator adds one in Settings ▸ General Settings ▸ Emails, or straight"
                    " from the online payment set-up."
                )
            )
