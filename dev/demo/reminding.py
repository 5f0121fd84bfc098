# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes around reminders: one mail with everything due, and who gets no button."""

from datetime import date, timedelta

from pypdf import PdfReader

from .people import Customer, expect, pay_links, plain
from .stage import RUN, Stage


class Reminding(Stage):
    """Scenes of the accountant and the reminded customer."""

    def reminder(self):
        """Three due items, one of them an instalment; the customer leaves one out."""
        who = self.theirs('reminder')
        first, second, third = self._three_items(who)
        run = self.generate()
        listed = self.outcome(run, who)
        expect(
            (listed['amount_due'], listed['amount_payable'], listed['has_button'])
            == (500.0, 500.0, True),
            listed,
        )
        (mail,) = self.send(run, who)
        expect("Rappel" in mail.subject and "500,00" in plain(mail.subject), mail.subject)
        self.expect_mail(mail, first[1], second[1], third[1], '/pay_now/reminder/')
        expect("Payer maintenant" in mail.html, "the button is not in the customer's French")
        self.say(f"“{plain(mail.subject)}”: three items, one button, one address")
        customer = Customer().follow(mail)
        expect(len(customer.items()) == 3, f"items of the page: {customer.items()}")
        customer.pay(self.side, untick=[second[1]]).expect_text(self.hosted("420.00", who))
        self.press(customer, self.side.agree).expect_text("Paiement reçu, merci", "420,00")
        self.wait_paid(*first)
        self.wait_booked("the instalment", lambda: self.residual(third[0]) == 700.0)
        expect(self.state(second[0]) == 'not_paid', f"{second[1]} was unticked")
        expect(self.residual(second[0]) == 80.0, f"{second[1]} was unticked")
        self.say(f"paid: {first[1]} and the first instalment of {third[1]}; 700.00 € of it to come")
        self.say(f"{second[1]} was unticked on the page and is still open")

    def _three_items(self, who):
        """Return two invoices and one in two instalments, the first of them due."""
        parts = [(30, 0), (70, 60)]
        term = self.admin.create(
            'account.payment.term',
            name="30 % now, 70 % in 60 days",
            line_ids=[
                (0, 0, {'value': 'percent', 'value_amount': part, 'nb_days': days})
                for part, days in parts
            ],
        )
        return (
            self.invoice(who, 120.00, 40),
            self.invoice(who, 80.00, 20),
            self.invoice(who, 1000.00, 15, invoice_payment_term_id=term, invoice_date_due=False),
        )

    def no_email(self):
        """Without an e-mail address no request can be sent; a letter can, to a postal one."""
        _invoice, name = self.invoice('no_email', 60.00)
        run = self.generate()
        held = self.outcome(run, 'no_email')
        expect(held['state'] == 'held' and "No e-mail address" in held['reason'], held)
        self.say(f"{name}, customer without e-mail: not sent, “{held['reason']}”")
        self.admin.write(
            'res.partner',
            self.customers['no_email'],
            **{'street': "1 rue du Four", 'zip': "69001", 'city': "Lyon"},
        )
        run = self.generate()
        self.send(run, 'no_email', mailed=False)
        action = self.admin.press(RUN, run, 'action_print_letters')
        (page,) = PdfReader(self.admin.download(action)).pages
        links = [str(note.get_object()) for note in page.get('/Annots') or ()]
        expect(not any('/pay_now/' in link for link in links), f"the letter leads to {links}")
        letter = self.outcome(run, 'no_email')
        expect((letter['state'], letter['has_button']) == ('sent', False), letter)
        self.say("with a postal address: a letter in French, printed, without a way to pay online")

    def foreign_currency(self):
        """An invoice in another currency is reminded of, and never payable."""
        dollar = self.admin.ref('base.USD')
        self.admin.write('res.currency', dollar, active=True)
        _euros, in_euros = self.invoice('foreign', 70.00)
        foreign, in_dollars = self.invoice('foreign', 80.00, currency_id=dollar)
        mail = self.send_invoice(foreign, 'foreign')
        expect(not pay_links(mail).all, "the mail of the invoice in dollars has a button")
        run = self.generate()
        listed = self.outcome(run, 'foreign')
        expect((listed['amount_payable'], listed['has_button']) == (70.0, True), listed)
        (mail,) = self.send(run, 'foreign')
        self.expect_mail(mail, in_euros, in_dollars, "payable online: 70.00", "80.00")
        page = Customer().follow(mail)
        expect(page.items() == {in_euros: True, in_dollars: False}, page.items())
        self.say(
            f"{in_dollars} in dollars: in the reminder and on the page, not payable online"
            f" (“{listed['reason']}”); {in_euros} beside it is"
        )

    def usual_method(self):
        """A customer who usually pays by cheque gets a button only when the option says so."""
        cheque = self.admin.create(
            'account.payment.method.line',
            name="Check",
            payment_method_id=self.admin.ref('account.account_payment_method_manual_in'),
            journal_id=self.bank_journal(),
        )
        self.admin.write(
            'res.partner', self.customers['cheque'], property_inbound_payment_method_line_id=cheque
        )
        invoice, name = self.invoice('cheque', 90.00)
        mail = self.send_invoice(invoice, 'cheque')
        expect(not pay_links(mail).all, "the invoice's mail has a button")
        run = self.generate()
        listed = self.outcome(run, 'cheque')
        expect(listed['has_button'] is False and "Check" in listed['reason'], listed)
        (mail,) = self.send(run, 'cheque')
        self.expect_mail(mail, name, "90.00")
        expect(not pay_links(mail).all and '/pay_now/' not in mail.text, "the reminder has one")
        self.say(f"{name}, usually paid by cheque: no button, “{listed['reason']}”")
        self.tick_option('pay_now_any_method_accounting')
        customer = Customer().follow(self.send_invoice(invoice, 'cheque'))
        expect(customer.can_pay(), customer.text)
        self.say("after ticking “whatever the payment method” the same invoice has its button")

    def previous_balance(self):
        """A run that prints the previous balance carries no button and no address."""
        self.invoice('previous', 300.00, 90)
        _recent, name = self.invoice('previous', 45.00, 10)
        start = (date.today() - timedelta(days=30)).isoformat()
        run = self.generate(date_from=start, print_previous_balance=True)
        listed = self.outcome(run, 'previous')
        expect(
            (listed['amount_due'], listed['previous_balance'], listed['has_button'])
            == (45.0, 300.0, False),
            listed,
        )
        (mail,) = self.send(run, 'previous')
        expect("/pay_now/" not in mail.html + mail.text, "there is an address in the mail")
        self.expect_mail(mail, "Solde antérieur", "300,00", name, "45,00")
        self.say(
            f"{name}: “Solde antérieur 300,00 €” in one line, no button, no address"
            f" (“{listed['reason']}”)"
        )
