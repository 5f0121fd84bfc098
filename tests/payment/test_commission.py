# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a provider keeps, as an expense: taxes, supplier, label, analytic accounts; each entry."""

from decimal import Decimal

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.dispute.test_dispute import DisputeCase


class CommissionCase(DisputeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fees_of = {
            provider: provider.pay_now_commission_account_id for provider in cls.providers()
        }
        cls.deductible, cls.due = cls.env['account.account'].create(
            [
                {'name': "VAT to deduct", 'code': '445669', 'account_type': 'asset_current'},
                {'name': "VAT due", 'code': '445209', 'account_type': 'liability_current'},
            ]
        )
        cls.waiting_vat = cls.env['account.account'].create(
            {
                'name': "VAT waiting",
                'code': '445649',
                'account_type': 'asset_current',
                'reconcile': True,
            }
        )
        cls.vat = cls.tax("20 %")
        cls.reverse_charge = cls.tax("20 % reverse charge", reverse=True)

    @classmethod
    def providers(cls):
        return (cls.provider, cls.paypal)

    @classmethod
    def tax(cls, name, reverse=False, **values):
        """Return a purchase tax of 20 %, by reverse charge or not."""

        def lines():
            taxed = [Command.create({'repartition_type': 'tax', 'account_id': cls.deductible.id})]
            if reverse:
                taxed.append(
                    Command.create(
                        {
                            'repartition_type': 'tax',
                            'account_id': cls.due.id,
                            'factor_percent': -100,
                        }
                    )
                )
            return [Command.create({'repartition_type': 'base'}), *taxed]

        return cls.env['account.tax'].create(
            {
                'name': name,
                'type_tax_use': 'purchase',
                'amount_type': 'percent',
                'amount': 20,
                'invoice_repartition_line_ids': lines(),
                'refund_repartition_line_ids': lines(),
                **values,
            }
        )

    def paid(self, provider, amount=100, commission='4.80'):
        """Return a payment that is booked, of either provider."""
        gateway = self.gateway_of(provider)
        tx = self.checkout(self.lines(self.make_invoice(amount)), provider=provider)
        if gateway.captures:
            gateway.approve(tx)
        gateway.pay(tx, commission=commission)
        tx._synchronize()
        return tx

    def items(self, move):
        """Return an entry as (account, debit, credit), the largest debit first."""
        lines = move.line_ids.sorted(lambda line: (-line.balance, line.id))
        return [(line.account_id, line.debit, line.credit) for line in lines]

    def each(self):
        for provider in self.providers():
            with self.subTest(provider=provider.code):
                yield provider, self.fees_of[provider], provider.pay_now_clearing_account_id

    def choose(self, provider, tax):
        provider.write(
            {
                'pay_now_commission_taxes': 'chosen' if tax else 'none',
                'pay_now_commission_tax_ids': [Command.set(tax.ids if tax else [])],
            }
        )


@tagged('post_install', '-at_install')
class TestCommission(CommissionCase):
    """Of payments, at both providers."""

    def test_without_tax(self):
        for provider, fees, clearing in self.each():
            move = self.paid(provider).pay_now_commission_move_id
            self.assertEqual(self.items(move), [(fees, 4.80, 0), (clearing, 0, 4.80)])
            self.assertEqual(move.state, 'posted')
            self.assertFalse(move.line_ids.tax_ids)

    def test_tax_contained(self):
        for provider, fees, clearing in self.each():
            self.choose(provider, self.vat)
            move = self.paid(provider).pay_now_commission_move_id
            self.assertEqual(
                self.items(move),
                [(fees, 4.00, 0), (self.deductible, 0.80, 0), (clearing, 0, 4.80)],
            )
            [base] = move.line_ids.filtered('tax_ids')
            self.assertEqual((base.account_id, base.tax_ids), (fees, self.vat))
            [taxed] = move.line_ids.filtered('tax_line_id')
            self.assertRecordValues(taxed, [{'tax_line_id': self.vat.id, 'tax_base_amount': 4.00}])

    def test_reverse_charge(self):
        for provider, fees, clearing in self.each():
            self.choose(provider, self.reverse_charge)
            tx = self.paid(provider)
            self.assertEqual(
                self.items(tx.pay_now_commission_move_id),
                [
                    (fees, 4.80, 0),
                    (self.deductible, 0.96, 0),
                    (self.due, 0, 0.96),
                    (clearing, 0, 4.80),
                ],
            )

    def test_taxes_of_the_account(self):
        for provider, fees, clearing in self.each():
            self.assertEqual(provider.pay_now_commission_taxes, 'account')
            fees.tax_ids = self.reverse_charge
            move = self.paid(provider).pay_now_commission_move_id
            self.assertEqual(
                self.items(move),
                [
                    (fees, 4.80, 0),
                    (self.deductible, 0.96, 0),
                    (self.due, 0, 0.96),
                    (clearing, 0, 4.80),
                ],
            )
            provider.pay_now_commission_taxes = 'none'
            move = self.paid(provider).pay_now_commission_move_id
            self.assertEqual(self.items(move), [(fees, 4.80, 0), (clearing, 0, 4.80)])

    def test_cash_basis(self):
        """The provider has the money: a tax on payments is due at once, and not twice."""
        self.company.tax_exigibility = True
        tax = self.tax(
            "20 % on payments",
            tax_exigibility='on_payment',
            cash_basis_transition_account_id=self.waiting_vat.id,
        )
        for provider, fees, clearing in self.each():
            self.choose(provider, tax)
            tx = self.paid(provider)
            self.assertEqual(
                self.items(tx.pay_now_commission_move_id),
                [(fees, 4.00, 0), (self.deductible, 0.80, 0), (clearing, 0, 4.80)],
            )
            self.assertFalse(self.open_on(self.waiting_vat))
            caba = self.env['account.move'].search([('tax_cash_basis_origin_move_id', '!=', False)])
            self.assertNotIn(tx.pay_now_commission_move_id, caba.tax_cash_basis_origin_move_id)

    def test_partner_label_and_analytic_distribution(self):
        plan = self.env['account.analytic.plan'].create({'name': "Departments"})
        shop, office = self.env['account.analytic.account'].create(
            [{'name': name, 'plan_id': plan.id} for name in ("Shop", "Office")]
        )
        for provider, fees, _clearing in self.each():
            provider.action_pay_now_supplier()
            provider.write(
                {
                    'pay_now_commission_label': "Frais de carte",
                    'pay_now_commission_analytic': {str(shop.id): 70, str(office.id): 30},
                }
            )
            tx = self.paid(provider)
            [expense] = tx.pay_now_commission_move_id.line_ids.filtered(
                lambda line, fees=fees: line.account_id == fees
            )
            self.assertRecordValues(
                expense,
                [
                    {
                        'partner_id': provider.pay_now_commission_partner_id.id,
                        'name': f'Frais de carte – {tx.reference}',
                        'analytic_distribution': {str(shop.id): 70, str(office.id): 30},
                    }
                ],
            )
            lines = expense.analytic_line_ids.sorted('amount')
            self.assertEqual(lines.mapped('amount'), [-3.36, -1.44])
            self.assertEqual([line[plan._column_name()] for line in lines], [shop, office])

    def test_the_supplier_is_made_once(self):
        providers = self.provider | self.paypal
        providers.action_pay_now_supplier()
        self.assertEqual(
            providers.pay_now_commission_partner_id.mapped('country_id.code'), ['IE', 'LU']
        )
        stripe = self.provider.pay_now_commission_partner_id
        self.provider.pay_now_commission_partner_id = False
        stripe.active = False
        self.provider.action_pay_now_supplier()
        self.assertEqual(self.provider.pay_now_commission_partner_id, stripe)
        self.company.account_fiscal_country_id = self.env.ref('base.us')
        with self.assertRaisesRegex(UserError, "stands on the invoices"):
            self.provider.action_pay_now_supplier()

    def test_sales_taxes_are_refused(self):
        sale = self.company_data['default_tax_sale']
        with self.assertRaisesRegex(UserError, "purchase taxes"):
            self.choose(self.provider, sale)

    def test_a_refund_that_gives_the_commission_back(self):
        """At both: less is kept than before, and the tax shrinks with it."""
        for provider, fees, clearing in self.each():
            for tax, expected in (
                (None, [(clearing, 2.40, 0), (fees, 0, 2.40)]),
                (
                    self.vat,
                    [(clearing, 2.40, 0), (self.deductible, 0, 0.40), (fees, 0, 2.00)],
                ),
                (
                    self.reverse_charge,
                    [
                        (clearing, 2.40, 0),
                        (self.due, 0.48, 0),
                        (self.deductible, 0, 0.48),
                        (fees, 0, 2.40),
                    ],
                ),
            ):
                self.choose(provider, tax)
                tx = self.paid(provider)
                self.gateway_of(provider).give_back(
                    tx.provider_reference, '50', commission=Decimal('-2.40')
                )
                tx._synchronize()
                refund = tx.sudo()._pay_now_refunds()
                self.assertEqual(self.items(refund.pay_now_commission_move_id), expected)

    def test_a_refund_that_came_back(self):
        self.choose(self.provider, self.reverse_charge)
        tx = self.paid(self.provider)
        gateway = self.gateway
        ref = gateway.give_back(tx.provider_reference, '50')
        tx._synchronize()
        gateway.fail_refund(ref, returned_commission=Decimal('1.00'))
        tx._synchronize()
        refund = tx.sudo()._pay_now_refunds()
        clearing = self.provider.pay_now_clearing_account_id
        receivable = tx.payment_id.destination_account_id
        self.assertEqual(
            self.items(refund.pay_now_reversal_move_id),
            [
                (clearing, 50, 0),
                (self.fees, 1.00, 0),
                (self.deductible, 0.20, 0),
                (self.due, 0, 0.20),
                (clearing, 0, 1.00),
                (receivable, 0, 50),
            ],
        )

    def test_queries_of_a_hundred_commissions(self):
        """As many with taxes, supplier and analytic accounts as without, and few of both."""
        counts = {}
        for name in ('plain', 'all'):
            if name == 'all':
                self.choose(self.provider, self.reverse_charge)
                self.provider.action_pay_now_supplier()
            txs = self.env['payment.transaction'].sudo()
            for invoice in self.make_invoices([10.0] * 100):
                tx = self.checkout(self.lines(invoice))
                self.gateway.pay(tx, commission='0.48')
                tx._apply_updates({'payment': self.gateway.payments[tx.provider_reference]})
                txs |= tx
            txs._pay_now_book_payments()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            txs._pay_now_book_commissions()
            self.env.flush_all()
            counts[name] = self.cr.sql_log_count - before
            self.assertEqual(set(txs.mapped('pay_now_commission_state')), {'booked'})
        # Before there were taxes, suppliers and analytic accounts it took 556.
        self.assertLess(counts['plain'], 500, counts)
        self.assertLess(counts['all'], counts['plain'] + 30, counts)


@tagged('post_install', '-at_install')
class TestCommissionOfDisputes(CommissionCase):
    """Fees of disputes, and fees returned: the same expense."""

    def entries(self):
        return self.dispute().movement_ids.sorted('id').move_id

    def test_fee_and_fee_returned(self):
        clearing = self.provider.pay_now_clearing_account_id
        self.provider.action_pay_now_supplier()
        self.choose(self.provider, self.reverse_charge)
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        self.change(state='won', movements=self.moved((-300, 20), (300, -20)))
        self.sweep()
        taken, back = self.entries()
        self.assertEqual(
            self.items(taken),
            [
                (self.disputed, 300, 0),
                (self.fees, 20, 0),
                (self.deductible, 4, 0),
                (self.due, 0, 4),
                (clearing, 0, 320),
            ],
        )
        self.assertEqual(
            self.items(back),
            [
                (clearing, 320, 0),
                (self.due, 4, 0),
                (self.deductible, 0, 4),
                (self.fees, 0, 20),
                (self.disputed, 0, 300),
            ],
        )
        expense = taken.line_ids.filtered(lambda line: line.account_id == self.fees)
        self.assertEqual(expense.partner_id, self.provider.pay_now_commission_partner_id)
        self.assertEqual(
            taken.line_ids.filtered(lambda line: line.account_id == self.disputed).partner_id,
            self.customer,
        )
        self.assertEqual(self.balance(self.fees), 4.60)

    def test_fee_with_its_tax_contained(self):
        self.choose(self.provider, self.vat)
        self.dispute_at_provider(movements=self.moved((-300, 24)))
        self.sweep()
        self.assertEqual(
            self.items(self.entries()),
            [
                (self.disputed, 300, 0),
                (self.fees, 20, 0),
                (self.deductible, 4, 0),
                (self.provider.pay_now_clearing_account_id, 0, 324),
            ],
        )

    def test_no_fee_without_an_account(self):
        self.provider.pay_now_commission_account_id = False
        self.dispute_at_provider(movements=self.moved((-300, 0)))
        self.sweep()
        self.assertEqual(len(self.entries()), 1, "there is no fee to book")


@tagged('post_install', '-at_install')
class TestCommissionConverted(CommissionCase):
    """The provider credits dollars: the commission is proposed from the payout's lines."""

    def converted(self):
        tx = self.checkout(self.lines(self.make_invoice(100)))
        self.gateway.pay(tx, commission='3.50', net=Decimal('104.50'), settlement_currency='USD')
        tx._synchronize()
        found = tx.pay_now_discrepancy_ids
        self.assertRecordValues(found, [{'kind': 'settlement', 'state': 'open'}])
        return tx, found

    def test_booked_as_proposed(self):
        self.choose(self.provider, self.reverse_charge)
        tx, found = self.converted()
        self.assertEqual(found.proposed_commission, 0, "the payout's lines are not there yet")
        with self.assertRaisesRegex(UserError, "no commission"):
            found.action_book_commission()
        line = self.gateway.move(
            'txn_usd',
            '104.50',
            'payment',
            '3.50',
            currency='USD',
            payment_id=tx.pay_now_payment_ref,
        )
        self.gateway.pay_out('po_usd', [line], currency='USD')
        self.sweep()
        self.env.invalidate_all()
        # 3.50 of 108.00 dollars, for 100.00 euros.
        self.assertEqual(found.proposed_commission, 3.24)
        found.action_book_commission()
        self.assertEqual(
            self.items(tx.pay_now_commission_move_id),
            [
                (self.fees, 3.24, 0),
                (self.deductible, 0.65, 0),
                (self.due, 0, 0.65),
                (self.provider.pay_now_clearing_account_id, 0, 3.24),
            ],
        )
        self.assertEqual(tx.pay_now_commission_state, 'booked')
        self.assertEqual(found.state, 'done')
        with self.assertRaisesRegex(UserError, "no commission"):
            found.action_book_commission()

    def test_what_the_books_refuse_stays_to_do(self):
        tx, found = self.converted()
        self.gateway.move(
            'txn_usd',
            '104.50',
            'payment',
            '3.50',
            currency='USD',
            payment_id=tx.pay_now_payment_ref,
        )
        self.sweep()
        self.provider.pay_now_commission_account_id = False
        with self.assertRaisesRegex(UserError, "commission account"), self.env.cr.savepoint():
            found.action_book_commission()
        self.env.invalidate_all()
        self.assertEqual((tx.pay_now_commission_state, found.state), ('by_hand', 'open'))


@tagged('post_install', '-at_install')
class TestCommissionImport(CommissionCase):
    """The provider's statement is imported by somebody else."""

    def test_nothing_is_booked_here(self):
        for provider, _fees, _clearing in self.each():
            provider.pay_now_commission_imported = True
            tx = self.paid(provider)
            self.assertRecordValues(
                tx,
                [{'pay_now_commission_state': 'imported', 'pay_now_commission_move_id': False}],
            )
            self.assertEqual(tx.pay_now_commission, 4.80)
            tx._synchronize()
            self.assertEqual(tx.pay_now_commission_state, 'imported')
            self.env['pay.now.discrepancy']._compare(provider, None)
            self.assertFalse(tx.pay_now_discrepancy_ids)

    def test_nor_the_fees_of_disputes(self):
        self.provider.pay_now_commission_imported = True
        self.dispute_at_provider(movements=self.moved((-300, 20)))
        self.sweep()
        self.assertEqual(
            self.items(self.dispute().movement_ids.move_id),
            [(self.disputed, 300, 0), (self.provider.pay_now_clearing_account_id, 0, 300)],
        )

    def test_a_payout_is_settled_without_them(self):
        self.provider.pay_now_commission_imported = True
        tx = self.paid(self.provider)
        self.gateway.pay_out('po_1', [self.gateway.movement_of(tx)])
        self.sweep()
        self.assertRecordValues(self.payout('po_1'), [{'settled': True, 'problem': False}])
        self.provider.pay_now_commission_imported = False
        self.payout('po_1').action_check()
        self.assertTrue(self.payout('po_1').settled)
        self.assertEqual(tx.pay_now_commission_state, 'imported', "not booked afterwards")

    def test_warned_where_both_write(self):
        provider = self.provider
        self.assertFalse(provider.pay_now_commission_doubled)
        self.env['account.bank.statement.line'].create(
            {
                'journal_id': provider.journal_id.id,
                'amount': -4.80,
                'payment_ref': "Stripe fee",
                'date': fields.Date.today(),
            }
        )
        self.env.invalidate_all()
        self.assertIn("twice", provider.pay_now_commission_doubled)
        self.assertFalse(self.paypal.pay_now_commission_doubled)
        self.assertIn('commissions_twice', '|'.join(self.company._pay_now_warnings()))
        provider.pay_now_commission_imported = True
        self.assertFalse(provider.pay_now_commission_doubled)
        self.assertNotIn('commissions_twice', '|'.join(self.company._pay_now_warnings()))
