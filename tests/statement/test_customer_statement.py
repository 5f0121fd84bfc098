# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import date, timedelta

from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account_pay_now.tests.provider.test_branches import BranchCommon

FIRST, LAST = date(2025, 10, 1), date(2025, 10, 31)
REPORT = 'account_pay_now.report_customer_statement'


class LedgerCommon(BranchCommon):
    """A customer's account in autumn 2025, which is counted by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old = cls.invoice(100, '2025-09-10', '2025-09-30')
        cls.pay(cls.old, 40, '2025-09-20')
        cls.pay(cls.old, 60, '2025-10-15')
        cls.late_paid = cls.invoice(200, '2025-10-05', '2025-11-04')
        cls.pay(cls.late_paid, 200, '2025-11-03')
        cls.credit = cls.invoice(30, '2025-10-10', '2025-10-10', move_type='out_refund')
        cls.entry = cls.book(15, '2025-10-20')
        cls.reset = cls.invoice(1000, '2025-10-12', '2025-10-12')
        cls.reset.button_draft()
        cls.next_month = cls.invoice(77, '2025-11-02', '2025-11-02')

    @classmethod
    def invoice(cls, amount, day, due, **values):
        dates = {'invoice_date': day, 'invoice_date_due': due, 'date': day}
        return cls.make_invoice(amount, **{**dates, **values})

    @classmethod
    def pay(cls, invoice, amount, day, **values):
        cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create(
            {
                'amount': amount,
                'payment_date': day,
                'payment_difference_handling': 'open',
                **values,
            }
        )._create_payments()

    @classmethod
    def book(cls, amount, day, partner=None):
        """Book an opening entry, which names its customers item by item."""
        data = cls.company_data
        entry = cls.env['account.move'].create(
            {
                'move_type': 'entry',
                'date': day,
                'line_ids': [
                    Command.create(
                        {
                            'account_id': data['default_account_receivable'].id,
                            'partner_id': (partner or cls.customer).id,
                            'debit': amount,
                        }
                    ),
                    Command.create(
                        {'account_id': data['default_account_revenue'].id, 'credit': amount}
                    ),
                ],
            }
        )
        entry.action_post()
        return entry

    def account(self, company=None, customer=None, first=FIRST, last=LAST):
        return self.env['pay.now.customer.ledger']._read_account(
            customer or self.customer, company or self.company, first, last
        )

    def own(self, **kwargs):
        """Return the account in the company's currency, which has no other."""
        [account] = self.account(**kwargs)
        self.assertEqual(account['currency'], self.company.currency_id)
        return account

    def amounts(self, rows):
        return [(row['name'], row['amount']) for row in rows]


