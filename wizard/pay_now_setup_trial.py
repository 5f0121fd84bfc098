# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.payment.payment_transaction_checkout import lock_fresh

#: What the contact and the invoice of a trial are found by.
TRIAL_REF = 'PAY-NOW-TRIAL'


class PayNowSetup(models.TransientModel):
    """The trial invoice: a small one to oneself, whose mail has the first *Pay now* button."""

    _inherit = 'pay.now.setup'

    # === ACTION METHODS === #

    def action_trial_invoice(self):
        """Post a small invoice to oneself, and open the window whose mail has the first button.

        An open one of before is sent again: pressing twice makes one invoice, at once, too.

        :return: the window to send the invoice.
        :rtype: dict
        :raise UserError: why there would be no button; nothing is posted then.
        """
        self.ensure_one()
        self._check_connected()
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("This is another company."))
        self.env['account.move'].check_access('create')
        if not lock_fresh(self, const.PAYER_WAITS):
            raise UserError(self.env._("The trial invoice is being made at this moment."))
        invoice = self._find_trial_invoice() or self._create_trial_invoice()
        if reason := invoice._pay_now_refusal('invoice_mail'):
            raise UserError(invoice._pay_now_refusal_label(reason))
        return invoice.action_send_and_print()

    # === BUSINESS METHODS === #

    def _trial_address(self):
        """Return who gets the trial invoice: with test keys only the test address has a button.

        :rtype: str
        :raise UserError: there is no address.
        """
        company = self.company_id
        address = company._pay_now_test_mode() and company.pay_now_test_email
        address = utils.single_email(address or self.env.user.email)
        if not address:
            raise UserError(self.env._("There is no e-mail address to send the trial to."))
        return address

    def _find_trial_invoice(self):
        """Return the open trial invoice to the address, if there is one.

        :rtype: account.move
        """
        return self.env['account.move'].search(
            [
                ('company_id', '=', self.company_id.id),
                ('move_type', '=', 'out_invoice'),
                ('state', '=', 'posted'),
                ('payment_state', '=', 'not_paid'),
                ('ref', '=', TRIAL_REF),
                ('partner_id.email_normalized', '=', self._trial_address()),
            ],
            limit=1,
        )

    def _create_trial_invoice(self):
        """Post a trial invoice in the user's name: who keeps no books cannot.

        :rtype: account.move
        """
        company = self.company_id
        partner = self._find_trial_customer()
        invoice = (
            self.env['account.move']
            .with_company(company)
            .create(
                {
                    'move_type': 'out_invoice',
                    'company_id': company.id,
                    'partner_id': partner.id,
                    'currency_id': company.currency_id.id,
                    'ref': TRIAL_REF,
                    'invoice_line_ids': [
                        Command.create(
                            {
                                'name': self.env._("Trial of online payment"),
                                'quantity': 1,
                                'price_unit': self._trial_amount(),
                                'tax_ids': [Command.clear()],
                            }
                        )
                    ],
                }
            )
        )
        invoice.action_post()
        return invoice

    def _find_trial_customer(self):
        """Return the contact of trial invoices to the address, made once.

        :rtype: res.partner
        """
        company, address = self.company_id, self._trial_address()
        # Who makes invoices may not always make contacts.
        Partner = self.env['res.partner'].sudo().with_company(company)
        known = [
            ('ref', '=', TRIAL_REF),
            ('email_normalized', '=', address),
            ('company_id', '=', company.id),
        ]
        partner = Partner.search(known, limit=1) or Partner.create(
            {
                'name': self.env._("Trial customer"),
                'ref': TRIAL_REF,
                'email': address,
                'lang': self.env.lang,
                'company_id': company.id,
            }
        )
        return partner.with_env(self.env)

    def _trial_amount(self):
        """Return the smallest round amount that a provider of the company takes.

        :rtype: float
        """
        company = self.company_id
        providers = company._pay_now_providers()
        limits = [one._pay_now_amount_limits(company.currency_id)[0] for one in providers]
        return max([1.0, *map(float, limits)])
