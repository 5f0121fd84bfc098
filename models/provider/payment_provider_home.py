# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.provider.connection import Place


class PaymentProvider(models.Model):
    """The database that a connection to real money was made for, told from its copies.

    What stops in a copy is decided where it happens: the gateway (`connection.OwnKeys`), the
    ledger, the books, receipts and reminders ask `_pay_now_away` (doc/adr/023).
    """

    _inherit = 'payment.provider'

    pay_now_is_away = fields.Boolean(
        string="Not the live database", compute='_compute_pay_now_is_away', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_home_uuid', 'pay_now_home_hosts', 'pay_now_home_names')
    def _compute_pay_now_is_away(self):
        for provider in self:
            provider.pay_now_is_away = bool(
                provider.code in const.PROVIDER_CODES and provider._pay_now_connection().is_away()
            )

    # === ACTION METHODS === #

    def action_pay_now_is_home(self):
        """Let the connections work here: the database was moved, and is no copy.

        :raise AccessError: the user is no administrator.
        """
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._("Only an administrator can say which database is live."))
        self.check_access('write')
        place = Place.of(self.env)
        away = self._pay_now_away()
        for provider in away:
            moved = urlsplit(provider.pay_now_webhook_url or '').hostname != place.host
            provider.write(
                {
                    **place.joined_values(provider),
                    # At another address the webhook is registered anew.
                    **({'pay_now_webhook_url': False} if moved else {}),
                    'pay_now_silent_since': False,
                    'pay_now_silent_at': False,
                    # The scheduled action looks at it, and at its webhook.
                    'pay_now_checked_at': False,
                }
            )
            read = provider.with_context(lang=provider.company_id._pay_now_lang())
            read.message_post(body=read.env._("%s: this is the live database.", read.env.user.name))
        away._pay_now_acknowledge_health()
        for name in ('ir_cron_health', 'ir_cron_sweep', 'ir_cron_reminders_send'):
            if cron := self.env.ref(f'account_pay_now.{name}', raise_if_not_found=False):
                cron.sudo()._trigger()

    # === BUSINESS METHODS === #

    def _pay_now_away_label(self):
        """Return that this is another database than the connection was made for, and what to do.

        :rtype: str
        """
        self.ensure_one()
        place = Place.of(self.env)
        provider = self.sudo()
        what = {
            'host': self.env._(
                "it is at %(here)s, and not at %(home)s",
                here=place.host,
                home=provider.pay_now_home_hosts,
            ),
            'name': self.env._(
                "it is called %(here)s, and not %(home)s",
                here=place.name,
                home=provider.pay_now_home_names,
            ),
        }.get(place.differs_from(provider)) or self.env._("it was duplicated or restored")
        return self.env._(
            "This is not the database that was connected to %(provider)s: %(what)s. So that no copy"
            " takes part in your business, nothing is asked of %(provider)s here, nothing is booked"
            " and no reminder leaves. Is it a copy? Disconnect it. Did you move your database? Then"
            " an administrator presses “This is the live database”.",
            provider=self._pay_now_short_name(),
            what=what,
        )
