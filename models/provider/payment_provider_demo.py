# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import hmac

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import GatewayNotFound, GatewayRefused


class PaymentProvider(models.Model):
    """A connection that is played in a database with demo data, for whoever tries the module out.

    The provider is `gateways/demo`: what payers do on its page, and its people by the buttons of
    the form, is kept there and notified of. All else is the ordinary way of a connection in test
    mode: notifications are proven and stored, the workers ask about what they name, and book.
    """

    _inherit = 'payment.provider'

    pay_now_demo = fields.Boolean(
        string="Demonstration",
        readonly=True,
        copy=False,
        help="The provider is played: nothing is charged, and nobody is asked. Only in a database"
        " with demo data.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_demo', 'state', 'pay_now_api_key', 'pay_now_platform_state')
    def _check_pay_now_demo(self):
        for provider in self.filtered('pay_now_demo'):
            kept = provider.sudo()
            if provider.code not in const.PROVIDER_CODES or not self._pay_now_has_demo_data():
                raise ValidationError(
                    self.env._(
                        "A demonstration of a provider is only possible in a database with demo"
                        " data."
                    )
                )
            if provider.state == 'enabled' or kept.pay_now_api_key or kept.pay_now_platform_state:
                raise ValidationError(
                    self.env._(
                        "“%s” is a demonstration: it has no keys, and takes no real money. Press"
                        " “Connect another account” to connect with yours.",
                        provider.name,
                    )
                )

    # === ACTION METHODS === #

    def action_pay_now_demo_settle(self):
        """Let the money arrive that is on its way: of payments by a method that takes days.

        :return: a notification.
        :rtype: dict
        """
        demo = self._pay_now_demo_provider()
        waiting = self._pay_now_demo_payments(base.PENDING)
        if not waiting:
            raise UserError(
                self.env._("No payment is on its way: choose a method that takes days.")
            )
        for ref in waiting:
            demo.settle(ref)
        return self._pay_now_demo_done(
            demo, self.env._("The money has arrived: the payments are confirmed.")
        )

    def action_pay_now_demo_pay_out(self):
        """Let the provider pay out what it owes, and the bank write its line.

        :return: a notification.
        :rtype: dict
        """
        demo = self._pay_now_demo_provider()
        payout = demo.pay_out(self.company_id.currency_id.name)
        if not payout:
            raise UserError(self.env._("Nothing is owed: let a customer pay first."))
        result = self._pay_now_demo_done(
            demo, self.env._("Paid out: the payout, and its line of the bank, are in the books.")
        )
        self._pay_now_demo_bank_line(payout)
        return result

    def action_pay_now_demo_dispute(self):
        """Let the payer of the newest payment ask for the money back.

        :return: a notification.
        :rtype: dict
        """
        demo = self._pay_now_demo_provider()
        for ref in reversed(self._pay_now_demo_payments(base.PAID)):
            try:
                demo.dispute(ref)
            except GatewayRefused:
                # Disputed, or given back, already.
                continue
            return self._pay_now_demo_done(
                demo, self.env._("The payer of the newest payment asks for the money back.")
            )
        raise UserError(self.env._("There is no payment to dispute: let a customer pay first."))

    def action_pay_now_demo_win(self):
        """Let the bank decide for the company in the dispute that waits the longest.

        :return: a notification.
        :rtype: dict
        """
        return self._pay_now_demo_decide(True, self.env._("The dispute is won: the money is back."))

    def action_pay_now_demo_lose(self):
        """Let the bank decide for the payer in the dispute that waits the longest.

        :return: a notification.
        :rtype: dict
        """
        return self._pay_now_demo_decide(
            False, self.env._("The dispute is lost: the invoice is open again.")
        )

    # === BUSINESS METHODS - CONNECTION === #

    @api.model
    def _pay_now_has_demo_data(self):
        """Tell whether this is a database with demo data: nobody does business in one.

        :rtype: bool
        """
        module = self.env.ref('base.module_base', raise_if_not_found=False)
        return bool(module and module.sudo().demo)

    def _pay_now_connect_demo(self):
        """Connect to a provider that is played, as step 3 does with keys.

        :raise ValidationError: this is no database with demo data, or the record has keys.
        :raise UserError: as of `_pay_now_connect`.
        """
        self.ensure_one()
        self.sudo().pay_now_demo = True
        self._pay_now_connect('')

    def _pay_now_demo_label(self):
        """Return what there is to say of the connection.

        :rtype: str
        """
        return self.env._(
            "Demonstration: %s is played by this Odoo. Nothing is charged, and nobody is asked.",
            self._pay_now_short_name(),
        )

    def _pay_now_demo_provider(self):
        """Return the provider that is played, for who may change the connection.

        :rtype: gateways.demo.provider.DemoProvider
        :raise UserError: it is an ordinary one.
        """
        self.ensure_one()
        self.check_access('write')
        provider = self.sudo()
        if not provider.pay_now_demo or not self._pay_now_has_demo_data():
            raise UserError(self.env._("“%s” is no demonstration.", self.name))
        return provider._pay_now_gateway().provider

    def _pay_now_demo_payments(self, state):
        """Return the ids of the checkouts in a state, as they were made.

        :param str state: of `gateways.base`.
        :rtype: list
        """
        store = self.env['pay.now.demo.object']._store(self)
        return [ref for ref, values in store.all('checkout') if values['state'] == state]

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_demo_checkout(self, ref, token):
        """Return what the page of a checkout shows, None where the address opens none.

        :param str ref: of the checkout.
        :param str token: of the address.
        :rtype: dict | None
        """
        provider = self.exists().sudo()
        if (
            provider.code not in const.PROVIDER_CODES
            or not provider.pay_now_demo
            or not provider._pay_now_has_demo_data()
        ):
            return None
        try:
            values = provider._pay_now_gateway().provider.checkout(ref)
        except GatewayNotFound:
            return None
        return values if token and hmac.compare_digest(values['token'], token) else None

    def _pay_now_demo_choose(self, ref, choice):
        """Do what a payer chose on the page, and notify of it.

        :param str ref: of the checkout.
        :param str choice: `pay`, `slow` or `decline`.
        """
        self.ensure_one()
        demo = self._pay_now_gateway().provider
        if choice == 'decline':
            demo.decline(ref)
        else:
            demo.pay(ref, slow=choice == 'slow')
        self._pay_now_demo_deliver(demo)

    # === BUSINESS METHODS - WHAT FOLLOWS === #

    def _pay_now_demo_deliver(self, demo):
        """Take the notifications of a provider that is played as those of any other are taken.

        :param gateways.demo.provider.DemoProvider demo: what happened there.
        """
        self.ensure_one()
        provider = self.sudo()
        gateway = provider._pay_now_gateway()
        for told in demo.told:
            if posted := demo.notification(told):
                body, headers = posted
                event = gateway.verify_event(body, headers)
                self.env['pay.now.event'].sudo()._receive(provider, event, body)
        demo.told.clear()

    def _pay_now_demo_done(self, demo, message):
        """Let everything follow from what happened at the provider, at once.

        :param gateways.demo.provider.DemoProvider demo: what happened there.
        :param str message: what to tell who pressed the button.
        :return: a notification, after which the screen shows it too.
        :rtype: dict
        """
        self._pay_now_demo_deliver(demo)
        self._pay_now_demo_work_off()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _pay_now_demo_work_off(self):
        """Do now what the scheduled actions would do in a few minutes."""
        provider = self.sudo()
        Event = self.env['pay.now.event'].sudo()
        mine = Domain('provider_id', '=', provider.id)
        Event.search(Event._pending_domain() & mine, order='id')._process()
        # It does not notify of everything.
        provider.pay_now_last_listing_at = False
        provider._pay_now_sweep_movements()

    def _pay_now_demo_decide(self, won, message):
        """Let the bank decide the dispute that waits the longest.

        :param bool won: for the company.
        :param str message: what to tell who pressed the button.
        :return: a notification.
        :rtype: dict
        """
        demo = self._pay_now_demo_provider()
        store = self.env['pay.now.demo.object']._store(self)
        waiting = [ref for ref, values in store.all('dispute') if values['state'] == 'open']
        if not waiting:
            raise UserError(self.env._("There is no open dispute: open one first."))
        demo.decide(waiting[0], won)
        return self._pay_now_demo_done(demo, message)

    def _pay_now_demo_bank_line(self, payout_ref):
        """Write the line that the bank's statement has of a payout.

        :param str payout_ref: the provider's id of it.
        :return: the line; none where the company has no bank journal.
        :rtype: account.bank.statement.line
        """
        lines = self.env['account.bank.statement.line'].sudo()
        bank = self._pay_now_demo_bank()
        if not bank:
            return lines
        payout = self._pay_now_gateway().fetch_payout(payout_ref)
        company = self.company_id
        day = company._pay_now_day(company._pay_now_instant(payout.arrives_at))
        return lines.create(
            {
                'journal_id': bank.id,
                'date': min(day, company._pay_now_today()),
                'payment_ref': f'{payout.descriptor} {payout.bank_reference or payout.id}',
                'amount': float(payout.amount),
            }
        )

    def _pay_now_demo_bank(self):
        """Return the journal of the company's bank, none where it has only providers'.

        :rtype: account.journal
        """
        mine = Domain('company_id', '=', self.company_id.id)
        ours = self.sudo().search(Domain('code', 'in', const.PROVIDER_CODES) & mine)
        banks = mine & Domain('type', '=', 'bank')
        others = Domain('id', 'not in', ours._pay_now_journals().ids)
        return self.env['account.journal'].sudo().search(banks & others, limit=1)
