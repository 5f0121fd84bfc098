# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes before anybody pays: the four steps, the customers, their invoices."""

from datetime import date, timedelta

from .people import Refused, expect

SETUP = 'pay.now.setup'


class SettingUp:
    """Scenes of the administrator."""

    def set_up(self):
        """Steps 1 to 4, in the wrong order first."""
        admin = self.admin
        setup = admin.create(SETUP, application='accounting', signup_email='admin@fournil.example')
        self.refused("sign-up before the code", lambda: admin.press(SETUP, setup, 'action_sign_up'))
        admin.call(SETUP, 'write', [setup], {'sage_customer_code': ' FR-123 456 '})
        admin.press(SETUP, setup, 'action_save_code')
        company = admin.search('res.company', [], 'pay_now_sage_customer_code', limit=1)[0]
        self.company_id = company['id']
        expect(company['pay_now_sage_customer_code'] == 'FR-123456', company)
        self.say("step 1: Sage customer code FR-123456, pasted spaces removed")
        admin.press(SETUP, setup, 'action_sign_up')
        options = self.options()
        expect(options == (True, False, False, False), f"ticked: {options}")
        self.say("step 2: signed up from Accounting; only its reminder option is ticked")
        self.refused(
            "options before a provider is connected",
            lambda: admin.call(
                'res.company', 'write', [self.company_id], {'pay_now_any_method_sales': True}
            ),
        )
        self.connect(setup)
        expect(self.options() == options, "connecting changed a tick")
        admin.press(SETUP, setup, 'action_configure')
        self.say("step 4: the settings are open")

    def options(self):
        """Return the four ticks."""
        names = (
            'pay_now_reminder_accounting',
            'pay_now_reminder_sales',
            'pay_now_any_method_accounting',
            'pay_now_any_method_sales',
        )
        values = self.admin.read('res.company', self.company_id, *names)
        return tuple(values[name] for name in names)

    def connect(self, setup):
        """Step 3: a wrong key, then the right one."""
        admin = self.admin
        self.provider_id = admin.search(
            'payment.provider',
            [('code', '=', 'pay_now_stripe'), ('company_id', '=', self.company_id)],
            'id',
        )[0]['id']

        def connect(key):
            wizard = admin.create(
                'pay.now.connect',
                provider_id=self.provider_id,
                setup_id=setup,
                api_key=key,
                api_base=self.sandbox.api_base,
            )
            admin.press('pay.now.connect', wizard, 'action_connect')

        self.refused("a wrong key", lambda: connect('sk_test_wrong_key'))
        expect(not self.sandbox.account_state()['webhooks'], "a webhook was left behind")
        # From here on everything arrives three times at once and in random order, or not at all.
        mode = 'on' if self.webhooks else 'off'
        self.sandbox.webhooks(mode=mode, copies=3, shuffle=True)
        connect(self.sandbox.key)
        provider = admin.read(
            'payment.provider',
            self.provider_id,
            'pay_now_status',
            'pay_now_account',
            'pay_now_clearing_account_id',
            'pay_now_commission_account_id',
            'journal_id',
        )
        expect(provider['pay_now_status'] == 'connected', provider)
        webhooks = self.sandbox.account_state()['webhooks']
        expect(webhooks == [f'{self.url}/pay_now/webhook/{self.provider_id}'], webhooks)
        self.say(
            f"step 3: connected to {provider['pay_now_account']}; webhook registered; journal"
            f" {provider['journal_id'][1]}, accounts"
            f" {provider['pay_now_clearing_account_id'][1]} and"
            f" {provider['pay_now_commission_account_id'][1]}"
        )
        self.clearing_id = provider['pay_now_clearing_account_id'][0]
        self.commission_id = provider['pay_now_commission_account_id'][0]

    def refused(self, what, action):
        """Press something that must be refused, and show in which words."""
        try:
            action()
        except Refused as error:
            self.say(f"{what}: “{error}”")
        else:
            expect(False, f"{what} was not refused")

    # === PEOPLE AND INVOICES === #

    def make_customers(self):
        """The customers of the play."""
        french = {'lang': 'fr_FR'}
        self.customers = {
            'card': self.customer("Boulangerie Martin", 'martin@client.example', **french),
            'declined': self.customer("Old Oak Ltd", 'oak@client.example'),
            'sepa': self.customer("Atelier Dubois", 'dubois@client.example', **french),
            'sweep': self.customer("Green Fields Ltd", 'fields@client.example'),
            'reminder': self.customer("Garage Leroy", 'leroy@client.example', **french),
            'no_email': self.customer("Sans Adresse", False),
            'foreign': self.customer("Dollar Inc", 'dollar@client.example'),
            'cheque': self.customer("Cheque & Sons", 'cheque@client.example'),
            'previous': self.customer("Ancien Solde", 'solde@client.example', **french),
        }
        self.say(f"{len(self.customers)} customers, French and English")

    def customer(self, name, email, **values):
        """Create a customer and return its id."""
        return self.admin.create('res.partner', name=name, email=email, **values)

    def invoice(self, who, amount, days_late=10, **values):
        """Post an invoice, due a number of days ago.

        :return: its id and number.
        """
        due = (date.today() - timedelta(days=days_late)).isoformat()
        invoice = self.admin.create(
            'account.move',
            move_type='out_invoice',
            partner_id=self.customers[who],
            invoice_date=due,
            invoice_line_ids=[
                (0, 0, {'name': "Bread", 'quantity': 1, 'price_unit': amount, 'tax_ids': []})
            ],
            **{'invoice_payment_term_id': False, 'invoice_date_due': due, **values},
        )
        self.admin.press('account.move', invoice, 'action_post')
        return invoice, self.admin.read('account.move', invoice, 'name')['name']
