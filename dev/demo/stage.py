# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What all scenes share: who is there, and how an invoice is made, sent and seen paid."""

import contextlib
from datetime import date, timedelta

from ..env import console
from .people import Administrator, Refused, expect, plain, wait_for
from .sides import PayPalSide, StripeSide

RUN = 'pay.now.reminder.run'
REMINDER = 'pay.now.reminder'
#: The customers of the play: name, e-mail, language.
CUSTOMERS = {
    'pay': ("Boulangerie Martin", 'martin@client.example', 'fr_FR'),
    'declined': ("Old Oak Ltd", 'oak@client.example', 'en_US'),
    'later': ("Atelier Dubois", 'dubois@client.example', 'fr_FR'),
    'sweep': ("Green Fields Ltd", 'fields@client.example', 'en_US'),
    'reminder': ("Garage Leroy", 'leroy@client.example', 'fr_FR'),
    'no_email': ("Sans Adresse SARL", False, 'fr_FR'),
    'foreign': ("Dollar Inc", 'dollar@client.example', 'en_US'),
    'cheque': ("Cheque & Sons", 'cheque@client.example', 'en_US'),
    'previous': ("Ancien Solde SARL", 'solde@client.example', 'fr_FR'),
    'paypal_pay': ("Fleurs Lambert", 'lambert@client.example', 'fr_FR'),
    'paypal_declined': ("Ivy House Ltd", 'ivy@client.example', 'en_US'),
    'paypal_later': ("Menuiserie Petit", 'petit@client.example', 'fr_FR'),
    'paypal_sweep': ("Blue Barn Ltd", 'barn@client.example', 'en_US'),
    'paypal_reminder': ("Librairie Roux", 'roux@client.example', 'fr_FR'),
    'switch': ("Silver Birch Ltd", 'birch@client.example', 'en_US'),
    'transfer': ("Minoterie Vidal", 'vidal@client.example', 'fr_FR'),
    'plan': ("Traiteur Blanc", 'blanc@client.example', 'fr_FR'),
    'statement': ("Hôtel Moreau", 'moreau@client.example', 'fr_FR'),
    'interest': ("Restaurant Girard", 'girard@client.example', 'fr_FR'),
    'notice': ("Primeurs Garnier", 'garnier@client.example', 'fr_FR'),
}


