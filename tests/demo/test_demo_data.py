# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.convert import convert_file

from odoo.addons.account_pay_now.tests.common import PayNowCommon


@tagged('post_install', '-at_install')
class TestDemoData(PayNowCommon):
    """The half year of a company, as it is made in a database with demo data."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The gateways of the connections from here on.
        cls.class_patcher.stop()
        cls.startClassPatcher(
            patch.object(
                cls.env.registry['payment.provider'], '_pay_now_has_demo_data', lambda _self: True
            )
        )
        cls.last_mail = cls.env['mail.mail'].sudo().search([], order='id desc', limit=1).id or 0
        cls.mill = cls.make_company()
        cls.env['pay.now.demo']._prepare(cls.mill)
        cls.env = cls.env(context={**cls.env.context, 'allowed_company_ids': cls.mill.ids}, su=True)
        cls.mill = cls.mill.with_env(cls.env)
        cls.sides = cls.mill.pay_now_provider_ids

    @classmethod
    def make_company(cls):
        """Return the company of the demo data with its customers, as their files have them."""
        if mill := cls.env.ref('account_pay_now.demo_company', raise_if_not_found=False):
            return mill
        mill = (
            cls.env['res.company']
            .sudo()
            .create(
                {
                    'name': "Moulin du Canal SARL",
                    'country_id': cls.env.ref('base.fr').id,
                    'currency_id': cls.env.ref('base.EUR').id,
                    'email': 'comptabilite@moulin-du-canal.example',
                }
            )
        )
        cls.env['ir.model.data'].sudo()._update_xmlids(
            [{'xml_id': 'account_pay_now.demo_company', 'record': mill}]
        )
        convert_file(
            cls.env(su=True),
            'account_pay_now',
            'demo/res_partner_demo.xml',
            {},
            mode='init',
            noupdate=True,
        )
        return mill

    def test_a_failure_is_told(self):
        """What cannot be built is undone, and said where Odoo says it of any demo data."""
        Failure = self.env['ir.demo_failure']
        before = Failure.search_count([])
        company = self.env['res.company'].create(
            {'name': "Moulin du Bief", 'email': 'bief@moulin.example'}
        )
        broken = patch.object(
            self.env.registry['pay.now.demo'], '_connect', side_effect=ValueError("no wheat")
        )
        with broken, mute_logger('odoo.addons.account_pay_now.models.demo.pay_now_demo'):
            self.env['pay.now.demo']._prepare(company)
        self.assertFalse(company.pay_now_signup_date)
        [failure] = Failure.search([], order='id desc', limit=Failure.search_count([]) - before)
        self.assertIn("no wheat", failure.error)
        self.assertEqual(self.env.ref('base.demo_failure_todo').state, 'open')

    def found(self, model, *domain):
        return self.env[model].search([('company_id', '=', self.mill.id), *domain])

    def test_invoices_in_every_state(self):
        invoices = self.found('account.move', ('move_type', '=', 'out_invoice'))
        self.assertEqual(set(invoices.mapped('state')), {'posted'})
        self.assertEqual(len(invoices.filtered(lambda one: one.payment_state == 'paid')), 53)
        self.assertEqual(len(invoices.filtered(lambda one: one.payment_state == 'not_paid')), 14)
        self.assertTrue(all(invoices.mapped('pay_now_is_demo')))
        proposed = self.found('account.move', ('move_type', '=', 'out_refund'))
        self.assertEqual((proposed.state, proposed.amount_total), ('draft', 48))

    def test_payments(self):
        txs = self.found('payment.transaction', ('operation', '!=', 'refund'))
        self.assertEqual(set(txs.mapped('state')), {'done', 'pending'})
        done = txs.filtered(lambda tx: tx.state == 'done')
        self.assertEqual(len(done.payment_id), len(done))
        self.assertEqual(len(done.pay_now_commission_move_id), len(done))
        today = self.mill._pay_now_today()
        self.assertGreater((today - min(done.payment_id.mapped('date'))).days, 120)
        self.assertTrue(all(day < today for day in done.payment_id.mapped('date')))
        self.assertEqual(
            set(self.found('pay.now.event').mapped('state')), {'done'}, "none failed or ignored"
        )

    def test_books_are_what_the_providers_say(self):
        self.assertEqual(len(self.sides), 2)
        for provider in self.sides:
            self.assertEqual((provider.state, provider.pay_now_health), ('test', 'green'))
            terms = provider._pay_now_clearing_equation()
            self.assertEqual((terms['gap'], terms['unlisted'], terms['waiting']), (0, 0, 0))
            payouts = self.found('pay.now.payout', ('provider_id', '=', provider.id))
            *former, last = payouts.sorted('created_at').mapped('bank_state')
            self.assertEqual((set(former), last), ({'matched'}, 'waiting'))
            self.assertFalse(any(payouts.mapped('problem')))

    def test_what_has_to_be_handled(self):
        disputes = self.found('pay.now.dispute')
        self.assertEqual(sorted(disputes.mapped('state')), ['open', 'won'])
        found = self.found('pay.now.discrepancy', ('state', '=', 'open'))
        self.assertEqual(found.kind, 'surplus')
        answers = self.found('pay.now.answer')
        self.assertEqual(set(answers.mapped('kind')), {'promise', 'paid', 'problem'})

    def test_reminders_of_each_level(self):
        sent = self.found('pay.now.reminder', ('state', '=', 'sent'))
        levels = self.env['pay.now.reminder.level'].search([('company_id', '=', self.mill.id)])
        first, second, last = levels.sorted('delay_days')
        self.assertEqual(sent.level_id, first | second)
        self.assertTrue(all(sent.mapped('has_button')))
        self.assertEqual(set(sent.run_id.mapped('state')), {'done'})
        waiting = self.found('pay.now.reminder.run', ('state', '=', 'draft'))
        self.assertEqual(waiting.date, self.mill._pay_now_today())
        drafts = waiting.reminder_ids.filtered(lambda one: one.state == 'draft')
        self.assertEqual(drafts.level_id, first | last)
        self.assertEqual(set(drafts.mapped('channel')), {'email', 'letter'})
        held = waiting.reminder_ids - drafts
        self.assertEqual(
            {code for one in held for code, _values in one.reason_codes},
            {'answered', 'no_other_level', 'planned'},
        )

    def test_other_ways_to_pay(self):
        """A plan to answer, a transfer to match, a statement of account with its page."""
        plan = self.found('pay.now.plan')
        self.assertEqual((plan.state, len(plan.part_ids)), ('asked', 3))
        self.assertEqual(sum(plan.part_ids.mapped('amount')), plan.move_ids.amount_residual)
        self.assertTrue(self.found('pay.now.to.handle', ('kind', '=', 'plan')))
        [line] = self.env['account.bank.statement.line'].search(
            [('company_id', '=', self.mill.id), ('is_reconciled', '=', False)]
        )
        text = line.pay_now_transfer_text
        line.with_context(pay_now_proposal=text).action_pay_now_match_transfer()
        [invoice] = line.move_id.line_ids.matched_debit_ids.debit_move_id.move_id
        self.assertEqual(text, f"{invoice.name} of Hôtel du Port")
        self.assertEqual((invoice.amount_residual, line.is_reconciled), (0, True))
        statement = self.found('pay.now.customer.statement')
        self.assertEqual(statement.state, 'sent')
        owed = self.found(
            'account.move',
            ('partner_id', '=', statement.partner_id.id),
            ('payment_state', '=', 'not_paid'),
        )
        self.assertEqual(statement._pay_now_lines().move_id, owed)
        total = round(sum(owed.mapped('amount_residual')), 2)
        self.assertEqual(statement.balances, [[total, self.mill.currency_id.id]])
        page = statement._pay_now_page_values()
        self.assertEqual(len(page['items']), 2)
        self.assertEqual(page['transfers'][0]['number_plain'], 'FR7630006000011234567890189')

    def test_nothing_is_mailed(self):
        mails = self.env['mail.mail'].search([('id', '>', self.last_mail)])
        self.assertTrue(mails, "the reminders")
        self.assertLessEqual(set(mails.mapped('state')), {'sent', 'cancel'})
        self.assertFalse(self.mail_watch.wrong)
        people = self.env['res.partner'].search([('company_id', '=', self.mill.id)])
        self.assertTrue(
            all(address.endswith('.example') for address in filter(None, people.mapped('email')))
        )
        self.assertFalse(self.mill.pay_now_receipts)
        self.assertFalse(self.mill.pay_now_reminder_auto)

    def test_once_only(self):
        before = len(self.found('account.move'))
        self.env['pay.now.demo']._prepare(self.mill)
        self.env['pay.now.demo']._prepare(self.env['res.company'])
        self.assertEqual(len(self.found('account.move')), before)

    def test_what_fails_leaves_the_module(self):
        """Without a trace, but for the log."""
        company = self.env['res.company'].create({'name': "Without customers"})
        model = self.env.registry['pay.now.demo']
        with (
            patch.object(model, '_invoice', side_effect=ValueError("It cannot be")),
            self.assertLogs('odoo.addons.account_pay_now.models.demo.pay_now_demo', 'ERROR'),
        ):
            self.env['pay.now.demo']._prepare(company)
        company.invalidate_recordset()
        self.assertFalse(company.pay_now_signup_date)
        self.assertFalse(company.pay_now_connected)
