# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes in which a customer pays an invoice from its own mail."""

from .people import Customer, expect
from .stage import Stage


class Paying(Stage):
    """Scenes of the customer."""

    def invoice_by_card(self):
        """One invoice, with its PDF, paid by card; the fee is known later only."""
        self.sandbox.fees(delay=None)
        try:
            invoice, name = self.invoice('card', 240.00)
            mail = self.send_invoice(invoice, 'card')
            self._expect_invoice_mail(mail)
            self.say(f"{name} sent from the Send window: “{mail.subject}”, PDF, button, address")
            customer = Customer().follow(mail).expect_text("240,00", name)
            before = self.count_transactions()
            for _crawler in range(5):
                Customer().open(customer.url)
            expect(self.count_transactions() == before, "opening the link created something")
            customer.pay().expect_text(name, "240.00 EUR")
            self.press(customer, 'card').expect_text("Paiement reçu, merci", "240,00")
            self.say(f"paid by card, no log-in; back on “{customer.title}”")
            self.wait_paid(invoice, name)
            self._expect_payment(invoice, 240.00)
            self._commission_follows(invoice)
        finally:
            self.sandbox.fees(delay=1.0)
            self.sandbox.release_fees()

    def _expect_invoice_mail(self, mail):
        pdfs = [data for name, data in mail.attachments.items() if name.endswith('.pdf')]
        expect(pdfs and pdfs[0].startswith(b'%PDF'), f"attachments: {list(mail.attachments)}")
        expect("Payer maintenant" in mail.html, "the button is not in the customer's French")
        expect(self.url in mail.text, "the plain text has no address")

    def _expect_payment(self, invoice, amount):
        """The payment is one, posted and reconciled with the invoice."""
        payments = self.admin.search(
            'account.payment',
            [('invoice_ids', 'in', [invoice])],
            'amount',
            'state',
            'is_reconciled',
        )
        expect(
            [(one['amount'], one['is_reconciled']) for one in payments] == [(amount, True)],
            payments,
        )
        self.say(f"payment of {amount:.2f} € booked and reconciled, the invoice is paid")

    def _commission_follows(self, invoice):
        """The fee becomes known after the payment was booked, and is booked then."""
        tx = self.transaction_of(invoice)
        expect(tx['pay_now_commission_state'] == 'waiting', tx)
        fees = self.sandbox.account_state()['fees']
        self.sandbox.release_fees()
        fee = self.sandbox.account_state()['fees'] - fees

        def booked():
            return self.transaction_of(invoice)['pay_now_commission_state'] == 'booked'

        self.wait_booked("the commission to be booked", booked)
        move = self.transaction_of(invoice)['pay_now_commission_move_id'][0]
        entry = [('move_id', '=', move)]
        booked_fee = self.balance(self.commission_id, *entry)
        expect(booked_fee == fee, f"commission {booked_fee}, the sandbox's fee {fee}")
        expect(self.balance(self.clearing_id, *entry) == -fee, "not against the clearing account")
        self.say(f"commission of {fee / 100:.2f} €, known later, booked as the sandbox's fee")

    def declined_then_paid(self):
        """The first card is refused; the second one, on the same page, is not."""
        invoice, name = self.invoice('declined', 99.90)
        mail = self.send_invoice(invoice, 'declined')
        expect("Pay now" in mail.html, "the button is not in the customer's English")
        customer = Customer().follow(mail).pay()
        hosted = customer.url
        customer.press('declined').expect_text("declined")
        expect(customer.url == hosted, "the payer was sent away")
        self.wait_booked("the refusal", lambda: self._failure(invoice))
        expect(self.state(invoice) == 'not_paid', "something was booked")
        self.say(f"{name}: “{self._failure(invoice)}” Nothing is booked")
        self.press(customer, 'card').expect_text("Payment received", "99.90")
        self.wait_paid(invoice, name)
        self.say(f"{name}: a second card on the same page, “{customer.title}”, paid")

    def _failure(self, invoice):
        tx = self.transaction_of(invoice)['id']
        return self.admin.get('payment.transaction', tx, 'pay_now_failure')

    def sepa(self):
        """A debit that is pending for a while: nobody pays twice, nobody is reminded."""
        invoice, name = self.invoice('sepa', 512.34)
        customer = Customer().follow(self.send_invoice(invoice, 'sepa'))
        page = customer.url
        self.press(customer.pay(), 'sepa').expect_text("Ne payez pas une seconde fois")
        self.say(f"{name}: SEPA debit, “{customer.title}”, do not pay a second time")
        again = Customer().open(page)
        expect(not again.can_pay(), "the page offers a second payment")
        before = self.count_transactions()
        line = again.tree.xpath('//form//input[@name="item"]/@value')[0]
        again.insist(self.provider_id, line)
        expect(again.url.startswith(self.url), f"led to {again.url}")
        expect(self.count_transactions() == before, "a second payment was started")
        again.expect_text("Paiement en cours")
        self.say("the invoice's page offers no second payment, and refuses one sent anyway")
        run = self.generate()
        held = self.outcome(run, 'sepa')
        expect((held['state'], held['reason']) == ('held', "Payment in progress"), held)
        self.admin.press('pay.now.reminder.run', run, 'action_cancel')
        self.say(f"its reminder is held: “{held['reason']}”")
        self.sandbox.settle()
        self.wait_paid(invoice, name)
        self.say(f"{name}: the bank confirms, a later webhook, paid")

    def webhooks_off(self):
        """Nothing is notified, and the payer never comes back: the sweep books it."""
        self.sandbox.webhooks(mode='off')
        try:
            invoice, name = self.invoice('sweep', 75.50)
            customer = Customer().follow(self.send_invoice(invoice, 'sweep')).pay()
            session = customer.url.rpartition('/')[2]
            events = self.admin.count('pay.now.event', ('source', '=', 'webhook'))
            self.sandbox.pay(session=session, method='card')
            self.sandbox.release_fees()
            expect(self.state(invoice) == 'not_paid', "paid before anybody asked")
            self.say(f"{name}: paid with webhooks off and the browser closed; Odoo knows nothing")
            self.sweep()
            self.wait_paid(invoice, name)
            now = self.admin.count('pay.now.event', ('source', '=', 'webhook'))
            expect(now == events, "a webhook came in")
        finally:
            self.notify()
        self.say(f"{name}: the sweep asked the provider; paid")
