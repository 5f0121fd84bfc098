# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.http import request

from odoo.addons.account_pay_now import utils

#: The checks of the company that are mended on the screen itself, and the field that does it.
MENDED = {
    'company_email': 'mends_email',
    'company_lang': 'mends_lang',
    'base_url': 'mends_url',
}


class PayNowSetup(models.TransientModel):
    """What is wrong around the set-up and mended on its screen, by whoever may write the company.

    The others read whom to ask. What is mended elsewhere stays a notice whose button leads there.
    """

    _inherit = 'pay.now.setup'
    _pay_now_written_by = dict.fromkeys(('company_email', 'company_lang', 'base_url'), True)

    company_email = fields.Char(
        string="Company e-mail", default=lambda self: self.env.company.pay_now_signup_email
    )
    company_lang = fields.Selection(
        string="Company language",
        selection=lambda self: self.env['res.lang'].get_installed(),
        default=lambda self: self.env.lang,
    )
    base_url = fields.Char(string="Public address", default=lambda self: self._proposed_base_url())
    mends_email = fields.Boolean(compute='_compute_mended')
    mends_lang = fields.Boolean(compute='_compute_mended')
    mends_url = fields.Boolean(compute='_compute_mended')
    checks_left = fields.Json(string="Other checks", compute='_compute_mended')

    # === COMPUTE METHODS === #

    @api.depends('pay_now_checks')
    def _compute_mended(self):
        for setup in self:
            checks = setup.pay_now_checks or {}
            allowed = setup._mendable()
            for code, name in MENDED.items():
                setup[name] = code in checks and code in allowed
            setup.checks_left = {
                code: check
                for code, check in checks.items()
                if not (code in MENDED and setup[MENDED[code]])
            } or False

    # === ACTION METHODS === #

    def action_save_company_email(self):
        """Give the company the address that customers answer to."""
        self._check_mender('company_email')
        address = utils.single_email(self.company_email)
        if not address:
            raise UserError(self.env._("“%s” is not an e-mail address.", self.company_email or ''))
        self.company_id.sudo().email = address

    def action_save_company_lang(self):
        """Give the company's contact the language of what is written for the company."""
        self._check_mender('company_lang')
        if not self.company_lang:
            raise UserError(self.env._("Choose a language."))
        self.company_id.sudo().partner_id.lang = self.company_lang

    def action_save_base_url(self):
        """Keep the address that customers open; a later log-in by another one leaves it."""
        self._check_mender('base_url')
        address = self._clean_base_url(self.base_url)
        parameters = self.env['ir.config_parameter']
        parameters.set_param('web.base.url', address)
        parameters.set_param('web.base.url.freeze', True)
        if self.company_id.get_base_url() != address:
            raise UserError(
                self.env._(
                    "This company's addresses begin with %s, which its website decides: change the"
                    " website's domain.",
                    self.company_id.get_base_url(),
                )
            )

    # === BUSINESS METHODS === #

    def _mendable(self):
        """Return the codes of the checks that the user may mend here.

        :rtype: set
        """
        company = self.company_id
        if company not in self.env.user.company_ids or not company.has_access('write'):
            return set()
        may_write = self.env['ir.config_parameter'].has_access('write')
        return set(MENDED) if may_write else set(MENDED) - {'base_url'}

    def _check_mender(self, code):
        """Let only those go on who may write what is wrong anyway.

        :param str code: a key of `MENDED`.
        :return: None
        :raise AccessError: who may, or that it is another company.
        """
        self.ensure_one()
        company = self.company_id
        if company not in self.env.user.company_ids:
            raise AccessError(company._pay_now_shared_text())
        if code not in self._mendable():
            raise AccessError(
                company._pay_now_ask_administrator(
                    self.env._("You may not change %s.", company.name)
                )
            )

    @api.model
    def _proposed_base_url(self):
        """Return the address that this screen is opened by, if customers can open it, too.

        :rtype: str
        """
        address = request.httprequest.host_url.rstrip('/') if request else ''
        if address.startswith('https://') and not utils.is_private_address(address):
            return address
        return ''

    def _clean_base_url(self, value):
        """Return the public address that somebody typed.

        :param str value: what was typed.
        :return: scheme and host only.
        :rtype: str
        :raise UserError: it cannot be one that customers open.
        """
        address = (value or '').strip().rstrip('/')
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            parts = host = port = None
        if not host or parts.scheme != 'https' or address != f'https://{parts.netloc}':
            raise UserError(
                self.env._(
                    "“%s” is not a public address. It looks like https://www.example.com, with"
                    " nothing behind it.",
                    value or '',
                )
            )
        expected = f'{host}:{port}' if port else host
        if utils.is_private_address(address) or parts.netloc.lower() != expected:
            raise UserError(self.env._("Your customers cannot open %s from the Internet.", address))
        return f'https://{expected}'