@tagged('post_install', '-at_install')
class TestCustomerStatement(LedgerCommon):
    """What is on a customer's account on a day, and who may read it."""

    def test_counted_by_hand(self):
        account = self.own()
        self.assertEqual(account['opening'], 60)
        payment = self.old.matched_payment_ids.filtered(lambda one: one.amount == 60)
        self.assertEqual(
            [(row['kind'], row['name'], row['amount'], row['balance']) for row in account['rows']],
            [
                ('invoice', self.late_paid.name, 200, 260),
                ('credit_note', self.credit.name, -30, 230),
                ('payment', payment.move_id.name, -60, 170),
                ('entry', self.entry.name, 15, 185),
            ],
        )
        self.assertEqual(account['closing'], 185)
        self.assertEqual(
            self.amounts(account['items']),
            [
                (self.credit.name, -30),
                (self.entry.name, 15),
                # Paid three days after the last day: open on it.
                (self.late_paid.name, 200),
            ],
        )
        self.assertEqual(account['ages'], {'not_due': 200, '30': -15, '60': 0, '90': 0, 'more': 0})
        self.assertEqual(account['overdue'], 15)
        self.assertEqual(
            {kind: one for kind, one in account['totals'].items() if one},
            {'invoice': 200, 'credit_note': -30, 'payment': -60, 'entry': 15},
        )

    def test_what_was_written_on_it(self):
        """Is told of an entry; of what was paid online it would be ids of the provider."""
        self.connect()
        today = self.company._pay_now_today()
        invoice = self.make_invoice(50, ref="Order 7")
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        self.pay(self.next_month, 77, today, communication="Transfer of Boulanger")
        # What became of it since: taken back, as a payment or refund is, and lost in a dispute.
        tx._pay_now_take_back(tx.payment_id.move_id)
        payment_line = tx.payment_id._pay_now_counterpart_lines()
        accounts = (payment_line.account_id, tx.provider_id.pay_now_clearing_account_id)
        lost = self.env['account.move'].create(
            tx.provider_id._pay_now_prepare_entry(
                None,
                ref='du_1',
                label="Dispute lost",
                amounts=list(zip(accounts, (50, -50), strict=True)),
                partner=self.customer,
            )
        )
        lost.action_post()
        self.book(3, today).ref = "Fee for the copy"
        rows = self.own(first=today - timedelta(days=30), last=today)['rows']
        self.assertEqual(
            {(row['kind'], row['ref']) for row in rows},
            {
                ('invoice', "Order 7"),
                ('payment', False),
                ('payment', "Transfer of Boulanger"),
                ('entry', False),
                ('entry', "Fee for the copy"),
            },
        )
        self.assertEqual(len([row for row in rows if row['kind'] == 'entry']), 3)

    def test_other_days(self):
        """The closing balance of one period opens the next one; ages go by the last day."""
        self.assertEqual(self.own(first=date(2025, 11, 1), last=date(2025, 11, 30))['opening'], 185)
        before = self.own(first=date(2025, 9, 1), last=date(2025, 9, 30))
        self.assertEqual((before['opening'], before['closing']), (0, 60))
        self.assertEqual(self.amounts(before['items']), [(self.old.name, 60)])
        self.assertEqual((before['items'][0]['late'], before['overdue']), (0, 0))
        # What is reset later is not in the books of that day either.
        self.late_paid.button_draft()
        self.assertEqual(self.own()['closing'], -15)
        old = self.invoice(10, '2025-01-01', '2025-08-02')
        [item] = [one for one in self.own()['items'] if one['line'].move_id == old]
        self.assertEqual((item['late'], item['age']), (90, '90'))
        [item] = [
            one for one in self.own(last=date(2025, 11, 1))['items'] if one['line'].move_id == old
        ]
        self.assertEqual((item['late'], item['age']), (91, 'more'))

    def test_late_is_no_more_than_the_balance(self):
        """A payment that is not matched yet."""
        for amount, overdue in ((180, 5), (20, 0)):
            payment = self.env['account.payment'].create(
                {
                    'payment_type': 'inbound',
                    'partner_id': self.customer.id,
                    'amount': amount,
                    'date': '2025-10-21',
                }
            )
            payment.action_post()
            self.assertEqual(self.own()['overdue'], overdue)

    def test_currencies(self):
        """Each has its balance; what was paid in another one is settled on either side."""
        dollar = self.env.ref('base.USD')
        dollar.active = True
        rate = {'currency_id': dollar.id, 'name': '2025-01-01', 'rate': 2}
        self.env['res.currency.rate'].create({**rate, 'company_id': self.company.id})
        sold = self.invoice(50, '2025-10-07', '2025-10-20', currency_id=dollar.id)
        own, foreign = self.account()
        self.assertEqual((own['closing'], foreign['closing'], foreign['overdue']), (185, 50, 50))
        self.assertEqual(foreign['currency'], dollar)
        self.pay(sold, 25, '2025-10-25', currency_id=self.company.currency_id.id)
        self.assertEqual(sold.amount_residual, 0)
        own, foreign = self.account()
        self.assertEqual((own['closing'], foreign['closing']), (185, 0))
        self.assertEqual(foreign['items'], [])
        self.assertEqual((own['totals']['settled'], foreign['totals']['settled']), (25, -50))
        for account in (own, foreign):
            total = sum(item['amount'] for item in account['items'])
            self.assertEqual(round(total, 2), account['closing'])

    def test_branch_and_others(self):
        """A branch's items are on its company's statement; nobody else's are."""
        stranger = self.env['res.partner'].create({'name': "Meunier", 'is_company': True})
        self.invoice(5, '2025-10-03', '2025-10-03', partner=stranger)
        self.book(6, '2025-10-03', partner=stranger)
        branch = self.invoice(9, '2025-10-03', '2025-10-03', company_id=self.branch.id)
        self.assertEqual(self.own()['closing'], 194)
        [account] = self.account(company=self.branch)
        self.assertEqual(self.amounts(account['items']), [(branch.name, 9)])
        [account] = self.account(customer=stranger)
        self.assertEqual(account['closing'], 11)
        # One customer by now.
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.customer | stranger).ids, self.customer, extra_checks=False
        )
        self.assertEqual(self.own()['closing'], 205)
        # Given to another customer: none of this one's any more.
        branch.button_draft()
        branch.partner_id = self.env['res.partner'].create({'name': "Fermier"})
        branch.action_post()
        self.assertEqual(self.own()['closing'], 196)

    def test_nothing_at_all(self):
        nobody = self.env['res.partner'].create({'name': "Nobody"})
        [account] = self.account(customer=nobody)
        self.assertEqual((account['closing'], account['rows'], account['items']), (0, [], []))

    # === PAPER === #

    def sheet(self, user=None, **data):
        """Return the words on the paper."""
        report = self.env['ir.actions.report'].with_user(user or self.env.user)
        data = {
            'company_id': self.company.id,
            'date_from': '2025-10-01',
            'date_to': '2025-10-31',
            **data,
        }
        content, _kind = report.with_context(
            allowed_company_ids=(user or self.env.user).sudo().company_ids.ids
        )._render_qweb_html(REPORT, self.customer.ids, data=data)
        text = html.fromstring(content).text_content()
        return ' '.join(text.replace('\N{NO-BREAK SPACE}', ' ').split())

    def test_paper(self):
        text = self.sheet()
        for words in ("Opening balance", "60.00", "Closing balance on", "185.00", "1–30 days late"):
            self.assertIn(words, text)
        self.assertNotIn("Signature", text)
        text = self.sheet(kind='confirmation')
        self.assertIn("Signature", text)
        self.assertIn("185.00", text)
        for words in ("late", "Opening balance", "overdue", "pay_now", "reminder"):
            self.assertNotIn(words, text)

    def test_who_may_print(self):
        """Whoever reads the books of the company; a salesperson does not, whatever is forged."""
        groups = {
            'reader': 'account.group_account_readonly',
            'clerk': 'account.group_account_invoice',
            'seller': 'sales_team.group_sale_salesman_all_leads',
        }
        users = {
            name: new_test_user(
                self.env,
                f'pay_now_{name}',
                groups=group,
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for name, group in groups.items()
        }
        for name in ('reader', 'clerk'):
            self.assertIn("185.00", self.sheet(users[name]))
        elsewhere = self.user_of_branch()
        # A statement that is sent is said by the engine alone.
        sent = self.env['pay.now.customer.statement'].sudo()
        sent = sent.create(
            {'company_id': self.company.id, 'partner_id': self.customer.id, 'date_to': LAST}
        )
        for user, data in (
            (users['seller'], {}),
            (users['seller'], {'statement_id': sent.id}),
            (elsewhere, {}),
            (elsewhere, {'statement_id': sent.id}),
        ):
            with self.subTest(user=user.login, data=data), self.assertRaises(AccessError):
                self.sheet(user, **data)
        with self.assertRaises(UserError):
            self.sheet(users['clerk'], date_to='no day')
        values = {'partner_ids': [Command.set(self.customer.ids)]}
        wizard = self.env['pay.now.prepare.statement']
        with self.assertRaises(AccessError):
            wizard.with_user(users['seller']).create(values)
        with self.assertRaises(AccessError):
            wizard.with_user(users['reader']).create(values).action_send()
        with self.assertRaises(AccessError):
            # Of a company that the user does not work in.
            wizard.with_user(elsewhere).with_company(self.branch).create(
                {**values, 'company_id': self.company.id}
            ).action_print()
