# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields, models
from odoo.tools import formataddr

#: The type of a notification, by the health it is about.
NOTIFICATION_TYPES = {'green': 'success', 'amber': 'warning', 'red': 'danger'}
#: What somebody is notified of. Not that no event came yet, nor that the address is not https:
#: everybody starts like that, and everything is booked all the same.
NOTIFIED = ('problem', 'silent', 'unheard', 'commission')
ACTIVITY = 'mail.mail_activity_data_todo'


class PaymentProvider(models.Model):
    """Who is notified of the health, and how: once for each change, not once a day.

    What is so when connecting is seen by whoever connects, and nobody else is notified of it.
    """

    _name = 'payment.provider'
    _inherit = ['payment.provider', 'mail.thread', 'mail.activity.mixin']

    pay_now_connected_by_id = fields.Many2one(
        string="Connected by", comodel_name='res.users', readonly=True, copy=False
    )
    pay_now_known_health = fields.Char(
        string="Health as known",
        readonly=True,
        copy=False,
        help="Code of the health that is known to those concerned.",
    )
    pay_now_noticed_health = fields.Char(
        string="Health of the last notice", readonly=True, copy=False
    )
    pay_now_noticed_at = fields.Datetime(string="Last notice on", readonly=True, copy=False)

    # === BUSINESS METHODS - NOTICES === #

    def _pay_now_follow_health(self):
        """Notify of each provider whose health is another one than those concerned know."""
        for provider in self:
            light, code = provider._pay_now_find_health()
            if code == (provider.pay_now_known_health or ''):
                continue
            provider.activity_unlink([ACTIVITY])
            if code in NOTIFIED:
                provider._pay_now_notify_health(light, code)
            provider.pay_now_known_health = code

    def _pay_now_acknowledge_health(self):
        """Take the health as it is for known."""
        for provider in self:
            provider.activity_unlink([ACTIVITY])
            provider.pay_now_known_health = provider._pay_now_find_health()[1]

    def _pay_now_notify_health(self, light, code):
        """Write one notice to the sign-up address, and give one person something to do.

        A connection that comes and goes several times a day writes once. The activity is in the
        language of whom it is assigned to, the mail in the company's.

        :param str light: `amber` or `red`.
        :param str code: what it is about.
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if administrator := self._pay_now_administrator():
            # Without the mail of an assignment: the notice is one.
            provider = self.with_context(
                mail_activity_quick_update=True,
                lang=administrator.lang or self.company_id._pay_now_lang(),
            )
            provider.activity_schedule(
                ACTIVITY,
                summary=provider.env._("Check the connection to %s", self._pay_now_short_name()),
                note=provider._pay_now_health_label(code),
                user_id=administrator.id,
            )
        lately = self.pay_now_noticed_at and now - self.pay_now_noticed_at < timedelta(days=1)
        if lately and self.pay_now_noticed_health == code:
            return
        self.write({'pay_now_noticed_at': now, 'pay_now_noticed_health': code})
        if self.company_id.pay_now_signup_email:
            mailed = self.with_context(lang=self.company_id._pay_now_lang())
            mailed._pay_now_mail_health(light, mailed._pay_now_health_label(code))

    def _pay_now_mail_health(self, light, text):
        """Queue the notice, in the context's language.

        :param str light: `amber` or `red`.
        :param str text: the one thing to do.
        """
        company = self.company_id
        names = {'company': company.name, 'provider': self._pay_now_short_name()}
        if light == 'red':
            subject = self.env._(
                "%(company)s: online payment with %(provider)s does not work", **names
            )
            lead = self.env._(
                "%(company)s: %(provider)s is not offered to your customers at the moment.", **names
            )
        else:
            subject = self.env._(
                "%(company)s: the connection to %(provider)s needs a look", **names
            )
            lead = self.env._(
                "%(company)s: your customers can go on paying with %(provider)s, but something"
                " needs a look.",
                **names,
            )
        body = self.env['ir.qweb']._render(
            'account_pay_now.mail_health',
            {
                'lead': lead,
                'text': text,
                'test_mode': self.sudo().pay_now_test_keys,
                'url': f'{company.get_base_url()}/odoo/action-account_pay_now.action_pay_now_setup',
            },
        )
        self.env['mail.mail'].sudo().create(
            {
                'subject': subject,
                'body_html': body,
                'email_to': company.pay_now_signup_email,
                'email_from': company.email_formatted or formataddr((company.name, 'noreply')),
                'auto_delete': False,
            }
        )

    def _pay_now_administrator(self):
        """Return who can fix the connection: who made it, else an administrator of the company.

        :rtype: res.users
        """
        self.ensure_one()
        administrators = (
            self.env.ref('base.group_system')
            .sudo()
            .all_user_ids.filtered(
                lambda user: user.active and not user.share and self.company_id in user.company_ids
            )
        )
        return (self.pay_now_connected_by_id & administrators) or administrators.sorted('id')[:1]

    # === BUSINESS METHODS - SHOWING === #

    def _pay_now_health_notices(self):
        """Return the health light of each provider, for those too who cannot open providers.

        :return: `{code: {level, message}}` as core's widget `actionable_errors` shows them.
        :rtype: dict
        """
        labels = dict(self._fields['pay_now_health']._description_selection(self.env))
        return {
            f'provider_{provider.id}': {
                'level': NOTIFICATION_TYPES[provider.pay_now_health],
                'message': self.env._(
                    "%(provider)s: %(health)s. %(text)s",
                    provider=provider._pay_now_short_name(),
                    health=labels[provider.pay_now_health],
                    text=provider.pay_now_health_text,
                ),
            }
            for provider in self
        }

    def _pay_now_check_notification(self, failures):
        """Return the notification of what was found, after which the screen shows it too.

        :param dict failures: `{provider: text}` of those that could not be asked.
        :return: a client action.
        :rtype: dict
        """
        worst, lines = 'green', []
        for provider in self:
            health = provider.pay_now_health or 'green'
            if provider in failures:
                health, text = 'red', failures[provider]
            elif provider.pay_now_status != 'connected':
                text = self.env._("not connected")
            elif health == 'green':
                text = self.env._("Checked: connected, everything fine.")
            elif health == 'amber':
                text = self.env._("Checked: connected. %s", provider.pay_now_health_text)
            else:
                text = provider.pay_now_health_text
            worst = max(worst, health, key=list(NOTIFICATION_TYPES).index)
            lines.append(f'{provider._pay_now_short_name()}: {text}')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': NOTIFICATION_TYPES[worst],
                'message': '\n'.join(lines),
                'sticky': worst == 'red',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
