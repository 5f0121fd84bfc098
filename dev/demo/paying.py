# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes in which a customer pays an invoice from its own mail."""

from .people import Customer, expect, pay_links, wait_for


class Paying:
    """Scenes of the customer."""

    def send_invoice(self, invoice, email):
        """Send an invoice by Odoo's own window and return its mail."""
        context = {'active_model': 'account.move', 'active_ids': [invoice], 'active_id': invoice}
        wizard = self.admin.create(
            'account.move.send.wizard', context=context, sending_methods=['email']
        )
        self.admin.press('account.move.send.wizard', wizard, 'action_send_and_print')
        self.run_cron('mail.ir_cron_mail_scheduler_action')
        return wait_for(f"a mail to {email}", lambda: self.mails.find(email))[-1]

    def run_cron(self, xmlid):
        """Start a scheduled action now, as the administrator can."""
        self.admin.press('ir.cron', self.admin.ref(xmlid), 'method_direct_trigger')

    def follow(self, message):
        """Open the Pay now address of a mail, as its reader does."""
        links = pay_links(self.mails.html(message))
        expect(len(links) >= 2 and len(set(links)) == 1, f"button and address in the mail: {links}")
        return Customer().open(links[0])

    def wait_paid(self, invoice, name):
        """Wait until an invoice is paid, by itself."""

        def paid():
            values = self.admin.read('account.move', invoice, 'payment_state')
            return values['payment_state'] == 'paid'

        self.wait_booked(f"{name} to be paid", paid)
        self.paid.append(name)

    def wait_booked(self, what, check):
        """Wait for the books to follow; without webhooks it is the sweep that they follow."""

        def swept():
            if not self.webhooks:
                self.run_cron('account_pay_now.ir_cron_sweep')
            return check()

        wait_for(what, swept)

    def invoice_by_card(self):
        """One invoice, with its PDF, paid by card."""
        invoice, name = self.invoice('card', 240.00)
        message = self.send_invoice(invoice, 'martin@client.example')
        pdfs = [p.get_filename() for p in message.iter_attachments()]
        expect(any(str(pdf).endswith('.pdf') for pdf in pdfs), f"attachments: {pdfs}")
        expect("Payer maintenant" in self.mails.html(message), "the button is not in French")
        customer = self.follow(message)
        expect("240,00" in customer.text, customer.text)
        before = self.count_transactions()
        for _crawler in range(5):
            Customer().open(customer.page.url)
        expect(self.count_transactions() == before, "a GET created something")
        customer.pay().press('card')
        expect("Paiement reçu, merci" in customer.text, customer.text)
        self.wait_paid(invoice, name)
        self.say(
            f"{name}: mail with PDF and button, 240,00 € by card, “{customer.text[:60]}…”, paid"
        )

    def count_transactions(self):
        """Return how many transactions there are."""
        return self.admin.call('payment.transaction', 'search_count', [])

    def declined_then_paid(self):
        """The first card is refused; the second one is not."""
        invoice, name = self.invoice('declined', 99.90)
        customer = self.follow(self.send_invoice(invoice, 'oak@client.example'))
        customer.pay().press('declined')
        expect("declined" in customer.text, customer.text)
        customer.press('card')
        expect("Payment received" in customer.text, customer.text)
        self.wait_paid(invoice, name)
        self.say(f"{name}: card declined, nothing booked; second card accepted, paid")

    def sepa(self):
        """A debit that is pending for a while: nobody pays twice, nobody is reminded."""
        invoice, name = self.invoice('sepa', 512.34)
        customer = self.follow(self.send_invoice(invoice, 'dubois@client.example'))
        page = customer.page.url
        customer.pay().press('sepa')
        expect("Ne payez pas une seconde fois" in customer.text, customer.text)
        again = Customer().open(page)
        expect(not again.tree().xpath('//button'), "the page offers a second payment")
        run = self.generate()
        held = self.outcome(run, 'sepa')
        expect(held['state'] == 'held', held)
        self.say(f"{name}: pending; page offers no second payment; reminder held: {held['reason']}")
        self.sandbox.settle()
        self.wait_paid(invoice, name)
        self.say(f"{name}: settled by a later webhook, paid")

    def webhooks_off(self):
        """Nothing is notified, and the payer never comes back: the sweep books it."""
        self.sandbox.webhooks(mode='off')
        invoice, name = self.invoice('sweep', 75.50)
        customer = self.follow(self.send_invoice(invoice, 'fields@client.example'))
        customer.pay()
        session = customer.page.url.rpartition('/')[2].partition('#')[0]
        self.sandbox.pay(session=session, method='card')
        state = self.admin.read('account.move', invoice, 'payment_state')['payment_state']
        expect(state == 'not_paid', state)

        def swept():
            self.run_cron('account_pay_now.ir_cron_sweep')
            values = self.admin.read('account.move', invoice, 'payment_state')
            return values['payment_state'] == 'paid'

        wait_for(f"the sweep to book {name}", swept)
        self.paid.append(name)
        self.sandbox.webhooks(mode='on' if self.webhooks else 'off')
        self.say(f"{name}: webhooks off and browser closed; booked by the sweep")

    # === AT THE END === #

    def redelivery(self):
        """Everything again: nothing is booked twice."""
        self.wait_commissions()
        before = self.figures()
        self.sandbox.redeliver(times=3, shuffle=True)
        wait_for("the deliveries", lambda: self.sandbox.idle()['idle'])
        self.wait_booked("the workers", self.nothing_pending)
        expect(self.figures() == before, f"{before} became {self.figures()}")
        self.say(f"{before[0]} payments and {before[1]} commission entries, as before")

    def wait_commissions(self):
        """Wait until the provider's fees are booked: they become known after the payments."""
        self.wait_booked(
            "all commissions",
            lambda: self.balance(self.commission_id) == self.sandbox.account_state()['fees'],
        )

    def nothing_pending(self):
        """Tell whether all stored notifications are processed."""
        return not self.admin.call('pay.now.event', 'search_count', [('state', '=', 'pending')])

    def figures(self):
        """Return what was booked: payments, commission entries, transactions done."""
        transactions = self.admin.search(
            'payment.transaction',
            [('provider_id', '=', self.provider_id), ('state', '=', 'done')],
            'payment_id',
            'pay_now_commission_move_id',
        )
        payments = self.admin.call(
            'account.payment', 'search_count', [('payment_transaction_id', '!=', False)]
        )
        moves = {
            tx['pay_now_commission_move_id'][0]
            for tx in transactions
            if tx['pay_now_commission_move_id']
        }
        return payments, len(moves), len(transactions)

    def balance(self, account_id):
        """Return the posted balance of an account, in cents."""
        lines = self.admin.search(
            'account.move.line',
            [('account_id', '=', account_id), ('parent_state', '=', 'posted')],
            'balance',
        )
        return round(sum(line['balance'] for line in lines) * 100)

    def books(self):
        """The last lines: invoices, commission, clearing account against the sandbox."""
        self.wait_commissions()
        state = self.sandbox.account_state()
        self.say(f"invoices paid: {len(self.paid)} ({', '.join(self.paid)})")
        commission = self.balance(self.commission_id)
        self.say(
            f"commission booked: {commission / 100:.2f} €, the sandbox's fees:"
            f" {state['fees'] / 100:.2f} €"
        )
        clearing = self.balance(self.clearing_id)
        expect(clearing == state['balance'], f"clearing {clearing}, sandbox {state['balance']}")
        self.say(
            f"clearing account: {clearing / 100:.2f} €, the sandbox's balance:"
            f" {state['balance'] / 100:.2f} €"
        )
