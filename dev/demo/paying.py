# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes in which a customer pays an invoice from its own mail."""

from .people import Customer, expect
from .stage import Stage


class Paying(Stage):
    """Scenes of the customer."""

    def invoice_paid(self):
        """One invoice, with its PDF, paid from its own mail; Stripe's fee is known later only."""
        who = self.theirs('pay')
        self.side.fees_wait()
        try:
            invoice, name = self.invoice(who, 240.00)
            mail = self.send_invoice(invoice, who)
            self._expect_invoice_mail(mail)
            self.say(f"{name} sent from the Send window: “{mail.subject}”, PDF, button, address")
            customer = Customer().follow(mail).expect_text("240,00", name)
            before = self.count_transactions()
            for _crawler in range(5):
                Customer().open(customer.url)
            expect(self.count_transactions() == before, "opening the link created something")
            customer.pay(self.side).expect_text(name, self.hosted("240.00", who))
            self.press(customer, self.side.agree).expect_text("Paiement reçu, merci", "240,00")
            self.say(f"paid at {self.side.name}, no log-in; back on “{customer.title}”")
            self.wait_paid(invoice, name)
            self._expect_payment(invoice, 240.00)
            self._commission_follows(invoice)
        finally:
            self.side.release_fees()

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
        """The fee is booked as soon as it is known: later, or with the payment."""
        tx = self.transaction_of(invoice)
        later = tx['pay_now_commission_state'] == 'waiting'
        expect(later == (self.side.code == 'pay_now_stripe'), tx)
        self.side.release_fees()

        def booked():
            return self.transaction_of(invoice)['pay_now_commission_state'] == 'booked'

        self.wait_booked("the commission to be booked", booked)
        # The first payment of this provider: all its fees are this one's.
        _balance, fee = self.side.figures()
        move = self.transaction_of(invoice)['pay_now_commission_move_id'][0]
        entry = [('move_id', '=', move)]
        booked_fee = self.balance(self.side.commission_id, *entry)
        expect(booked_fee == fee, f"commission {booked_fee}, the sandbox's fee {fee}")
        expect(
            self.balance(self.side.clearing_id, *entry) == -fee, "not against the clearing account"
        )
        known = "known later" if later else "known at once"
        self.say(f"commission of {fee / 100:.2f} €, {known}, booked as the sandbox's fee")

    def refund(self):
        """By the button of the payment in Odoo; the books follow, the credit note is proposed."""
        partner = [('partner_id', '=', self.customers[self.theirs('pay')])]
        incoming, outgoing = (
            [*partner, ('payment_type', '=', way)] for way in ('inbound', 'outbound')
        )
        (payment,) = self.admin.search('account.payment', incoming, 'amount')
        before = self.side.given_back()
        action = self.admin.press('account.payment', payment['id'], 'action_refund_wizard')
        wizard = self.admin.create(
            action['res_model'], context={'active_id': payment['id']}, amount_to_refund=40.00
        )
        self.admin.press(action['res_model'], wizard, 'action_refund')
        again = (self.admin.press, action['res_model'], wizard, 'action_refund')
        self.refused("the same window a second time", *again)
        given = self.side.given_back()
        expect(given == [*before, 4000], f"given back at {self.side.name}: {given}")
        of_refund = [*partner, ('move_type', '=', 'out_refund')]
        found = self.wait_booked(
            "a credit note",
            lambda: self.admin.search('account.move', of_refund, 'state', 'amount_total'),
        )
        expect([(one['state'], one['amount_total']) for one in found] == [('draft', 40.0)], found)
        self.admin.press('account.move', found[0]['id'], 'action_post')
        expect(self.state(found[0]['id']) == 'paid', "the credit note is not the refund's")
        (back,) = self.admin.search('account.payment', outgoing, 'amount', 'is_reconciled')
        expect((back['amount'], back['is_reconciled']) == (40.0, True), back)
        left = self.admin.get('account.payment', payment['id'], 'amount_available_for_refund')
        expect(left == payment['amount'] - 40.0, f"{left} can be refunded")
        self.say(
            f"40.00 € given back at {self.side.name}; the credit note that is proposed is posted"
        )
        self.say(f"and matched with the refund; {left:.2f} € could still be given back")

    def declined_then_paid(self):
        """The first choice is refused; the second one, on the same page, is not."""
        who = self.theirs('declined')
        invoice, name = self.invoice(who, 99.90)
        mail = self.send_invoice(invoice, who)
        expect("Pay now" in mail.html, "the button is not in the customer's English")
        customer = Customer().follow(mail).pay(self.side)
        hosted = customer.url
        customer.press(self.side.declined).expect_text("declined")
        expect(customer.url == hosted, f"the payer was sent away, to {customer.url}")
        self.wait_booked("the refusal", lambda: self._failure(invoice))
        expect(self.state(invoice) == 'not_paid', "something was booked")
        self.say(f"{name}: “{self._failure(invoice)}” Nothing is booked")
        self.press(customer, self.side.agree).expect_text("Payment received", "99.90")
        self.wait_paid(invoice, name)
        self.say(f"{name}: a second choice on the same page, “{customer.title}”, paid")

    def _failure(self, invoice):
        tx = self.transaction_of(invoice)['id']
        return self.admin.get('payment.transaction', tx, 'pay_now_failure')

    def pending(self):
        """A payment that is on its way for days: nobody pays twice, nobody is reminded."""
        who = self.theirs('later')
        invoice, name = self.invoice(who, 512.34)
        customer = Customer().follow(self.send_invoice(invoice, who))
        page = customer.url
        customer.pay(self.side)
        self.press(customer, self.side.later).expect_text("Ne payez pas une seconde fois")
        self.say(f"{name}: {self.side.later}, “{customer.title}”, do not pay a second time")
        again = Customer().open(page)
        expect(not again.can_pay(), "the page offers a second payment")
        before = self.count_transactions()
        line = again.tree.xpath('//form//input[@name="item"]/@value')[0]
        again.insist(self.side.provider_id, line)
        expect(again.url.startswith(self.url), f"led to {again.url}")
        expect(self.count_transactions() == before, "a second payment was started")
        again.expect_text("Paiement en cours")
        self.say("the invoice's page offers no second payment, and refuses one sent anyway")
        run = self.generate()
        held = self.outcome(run, who)
        expect((held['state'], held['reason']) == ('held', "Payment in progress"), held)
        self.admin.press('pay.now.reminder.run', run, 'action_cancel')
        self.say(f"its reminder is held: “{held['reason']}”")
        self.side.client.settle()
        self.wait_paid(invoice, name)
        self.say(f"{name}: the bank confirms, a later webhook, paid")

    def webhooks_off(self):
        """Nothing is notified, and the payer never comes back: the sweep books it."""
        who = self.theirs('sweep')
        self.side.client.webhooks(mode='off')
        try:
            invoice, name = self.invoice(who, 75.50)
            customer = Customer().follow(self.send_invoice(invoice, who)).pay(self.side)
            events = self.admin.count('pay.now.event', ('source', '=', 'webhook'))
            self.side.agree_without_browser(customer.url)
            self.side.release_fees()
            expect(self.state(invoice) == 'not_paid', "paid before anybody asked")
            self.say(f"{name}: paid with webhooks off and the browser closed; Odoo knows nothing")
            self.sweep()
            self.wait_paid(invoice, name)
            now = self.admin.count('pay.now.event', ('source', '=', 'webhook'))
            expect(now == events, "a webhook came in")
        finally:
            self.notify()
        self.say(f"{name}: the sweep asked the provider; paid")

    def switching(self):
        """The customer starts with one provider, and pays with the other."""
        stripe, paypal = self.sides.values()
        invoice, name = self.invoice('switch', 64.00)
        mail = self.send_invoice(invoice, 'switch')
        first = Customer().follow(mail).pay(stripe)
        session = first.url.rpartition('/')[2]
        second = Customer().follow(mail).pay(paypal)
        states = {one['id']: one['status'] for one in stripe.client.account_state()['sessions']}
        expect(states[session] == 'expired', f"Stripe's checkout is {states[session]}")
        first.open(first.url).expect_text("can no longer be paid")
        self.say(f"{name}: started at Stripe, then at PayPal: Stripe's checkout is closed")
        third = Customer().follow(mail).pay(stripe)
        self.press(second, paypal.agree).expect_text("You started another payment")
        expect(self.state(invoice) == 'not_paid', "the superseded approval was taken")
        captures = paypal.client.order_of(self._reference(invoice, paypal))['captures']
        expect(not captures, f"the superseded order was captured: {captures}")
        self.say("and at Stripe again: what is approved at PayPal now is never taken")
        self.press(third, stripe.agree).expect_text("Payment received", "64.00")
        self.wait_paid(invoice, name)
        self.say(f"{name}: paid at Stripe, once")

    def _reference(self, invoice, side):
        return self.admin.search(
            'payment.transaction',
            [('invoice_ids', 'in', [invoice]), ('provider_id', '=', side.provider_id)],
            'reference',
            limit=1,
        )[0]['reference']
