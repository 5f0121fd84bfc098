# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import config, email_normalize

from odoo.addons.account_pay_now import const, utils


class ResCompany(models.Model):
    """What has to be right around the set-up: mail server, address, chart, company e-mail.

    Checks and warnings are given as core's widget `actionable_errors` shows them: by a code of
    their own, each with its level, its sentence and the button that leads to where it is fixed.
    """

    _inherit = 'res.company'

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_test_email')
    def _check_pay_now_test_email(self):
        for company in self:
            address = company.pay_now_test_email
            if address and not email_normalize(address):
                raise ValidationError(self.env._("“%s” is not an e-mail address.", address))

    # === BUSINESS METHODS - CHECKS === #

    def _pay_now_checks(self):
        """Return what is wrong around the set-up, nothing when all is fine.

        :return: `{code: {level, message[, action_text, action]}}`; level `danger` stops sending.
        :rtype: dict
        """
        self.ensure_one()
        checks = {
            'mail_server': self._pay_now_check_mail_server(),
            'base_url': self._pay_now_check_base_url(),
            'chart': self._pay_now_check_chart(),
            'company_email': self._pay_now_check_company_email(),
        }
        return {code: check for code, check in checks.items() if check}

    def _pay_now_check_mail_server(self):
        if self._pay_now_has_mail_server():
            return None
        return self._pay_now_fix_notice(
            'danger',
            self.env._("There is no outgoing mail server: your reminders will not leave."),
            self.env._("Add a mail server"),
            'base.action_ir_mail_server_list',
            view_mode='form',
            views=[(False, 'form')],
        )

    def _pay_now_check_base_url(self):
        url = self.get_base_url() or ''
        if utils.is_private_address(url):
            message = self.env._("Your customers cannot open %s from the Internet.", url)
        elif not url.startswith('https://'):
            message = self.env._(
                "Your customers' browsers call %s insecure, and no provider sends notifications"
                " to it: the address must start with https.",
                url,
            )
        else:
            return None
        level = 'warning'
        if self._pay_now_in_sandbox():
            level = 'info'
            message = self.env._("%s This is no problem while you try out the sandbox.", message)
        return self._pay_now_fix_notice(
            level,
            message,
            self.env._("Change the address"),
            'base.ir_config_list_action',
            domain=[('key', 'in', ('web.base.url', 'web.base.url.freeze'))],
        )

    def _pay_now_check_chart(self):
        if self._pay_now_has_chart():
            return None
        return self._pay_now_fix_notice(
            'danger',
            self.env._("There is no chart of accounts: no payment could be booked."),
            self.env._("Install a chart of accounts"),
            'account.action_account_config',
        )

    def _pay_now_check_company_email(self):
        if email_normalize(self.email or '', strict=False):
            return None
        return self._pay_now_fix_notice(
            'warning',
            self.env._(
                "%s has no e-mail address: your customers could neither recognize your reminders"
                " nor answer them.",
                self.name,
            ),
            self.env._("Enter the address"),
            'base.action_res_company_form',
            res_id=self.id,
            view_mode='form',
            views=[(False, 'form')],
        )

    def _pay_now_fix_notice(self, level, message, action_text, action, **values):
        """Return a notice whose button leads to a screen that only administrators can open.

        :param str level: `danger`, `warning` or `info`.
        :param str message: the sentence.
        :param str action_text: what the button says.
        :param str action: XML id of the window action that leads there.
        :param values: what differs from the stored action.
        :rtype: dict
        """
        notice = {'level': level, 'message': message}
        if self.env.user.has_group('base.group_system'):
            action = {**self.env['ir.actions.actions']._for_xml_id(action), **values}
            # On its way through the screen it would turn from HTML into text.
            action.pop('help', None)
            notice.update({'action_text': action_text, 'action': action})
        elif level != 'info':
            notice['message'] = self.env._("%s Please ask an administrator.", message)
        return notice

    # === BUSINESS METHODS - HELPERS === #

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

    def _pay_now_in_sandbox(self):
        """Tell whether every connected provider is the sandbox on this machine.

        :rtype: bool
        """
        self.ensure_one()
        providers = self._pay_now_connected_providers()
        return bool(providers) and all(
            provider._pay_now_connection().in_sandbox() for provider in providers
        )

    def _pay_now_test_text(self):
        """Return who gets a button in test mode, or False when real money is taken.

        :rtype: str | bool
        """
        self.ensure_one()
        if not self._pay_now_test_mode():
            return False
        if self._pay_now_in_sandbox():
            return self.env._("The provider is the sandbox: every customer gets the button.")
        if self.pay_now_test_email:
            return self.env._("Only the test address %s gets the button.", self.pay_now_test_email)
        return self.env._("No customer gets the button: enter a test address to try it out.")

    def _pay_now_forecast_text(self):
        """Return in one sentence what would be sent tomorrow, or False before anything can be.

        A run of very many customers is not tried out unasked.

        :rtype: str | bool
        """
        self.ensure_one()
        if not self.pay_now_connected:
            return False
        Run = self.env['pay.now.reminder.run']
        due = Run._count_due(self)
        if not due:
            return self.env._("Nobody would be reminded tomorrow.")
        if due > const.FORECAST_LIMIT:
            return self.env._("%s customers have something due. Show the list to see more.", due)
        return Run._forecast_text(self)
