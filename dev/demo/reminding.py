# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes around reminders: one mail with everything due, and who gets no button."""

from datetime import date, timedelta

from .people import expect, pay_links, wait_for


class Reminding:
    """Scenes of the accountant and the reminded customer."""

    def generate(self, **values):
        """Generate reminders by the wizard and return the run's id."""
        wizard = self.admin.create('pay.now.generate.reminders', **values)
        return self.admin.press('pay.now.generate.reminders', wizard, 'action_generate')['res_id']

    def outcome(self, run, who):
        """Return what a run says about one customer."""
        return self.admin.search(
            'pay.now.reminder',
            [('run_id', '=', run), ('partner_id', '=', self.customers[who])],
            'state',
            'reason',
            'amount_due',
            'amount_payable',
            'has_button',
            'previous_balance',
        )[0]

    def send(self, run, *who):
        """Send a run to some customers only, and wait until it is done."""
        others = self.admin.call(
            'pay.now.reminder',
            'search',
            [
                ('run_id', '=', run),
                ('state', '=', 'draft'),
                ('partner_id', 'not in', [self.customers[one] for one in who]),
            ],
        )
        if others:
            self.admin.call('pay.now.reminder', 'action_drop', others)
        self.admin.press('pay.now.reminder.run', run, 'action_send')
        wait_for(
            "the run to be sent",
            lambda: self.admin.read('pay.now.reminder.run', run, 'state')['state'] == 'done',
        )

    def mail_of(self, email):
        """Return the last mail to an address."""
        return wait_for(f"a reminder to {email}", lambda: self.mails.find(email))[-1]

    def reminder(self):
        """Three due items, one of them an instalment; the customer leaves one out."""
        term = self.admin.create(
            'account.payment.term',
            name="30 % now, 70 % in 60 days",
            line_ids=[
                (0, 0, {'value': 'percent', 'value_amount': 30, 'nb_days': 0}),
                (0, 0, {'value': 'percent', 'value_amount': 70, 'nb_days': 60}),
            ],
        )
        first = self.invoice('reminder', 120.00, 40)
        second = self.invoice('reminder', 80.00, 20)
        instalments = self.invoice(
            'reminder', 1000.00, 15, invoice_payment_term_id=term, invoice_date_due=False
        )
        run = self.generate()
        listed = self.outcome(run, 'reminder')
        expect((listed['amount_due'], listed['has_button']) == (500.0, True), listed)
        self.send(run, 'reminder')
        message = self.mail_of('leroy@client.example')
        expect(
            "Rappel" in message['Subject'] and "500,00" in message['Subject'], message['Subject']
        )
        text = self.mails.text(message)
        expect('/pay_now/reminder/' in text, "the plain text has no address")
        customer = self.follow(message)
        customer.pay(untick=[second[1]]).press('card')
        expect("420,00" in customer.text, customer.text)
        self.wait_paid(*first)

        def part_paid():
            values = self.admin.read('account.move', instalments[0], 'amount_residual')
            return values['amount_residual'] == 700.0

        self.wait_booked("the instalment to be paid", part_paid)
        state = self.admin.read('account.move', second[0], 'payment_state')['payment_state']
        expect(state == 'not_paid', f"the unticked invoice is {state}")
        self.say(
            f"“{message['Subject']}”: {first[1]} and the first instalment of {instalments[1]} paid,"
            f" {second[1]} unticked and still open"
        )

    def refusals(self):
        """No e-mail, another currency, a customer who pays by cheque."""
        admin = self.admin
        self.invoice('no_email', 60.00)
        usd = admin.ref('base.USD')
        admin.call('res.currency', 'write', [usd], {'active': True})
        self.invoice('foreign', 70.00)
        foreign = self.invoice('foreign', 80.00, currency_id=usd)
        cheque = admin.search(
            'account.payment.method.line',
            [
                ('journal_id.type', '=', 'bank'),
                ('payment_type', '=', 'inbound'),
                ('code', '=', 'manual'),
                ('company_id', '=', self.company_id),
            ],
            'id',
            limit=1,
        )[0]['id']
        paper = self.invoice('cheque', 90.00, preferred_payment_method_line_id=cheque)
        run = self.generate()
        no_email = self.outcome(run, 'no_email')
        expect(no_email['state'] == 'held', no_email)
        self.say(f"without e-mail: not sent – {no_email['reason']}")
        dollars = self.outcome(run, 'foreign')
        expect((dollars['amount_payable'], dollars['has_button']) == (70.0, True), dollars)
        by_cheque = self.outcome(run, 'cheque')
        expect(by_cheque['has_button'] is False, by_cheque)
        self.send(run, 'foreign', 'cheque')
        body = self.mails.html(self.mail_of('dollar@client.example'))
        expect(foreign[1] in body and "Payable online" in body, "the foreign invoice is not listed")
        self.say(f"{foreign[1]} in dollars: listed, not payable online ({dollars['reason']})")
        expect(not pay_links(self.mails.html(self.mail_of('cheque@client.example'))), "a button")
        self.say(
            f"{paper[1]}, usually paid by cheque: reminded without button ({by_cheque['reason']})"
        )
        admin.call(
            'res.company', 'write', [self.company_id], {'pay_now_any_method_accounting': True}
        )
        refusal = admin.read('account.move', paper[0], 'pay_now_refusal')['pay_now_refusal']
        expect(not refusal, refusal)
        self.say("after ticking “whatever the payment method”: it has a button")

    def previous_balance(self):
        """A run that prints the previous balance carries no button and no address."""
        self.invoice('previous', 300.00, 90)
        recent = self.invoice('previous', 45.00, 10)
        start = (date.today() - timedelta(days=30)).isoformat()
        run = self.generate(date_from=start, print_previous_balance=True)
        listed = self.outcome(run, 'previous')
        expect(
            (listed['amount_due'], listed['previous_balance'], listed['has_button'])
            == (45.0, 300.0, False),
            listed,
        )
        self.send(run, 'previous')
        message = self.mail_of('solde@client.example')
        body = self.mails.html(message)
        expect("/pay_now/" not in body + self.mails.text(message), "an address in the mail")
        expect("Solde antérieur" in body and "300,00" in body and recent[1] in body, body)
        self.say(
            f"previous balance 300,00 € in one line, {recent[1]} listed, no button, no address"
        )
