# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The scenes beyond the button of one mail: transfers, plans, statements, interest, notices."""

from datetime import date, timedelta

from .people import Customer, expect, plain
from .stage import REMINDER, Stage

IBAN = "FR76 3000 6000 0112 3456 7890 189"
LINE = 'account.bank.statement.line'
PLAN = 'pay.now.plan'


class OtherWays(Stage):
    """Scenes of customers who pay in another way, or another day."""

    # === BANK TRANSFER === #

    def transfer(self):
        """A transfer with the reference of the page: the bank's line finds its invoices."""
        who = 'transfer'
        journal = self._open_bank_account()
        (first, name), (second, other) = self.invoice(who, 150.00, 30), self.invoice(who, 90.00, 20)
        (mail,) = self.send(self.generate(), who)
        customer = Customer().follow(mail)
        (reference,) = customer.tree.xpath('//*[@class="pay-now-reference"]/text()')
        self.expect_mail(mail, IBAN, reference, "240,00")
        picture = customer.picture('//figure[not(@hidden)]//img/@src')
        expect(picture.startswith(b'\x89PNG'), "the page's QR code is no picture")
        self.say(f"mail and page: {IBAN}, reference {reference}, a QR code of {len(picture)} bytes")
        less = self._import_line(journal, 239.00, f"VIR SEPA RECU {reference}")
        row = self.admin.read(LINE, less, 'is_reconciled', 'pay_now_transfer_text')
        expect(not row['is_reconciled'] and "1.00" in row['pay_now_transfer_text'], row)
        self.say(f"a bank line of 239.00 €: proposed only, “{row['pay_now_transfer_text']}”")
        self.admin.call(LINE, 'unlink', [less])
        line = self._import_line(journal, 240.00, f"VIR SEPA RECU {reference} VIDAL")
        expect(self.admin.get(LINE, line, 'is_reconciled'), "the bank line waits")
        self.wait_paid(first, name)
        self.wait_paid(second, other)
        customer.open(customer.url).expect_text("Il ne reste rien à régler ici.")
        self.say(f"a bank line of 240.00 €, imported: {name} and {other} are paid by itself")

    def _open_bank_account(self):
        """Give the company a bank account that is trusted, and return its journal."""
        # Who has Invoicing alone writes no bank lines: Odoo calls that group *Basic*.
        basic = self.admin.ref('account.group_account_basic')
        (user,) = self.admin.search('res.users', [('login', '=', 'admin')], 'login')
        self.admin.write('res.users', user['id'], group_ids=[(4, basic)])
        journal = self.bank_journal()
        bank = self.admin.create('res.bank', name="Banque du Four", bic='BNPAFRPP')
        company = self.admin.get('res.company', self.company_id, 'partner_id')[0]
        account = self.admin.create(
            'res.partner.bank',
            acc_number=IBAN,
            bank_id=bank,
            partner_id=company,
            allow_out_payment=True,
        )
        self.admin.write('account.journal', journal, bank_account_id=account)
        return journal

    def _import_line(self, journal, amount, label):
        """Import a bank line, as the window for imports does it, and return its id."""
        columns = ['journal_id/.id', 'date', 'payment_ref', 'amount']
        row = [str(journal), date.today().isoformat(), label, str(amount)]
        answer = self.admin.call(LINE, 'load', columns, [row])
        expect(answer['ids'] and not answer['messages'], answer)
        return answer['ids'][0]

    # === PAYMENT PLAN === #

    def plan(self):
        """In three parts: asked for on the page, accepted by one click, the first one paid."""
        who = 'plan'
        self.tick_option('pay_now_plans')
        invoice, name = self.invoice(who, 900.00)
        customer = Customer().follow(self.send_invoice(invoice, who))
        customer.ask_for_plan(3)
        customer.expect_text("nous en avons pris note", "Vous avez demandé un échéancier")
        (plan,) = self.admin.search(PLAN, [('partner_id', '=', self.customers[who])], 'state')
        waiting = [('kind', '=', 'plan'), ('res_id', '=', plan['id'])]
        expect(plan['state'] == 'asked' and self.admin.count('pay.now.to.handle', *waiting), plan)
        reason = self._held(who)
        expect(reason == "Payment plan asked for", reason)
        self.say(
            f"{name}: asked for on the page; it is to handle, its reminder is held: “{reason}”"
        )
        before = self.mails.newest
        self.admin.press(PLAN, plan['id'], 'action_accept')
        mail = self.mail_to(who, before)
        customer = Customer().follow(mail).expect_text("Votre échéancier de paiement", "300,00")
        customer.pay(self.side).expect_text(self.hosted("300.00", who))
        self.press(customer, self.side.agree).expect_text("Paiement reçu, merci", "300,00")
        self.wait_booked("the first part", lambda: self.residual(invoice) == 600.0)
        now = self.admin.read(PLAN, plan['id'], 'state', 'paid', 'left')
        expect((now['state'], now['paid'], now['left']) == ('accepted', 300.0, 600.0), now)
        customer.follow(mail).expect_text("Déjà réglé", "300,00")
        reason = self._held(who)
        expect("Payment plan accepted, next part on" in reason, reason)
        self.say(f"accepted: “{plain(mail.subject)}”; its first part is paid, 600.00 € to come")
        self.say(f"its reminder is held: “{reason}”")

    def _held(self, who):
        """Return why a run holds the reminder of a customer."""
        run = self.generate()
        held = self.outcome(run, who)
        expect(held['state'] == 'held', held)
        self.admin.press('pay.now.reminder.run', run, 'action_cancel')
        return held['reason']

    # === STATEMENT OF ACCOUNT === #

    def statement(self):
        """By one button of the customer: a mail with its PDF, and the page that it asks by."""
        who = 'statement'
        due, name = self.invoice(who, 120.00, 40)
        later, other = self.invoice(who, 60.00, 5, invoice_date_due=self._days_from_now(25))
        before = self.mails.newest
        action = self.admin.press('res.partner', self.customers[who], 'action_pay_now_statement')
        wizard = self.admin.create(action['res_model'], context=action['context'])
        for _double_click in range(2):
            self.admin.press(action['res_model'], wizard, 'action_send')
        mail = self.mail_to(who, before)
        (pdf,) = mail.attachments.values()
        expect(pdf.startswith(b'%PDF') and "Relevé de compte" in mail.subject, mail.subject)
        self.expect_mail(mail, "180,00", "120,00")
        customer = Customer().follow(mail)
        expect(list(customer.items().values()) == [True, True], customer.items())
        customer.pay(self.side).expect_text(self.hosted("120.00", who))
        self.press(customer, self.side.agree).expect_text("Paiement reçu, merci", "120,00")
        self.wait_paid(due, name)
        expect(self.state(later) == 'not_paid', f"{other} is not due yet")
        of_customer = ('partner_id', '=', self.customers[who])
        sent = self.admin.count('pay.now.customer.statement', of_customer)
        expect(sent == 1, f"{sent} statements by a double click")
        self.say(f"“{plain(mail.subject)}”, a PDF, one address; what is due of it is paid: {name}")

    @staticmethod
    def _days_from_now(days):
        return (date.today() + timedelta(days=days)).isoformat()

    # === INTEREST === #

    def interest(self):
        """A level that states what late payment costs, and a person who books it."""
        who = 'interest'
        france = self.admin.ref('base.fr')
        self.admin.write('res.partner', self.customers[who], is_company=True, country_id=france)
        self.admin.create(
            'pay.now.interest.rate',
            company_id=self.company_id,
            date_from=self._days_from_now(-366),
            rate=12,
            fixed_sum=40,
        )
        mine = [('company_id', '=', self.company_id)]
        level = self.admin.search('pay.now.reminder.level', mine, 'name', limit=1)[0]
        self.admin.write('pay.now.reminder.level', level['id'], state_interest=True)
        _invoice, name = self.invoice(who, 1000.00, 73)
        run = self.generate()
        listed = self.outcome(run, who)
        (mail,) = self.send(run, who)
        # 12 % of 1000 € for 73 of 365 days, and the fixed indemnity.
        self.expect_mail(mail, "73 jours", "24,00", "40,00", "64,00", "L441-10")
        customer = Customer().follow(mail).expect_text("1 000,00")
        expect(listed['amount_due'] == 1000.0 and "1 064" not in customer.text, listed)
        self.say(
            f"{name}, level “{level['name']}”: 24.00 € and 40.00 € stated, 1000.00 € asked for"
        )
        action = self.admin.press(REMINDER, listed['id'], 'action_book_interest')
        book = (action['res_model'], action['res_id'], 'action_book')
        note = self.admin.press(*book)['res_id']
        self.refused("the same booked twice", self.admin.press, *book)
        made = self.admin.read('account.move', note, 'state', 'amount_total')
        expect((made['state'], made['amount_total']) == ('draft', 64.0), made)
        self.say("booked by a person: a draft debit note of 64.00 €, once")

    # === PAY NOTICE === #

    def notice(self):
        """An invoice that leaves as a download: a short mail has the button, and no PDF."""
        who = 'notice'
        self.tick_option('pay_now_send_notices')
        self.admin.write('res.partner', self.customers[who], invoice_sending_method='manual')
        invoice, name = self.invoice(who, 75.00)
        before = self.mails.newest
        for _again in range(2):
            pdf = self._download_invoice(invoice)
        expect(pdf.startswith(b'%PDF'), "what was downloaded is no PDF")
        mail = self.mail_to(who, before)
        expect(name in mail.subject and not mail.attachments, mail.subject)
        expect("Payer maintenant" in mail.html, "the button is not in the customer's French")
        customer = Customer().follow(mail).expect_text(name, "75,00").pay(self.side)
        self.press(customer, self.side.agree).expect_text("Paiement reçu, merci", "75,00")
        self.wait_paid(invoice, name)
        told = self.admin.read('account.move', invoice, 'pay_now_sent_text', 'pay_now_notice_text')
        expect("download" in told['pay_now_sent_text'], told)
        expect(self.email(who) in told['pay_now_notice_text'], told)
        self.say(f"{name}, downloaded: “{plain(mail.subject)}”, once, paid from it")
        self.say(f"its form says “{told['pay_now_sent_text']}”, “{told['pay_now_notice_text']}”")

    def _download_invoice(self, invoice):
        """Generate an invoice in Odoo's window without a mail, and return its PDF."""
        action = self.admin.press('account.move', invoice, 'action_invoice_sent')
        wizard = self.admin.create(
            action['res_model'], context=action['context'], sending_methods=[]
        )
        self.admin.press(action['res_model'], wizard, 'action_send_and_print', action['context'])
        url = f'/account/download_invoice_documents/{invoice}/pdf'
        return self.admin.download({'url': url}).read()