class Stage:
    """The ground on which the scenes are played.

    :param str url: Odoo's address.
    :param str database: its database.
    :param sandbox: the client of the sandbox.
    :param mails: the mail catcher.
    :param bool webhooks: whether the sandbox notifies at all.
    """

    def __init__(self, url, database, sandbox, mails, webhooks=True):
        self.url = url
        self.sides = {side.code: side for side in (StripeSide(sandbox), PayPalSide(sandbox.paypal))}
        #: The provider of the scene being played.
        self.side = None
        self.mails = mails
        self.webhooks = webhooks
        self.admin = Administrator(url, database)
        self.customers = {}
        self.paid = []
        self.company_id = None

    @staticmethod
    def say(fact):
        """Tell what was just seen."""
        console.say(f"   ✓ {fact}")

    # === INVOICES === #

    def email(self, who):
        """Return a customer's address."""
        return CUSTOMERS[who][1]

    def theirs(self, who):
        """Return the customer that plays a part with the provider of the scene."""
        return self.side.prefix + who

    def hosted(self, amount, who):
        """Return an amount as the provider's page shows it to a customer."""
        return self.side.amount(amount, CUSTOMERS[who][2])

    def invoice(self, who, amount, days_late=10, **values):
        """Post an invoice, due a number of days ago.

        :return: its id and number.
        """
        due = (date.today() - timedelta(days=days_late)).isoformat()
        line = {'name': "Flour and yeast", 'quantity': 1, 'price_unit': amount, 'tax_ids': []}
        invoice = self.admin.create(
            'account.move',
            move_type='out_invoice',
            partner_id=self.customers[who],
            invoice_date=due,
            invoice_line_ids=[(0, 0, line)],
            **{'invoice_payment_term_id': False, 'invoice_date_due': due, **values},
        )
        self.admin.press('account.move', invoice, 'action_post')
        return invoice, self.admin.get('account.move', invoice, 'name')

    def send_invoice(self, invoice, who):
        """Send an invoice by Odoo's own window and return its mail."""
        before = self.mails.newest
        action = self.admin.press('account.move', invoice, 'action_invoice_sent')
        expect(action['res_model'] == 'account.move.send.wizard', action)
        wizard = self.admin.create(
            action['res_model'], context=action['context'], sending_methods=['email']
        )
        self.admin.press(action['res_model'], wizard, 'action_send_and_print', action['context'])
        return self.mail_to(who, before)

    def mail_to(self, who, after=0):
        """Return the last mail to a customer, once it is there."""
        email = self.email(who)
        return wait_for(f"a mail to {email}", lambda: self.mails.find(email, after))[-1]

    @staticmethod
    def expect_mail(mail, *texts):
        """Fail the step unless the mail says all this.

        :raise Failure: with what is missing.
        """
        body = plain(mail.text)
        for text in texts:
            expect(text in body, f"“{text}” is not in the mail: {body}")

    def state(self, invoice):
        """Return how far an invoice is paid."""
        return self.admin.get('account.move', invoice, 'payment_state')

    def residual(self, invoice):
        """Return what is left to pay of an invoice."""
        return self.admin.get('account.move', invoice, 'amount_residual')

    def wait_paid(self, invoice, name):
        """Wait until an invoice is paid, by itself, and see that the books say the same."""
        self.wait_booked(f"{name} to be paid", lambda: self.state(invoice) == 'paid')
        lines = self.admin.search(
            'account.move.line',
            [('move_id', '=', invoice), ('display_type', '=', 'payment_term')],
            'reconciled',
            'amount_residual',
        )
        expect(all(one['reconciled'] and not one['amount_residual'] for one in lines), lines)
        self.paid.append(name)

    def count_transactions(self):
        """Return how many payments were started."""
        return self.admin.count('payment.transaction')

    def transaction_of(self, invoice):
        """Return what Odoo knows of the payment of an invoice."""
        return self.admin.search(
            'payment.transaction',
            [('invoice_ids', 'in', [invoice])],
            'reference',
            'state',
            'amount',
            'payment_id',
            'pay_now_commission',
            'pay_now_commission_state',
            'pay_now_commission_move_id',
            order='id desc',
            limit=1,
        )[0]

    def balance(self, account_id, *domain):
        """Return the posted balance of an account, in cents."""
        lines = self.admin.search(
            'account.move.line',
            [('account_id', '=', account_id), ('parent_state', '=', 'posted'), *domain],
            'balance',
        )
        return round(sum(line['balance'] for line in lines) * 100)

    def bank_journal(self):
        """Return the journal of the company's bank."""
        domain = [('type', '=', 'bank'), ('company_id', '=', self.company_id)]
        ours = [side.clearing_id for side in self.sides.values()]
        domain.append(('default_account_id', 'not in', ours))
        return self.admin.search('account.journal', domain, 'id', limit=1)[0]['id']

    def wait_booked(self, what, check):
        """Wait for the books to follow; without webhooks it is the sweep that they follow."""

        def swept():
            found = check()
            if not found and not self.webhooks:
                self.sweep()
            return found

        return wait_for(what, swept)

    def press(self, customer, method):
        """Let a customer choose a way of paying, and wait for the page that follows."""
        customer.press(method)
        self.wait_booked("the result page", customer.settled)
        return customer

    def sweep(self):
        """Start the sweep now, by the button of its scheduled action."""
        sweep = self.admin.ref('account_pay_now.ir_cron_sweep')
        # It may be at work at this moment: Odoo says so, and that is as good.
        with contextlib.suppress(Refused):
            self.admin.press('ir.cron', sweep, 'method_direct_trigger')

    def notify(self):
        """Let notifications come in: each one three times at once and in random order."""
        mode = 'on' if self.webhooks else 'off'
        for side in self.sides.values():
            side.client.webhooks(mode=mode, copies=3, shuffle=True)

    # === REMINDER RUNS === #

    def generate(self, **values):
        """Generate reminders by the window and return the run's id."""
        action = self.admin.open('account_pay_now.action_pay_now_generate_reminders')
        wizard = self.admin.create(action['res_model'], **values)
        return self.admin.press(action['res_model'], wizard, 'action_generate')['res_id']

    def outcome(self, run, who):
        """Return what a run says about one customer."""
        found = self.admin.search(
            REMINDER,
            [('run_id', '=', run), ('partner_id', '=', self.customers[who])],
            'state',
            'reason',
            'amount_due',
            'amount_payable',
            'has_button',
            'previous_balance',
        )
        expect(len(found) == 1, f"{who} is {len(found)} times in the run")
        return found[0]

    def send(self, run, *who, mailed=True):
        """Send a run to some customers only and return their mails."""
        before = self.mails.newest
        wanted = [self.customers[one] for one in who]
        others = [('run_id', '=', run), ('state', '=', 'draft'), ('partner_id', 'not in', wanted)]
        if others := self.admin.call(REMINDER, 'search', others):
            self.admin.press(REMINDER, others, 'action_drop')
        self.admin.press(RUN, run, 'action_send')
        wait_for("the run to be sent", lambda: self.admin.get(RUN, run, 'state') == 'done')
        return [self.mail_to(one, before) for one in who if mailed]
