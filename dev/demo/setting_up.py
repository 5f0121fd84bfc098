# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes before anybody pays: the ground, the four steps, the customers."""

from .people import Refused, expect
from .stage import CUSTOMERS, Stage

SETUP = 'pay.now.setup'
OPTIONS = (
    'pay_now_reminder_accounting',
    'pay_now_reminder_sales',
    'pay_now_any_method_accounting',
    'pay_now_any_method_sales',
)


class SettingUp(Stage):
    """Scenes of the administrator."""

    def ground(self):
        """The mail server, the address that customers see, the look of documents."""
        admin = self.admin
        port = self.mails.smtp_port
        server = admin.create(
            'ir.mail_server', name="Mail catcher", smtp_host='127.0.0.1', smtp_port=port
        )
        admin.press('ir.mail_server', server, 'test_smtp_connection')
        self.say(f"outgoing mail server: 127.0.0.1:{port}, its test succeeds")
        admin.call('ir.config_parameter', 'set_param', 'web.base.url', self.url)
        address = admin.call('ir.config_parameter', 'get_param', 'web.base.url')
        expect(address == self.url, f"web.base.url is {address}")
        self.say(f"customers are sent to {address}")
        self._speak_french()
        # Odoo asks for it before it sends the first invoice.
        layout = admin.search('report.layout', [], 'name', 'view_id', limit=1)[0]
        chosen = admin.create(
            'base.document.layout',
            report_layout_id=layout['id'],
            external_report_layout_id=layout['view_id'][0],
        )
        admin.press('base.document.layout', chosen, 'document_layout_save')
        self.say(f"document layout: {layout['name']}")

    def _speak_french(self):
        """Let the French company and its administrator speak French; the play is told in English.

        What is called here names its language; Odoo in a browser, and what the company notes, take
        the user's and the company's.
        """
        admin, lang = self.admin, 'fr_FR'
        user = admin.search('res.users', [('login', '=', 'admin')], 'partner_id', 'company_id')[0]
        company = admin.get('res.company', user['company_id'][0], 'partner_id')[0]
        for partner in (user['partner_id'][0], company):
            admin.write('res.partner', partner, lang=lang)
        menu = admin.ref('account_pay_now.menu_pay_now_reminders')
        names = admin.call('ir.ui.menu', 'read', [menu], ['name'], context={'lang': lang})
        expect(names[0]['name'] == "Rappels clients", names)
        self.say(f"the back office is in French: “{names[0]['name']}”")

    # === THE FOUR STEPS === #

    def set_up(self):
        """Steps 1 to 4, in the wrong order first."""
        admin = self.admin
        action = admin.open('account_pay_now.action_pay_now_setup')
        setup = admin.create(
            action['res_model'],
            context={'default_application': 'accounting'},
            signup_email='comptabilite@fournil.example',
        )
        self.company_id = admin.get(SETUP, setup, 'company_id')[0]
        self._expect_step(setup, 'code')
        self.refused("sign-up before the code", admin.press, SETUP, setup, 'action_sign_up')
        admin.write(SETUP, setup, sage_customer_code=' FR-123 456 ')
        admin.press(SETUP, setup, 'action_save_code')
        code = admin.get('res.company', self.company_id, 'pay_now_sage_customer_code')
        expect(code == 'FR-123456', f"the code is {code}")
        self.say("step 1: Sage customer code “ FR-123 456 ” kept as FR-123456")
        self._expect_step(setup, 'signup')
        stripe, paypal = self.sides.values()
        self.refused("connecting before the sign-up", self._connect, setup, stripe, stripe.keys)
        admin.press(SETUP, setup, 'action_sign_up')
        self._expect_step(setup, 'connect')
        self._expect_ticks('pay_now_reminder_accounting')
        self.say("step 2: signed up from Accounting; its reminder option alone is ticked")
        self.refused("options before a provider is connected", self.tick_option, OPTIONS[3])
        self.refused("configuration before it", admin.press, SETUP, setup, 'action_configure')
        self._connecting(setup, stripe)
        self._connecting(setup, paypal)
        self._expect_step(setup, 'configure')
        self._expect_ticks('pay_now_reminder_accounting')
        action = admin.press(SETUP, setup, 'action_configure')
        expect(action['res_model'] == 'res.config.settings', action)
        self.say("step 4: the settings are open; connecting changed no tick")

    def _expect_step(self, setup, step):
        now = self.admin.get(SETUP, setup, 'step')
        expect(now == step, f"the set-up is at step {now}, not {step}")

    def _expect_ticks(self, *names):
        values = self.admin.read('res.company', self.company_id, *OPTIONS)
        ticked = tuple(name for name in OPTIONS if values[name])
        expect(ticked == names, f"ticked: {ticked}")

    def tick_option(self, name, ticked=True):
        """Tick one of the options in the settings and save them."""
        settings = self.admin.create('res.config.settings', **{name: ticked})
        self.admin.press('res.config.settings', settings, 'execute')

    def _connect(self, setup, side, keys):
        """Fill in the window of step 3 and press *Connect*."""
        admin = self.admin
        providers = admin.search(
            'payment.provider',
            [('id', 'in', admin.get(SETUP, setup, 'provider_ids'))],
            'code',
        )
        side.provider_id = next(one['id'] for one in providers if one['code'] == side.code)
        action = admin.press(
            SETUP, setup, 'action_connect', context={'provider_id': side.provider_id}
        )
        wizard = admin.create(
            action['res_model'],
            context=action['context'],
            api_base=side.client.api_base,
            **keys,
        )
        admin.press(action['res_model'], wizard, 'action_connect')

    def _connecting(self, setup, side):
        """Step 3: wrong keys, then the right ones."""
        before = self._connection(side)
        what = f"wrong keys of {side.name}"
        message = self.refused(what, self._connect, setup, side, side.wrong_keys)
        expect(side.wrong_keys_message in message, f"not in {side.name}'s message: {message}")
        now = self._connection(side)
        expect(now == before or not before, f"{before} became {now}")
        expect(now['pay_now_status'] == 'not_connected', now)
        expect(not side.client.account_state()['webhooks'], "a webhook was left behind")
        self.notify()
        self._connect(setup, side, side.keys)
        now = self._connection(side)
        expect(now['pay_now_status'] == 'connected' and now['is_published'], now)
        webhooks = side.client.account_state()['webhooks']
        expect(webhooks == [f'{self.url}/pay_now/webhook/{side.provider_id}'], webhooks)
        side.clearing_id, clearing = now['pay_now_clearing_account_id']
        side.commission_id, commission = now['pay_now_commission_account_id']
        self.say(f"step 3: {side.name} connected to {now['pay_now_account']}, {webhooks[0]}")
        self.say(
            f"journal “{now['journal_id'][1]}”, clearing account “{clearing}”, commission account"
            f" “{commission}”"
        )

    def _connection(self, side):
        """Return what connecting changes, and a failed connection must not."""
        if not side.provider_id:
            return None
        return self.admin.read(
            'payment.provider',
            side.provider_id,
            'state',
            'is_published',
            'pay_now_status',
            'pay_now_account',
            'pay_now_clearing_account_id',
            'pay_now_commission_account_id',
            'journal_id',
            'pay_now_api_key',
            'pay_now_webhook_ref',
        )

    def refused(self, what, action, *args):
        """Do something that must be refused, and show the message.

        :return: the message.
        """
        try:
            action(*args)
        except Refused as error:
            self.say(f"refused, {what}: “{error}”")
            return str(error)
        return expect(False, f"{what} was not refused")

    # === PEOPLE === #

    def make_customers(self):
        """The customers of the play."""
        self.customers = {
            who: self.admin.create('res.partner', name=name, email=email, lang=lang)
            for who, (name, email, lang) in CUSTOMERS.items()
        }
        names = ', '.join(name for name, _email, _lang in CUSTOMERS.values())
        self.say(f"{len(self.customers)} customers, French and English: {names}")
