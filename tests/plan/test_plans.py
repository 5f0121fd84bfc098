# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.models import mail_mail
from odoo.addons.account_pay_now.models.plan import pay_now_plan_mail as plan_mail
from odoo.addons.account_pay_now.tests.plan.plans import PlansCommon
from odoo.addons.account_pay_now.tests.reminder.reminder_days import START


@tagged('post_install', '-at_install')
class TestPlans(PlansCommon):
    """The life of a payment plan: answered, kept to, paid in other ways, missed."""

    def test_a_whole_life(self):
        """Asked, accepted; one part online, one by transfer, the last one missed."""
        invoice = self.invoice_due(-10, 300)
        plan = self.ask(invoice)
        self.assertEqual(
            [(part.date, part.amount) for part in plan.part_ids],
            [(date(2026, 1, 5), 100), (date(2026, 2, 5), 100), (date(2026, 3, 5), 100)],
        )
        self.assertEqual((self.rows().res_id, self.rows().amount), (plan.id, 300))
        self.assertEqual(plan.activity_ids.summary, "Payment plan asked for")
        self.assertIn("Payment plan asked for", invoice.pay_now_plan_text)
        self.assertFalse(self.mails())
        with self.on(0):
            plan.with_user(self.accountant).action_accept()
            # Pressed twice.
            plan.with_user(self.accountant).action_accept()
        self.assertEqual(plan.state, 'accepted')
        self.assertFalse(self.rows() or plan.activity_ids)
        [mail] = self.mails()
        self.assertIn('client@example.com', mail.email_to)
        self.assertIn(plan._pay_now_path(), mail.body_html)
        self.assertIn('100.00', mail.body_html)
        # What the mail of the acceptance asked for already is not asked for once more.
        self.assertFalse(self.follow(0))
        self.pay_part(plan, 1)
        self.assertEqual(self.figures(plan, 1), [0, 100, 100])
        # Nobody is reminded meanwhile, and the item keeps its own due date.
        self.assertFalse(self.day(20))
        self.assertIn("Payment plan accepted, next part on", self.latest().reason)
        self.assertEqual(self.lines(invoice).date_maturity, date(2025, 12, 26))
        self.assertFalse(self.follow(30))
        [mail] = self.follow(31)
        self.assertIn("100.00", mail.subject)
        self.assertFalse(self.follow(31, 15))
        with self.on(32):
            self.pay(invoice, 100)
        self.assertEqual(self.figures(plan, 32), [0, 0, 100])
        self.assertTrue(self.follow(59))
        self.assertFalse(self.day(62))
        self.assertFalse(self.follow(62))
        # By the date alone, whether the scheduled action has worked or not.
        self.assertTrue(self.day(63))
        [mail] = self.follow(63)
        self.assertIn("has not been paid in time", mail.body_html)
        self.assertEqual((plan.state, plan.end_reason), ('ended', 'missed'))
        self.assertEqual(self.rows().res_id, plan.id)
        self.assertEqual(
            plan.activity_ids.summary, "Payment plan ended: a part was not paid in time"
        )
        self.assertFalse(self.follow(64))
        plan.with_user(self.accountant).action_noted()
        self.assertFalse(self.rows() or plan.activity_ids)

    def test_a_part_by_bank_transfer(self):
        """The bank's line quotes the invoice: proposed, accepted, and the part is paid."""
        bank = self.company_data['default_journal_bank']
        bank.bank_account_id = self.env['res.partner.bank'].create(
            {
                'acc_number': 'FR7630006000011234567890189',
                'partner_id': self.company.partner_id.id,
                'allow_out_payment': True,
            }
        )
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        self.assertIn("Amount</th>", self.mails().body_html, "of what is asked for")
        drawn, accounts = [], self.env.registry['res.partner.bank']
        with self.on(1):
            shown = plan.sudo()._pay_now_page_values()['transfers']
            with patch.object(
                accounts, '_pay_now_qr', lambda _account, *values: drawn.append(values)
            ):
                plan.sudo()._pay_now_transfer_qr(bank.bank_account_id.id)
            line = self.env['account.bank.statement.line'].create(
                {
                    'journal_id': bank.id,
                    'amount': sum(one['amount'] for one in shown),
                    'payment_ref': f"VIR {shown[0]['reference']}",
                }
            )
            proposal = line.pay_now_transfer_text
            self.assertIn("200.00\xa0€ stay open", proposal)
            self.assertFalse(line.is_reconciled, "of a part a person decides")
            line.with_context(pay_now_proposal=proposal).action_pay_now_match_transfer()
        self.assertEqual(drawn, [(100, invoice.name, self.company.currency_id)])
        self.assertEqual(self.figures(plan, 1), [0, 100, 100])
        self.assertFalse(self.follow(5))
        self.assertEqual(plan.state, 'accepted')

    def test_in_the_list_of_invoices(self):
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-10, 60)
        moves = (invoice | other).with_user(self.accountant)

        def found(operator, value):
            domain = [('id', 'in', moves.ids), ('pay_now_plan_state', operator, value)]
            return moves.search(domain)

        self.assertFalse(found('!=', False))
        plan = self.ask(invoice)
        self.assertEqual(moves.mapped('pay_now_plan_state'), ['asked', False])
        self.assertEqual((found('!=', False), found('=', False)), (invoice, other))
        with self.on(1):
            plan.with_user(self.accountant).action_accept()
        self.env.invalidate_all()
        self.assertEqual((found('=', 'accepted'), found('!=', 'accepted')), (invoice, other))
        self.assertFalse(found('=', 'asked'))
        # Another customer's, it is in none.
        with self.on(2):
            invoice.button_draft()
            invoice.partner_id = self.env['res.partner'].create({'name': "Other"})
            invoice.action_post()
        self.env.invalidate_all()
        self.assertFalse(found('!=', False) or invoice.pay_now_plan_state)

    def test_a_part_by_transfer_that_is_taken_apart(self):
        """The bank's line pays the part that is asked for, until somebody undoes it."""
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        self.pay_part(plan, 1)
        journal = self.company_data['default_journal_bank']
        journal.bank_account_id = self.env['res.partner.bank'].create(
            {
                'acc_number': 'FR7630006000011234567890189',
                'partner_id': self.company.partner_id.id,
                'allow_out_payment': True,
            }
        )
        with self.on(31):
            [transfer] = plan.sudo()._pay_now_page_values()['transfers']
            self.assertEqual(transfer['amount'], 100)
            line = self.env['account.bank.statement.line'].create(
                {
                    'journal_id': journal.id,
                    'amount': 100,
                    'payment_ref': f"VIR SEPA {transfer['reference']}",
                    'date': self.now.date(),
                }
            )
            # A part of an invoice is proposed, and a person accepts it.
            self.assertFalse(line.is_reconciled)
            self.assertIn(invoice.name, line.pay_now_transfer_text)
            # What the row says is what the button does.
            button = line.with_context(pay_now_proposal=line.pay_now_transfer_text)
            button.action_pay_now_match_transfer()
            with self.assertRaisesRegex(UserError, "any more"):
                button.action_pay_now_match_transfer()
            self.assertTrue(line.is_reconciled)
        self.assertEqual(self.figures(plan, 31), [0, 0, 100])
        self.assertFalse(self.follow(31))
        self.assertFalse(self.follow(35))
        self.assertEqual(plan.state, 'accepted')
        # Taken apart again, the part is open, and missed.
        with self.on(36):
            line.action_undo_reconciliation()
        self.assertEqual(self.figures(plan, 36), [0, 100, 100])
        self.follow(36)
        self.follow(40)
        self.assertEqual(plan.end_reason, 'missed')

    def test_paid_in_full_early(self):
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-5, 60)
        plan = self.accepted(invoice, other)
        tx = self.pay_part(plan, 2, rest=True)
        self.assertEqual(tx.amount, 360)
        self.assertFalse(self.follow(3))
        self.assertEqual((plan.state, plan.sudo().left), ('done', 0))
        self.assertFalse(self.rows())

    def test_a_part_pays_the_oldest_items_first(self):
        """Where ordinary parts are not allowed, too; anything else is refused."""
        invoice, other = self.invoice_due(-10, 90), self.invoice_due(-5, 60)
        plan = self.accepted(invoice, other, count=2).sudo()
        with self.on(1):
            chosen = set(self.lines(invoice, other).ids)
            self.assertFalse(self.company.pay_now_partial)
            for amount, items in ((74, chosen), (150.01, chosen), (None, chosen)):
                with self.assertRaisesRegex(ValidationError, "have changed meanwhile"):
                    plan._pay_now_start(items, self.provider.id, amount=amount)
            with self.assertRaisesRegex(ValidationError, "have changed meanwhile"):
                plan._pay_now_start(set(self.lines(invoice).ids), self.provider.id, amount=75)
        tx = self.pay_part(plan, 1)
        self.assertEqual(tx.amount, 75)
        self.assertEqual((invoice.amount_residual, other.amount_residual), (15, 60))
        self.assertEqual(self.figures(plan, 1), [0, 75])
        # On its page the next part can be paid before its day.
        self.pay_part(plan, 2)
        self.assertFalse(other.amount_residual)

    def test_changed_by_the_accountant(self):
        plan = self.ask(self.invoice_due(-10, 300)).with_user(self.accountant)
        first, second, third = plan.part_ids

        def version():
            self.env.flush_all()
            self.cr.execute("SELECT ctid FROM pay_now_plan WHERE id = %s", plan.ids)
            return self.cr.fetchone()

        before = version()
        third.date = '2026-03-06'
        self.assertNotEqual(version(), before, "whoever accepts at the same moment begins again")
        before = version()
        plan.action_divide()
        self.assertNotEqual(version(), before, "of a button, too")
        with self.on(2):
            plan.write({'part_ids': [Command.delete(third.id)]})
            with self.assertRaisesRegex(UserError, "Divide equally"):
                plan.action_accept()
            self.assertEqual(plan.state, 'asked')
            plan.action_divide()
            self.assertEqual(plan.part_ids.mapped('amount'), [150, 150])
            plan.part_ids = [
                Command.update(first.id, {'amount': 50}),
                Command.create({'amount': 100, 'date': '2026-03-01'}),
            ]
            plan.action_accept()
        # What is over by now moves, and the others with it.
        self.assertEqual(
            [(part.date.isoformat(), part.amount) for part in plan.part_ids.sorted('date')],
            [('2026-01-07', 50), ('2026-02-07', 150), ('2026-03-03', 100)],
        )
        for command in (
            Command.update(first.id, {'amount': 1}),
            Command.delete(second.id),
            Command.create({'amount': 1, 'date': '2026-03-01'}),
        ):
            with self.assertRaisesRegex(UserError, "until it is accepted or refused"):
                plan.write({'part_ids': [command]})
        with self.assertRaises(AccessError):
            plan.write({'state': 'done'})
        with self.assertRaises(AccessError):
            plan.write({'amount': 1})

    def test_refused_with_a_reason(self):
        invoice = self.invoice_due(-10, 300)
        plan = self.ask(invoice).with_user(self.accountant)
        with self.on(1):
            with self.assertRaisesRegex(UserError, "Say why"):
                plan.action_refuse()
            plan.refusal = "Not <b>twice</b>"
            plan.action_refuse()
            plan.action_refuse()
            plan.action_accept()
            [mail] = self.mails()
            self.assertIn('Not &lt;b&gt;twice&lt;/b&gt;', mail.body_html)
            [told] = invoice.sudo()._pay_now_told_plans()
            self.assertEqual(told['refusal'], "Not <b>twice</b>")
        self.assertEqual(plan.state, 'refused')
        self.assertFalse(self.rows())
        with self.assertRaisesRegex(UserError, "has read the reason"):
            plan.refusal = "Twice, after all"
        self.assertTrue(self.day(2))
        # Once more, and no more than that.
        second = self.ask(invoice, number=3).with_user(self.accountant)
        with self.on(4):
            second.refusal = "No"
            second.action_refuse()
        with self.assertRaisesRegex(ValidationError, "Please contact us"):
            self.ask(invoice, number=5)

    def test_a_payment_in_progress_is_not_missed(self):
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        with self.on(1):
            page = plan.sudo()
            tx = page._pay_now_start(set(self.lines(invoice).ids), self.provider.id, amount=100)
            tx._pay_now_open()
            self.gateway.set(tx.provider_reference, state=base.PENDING)
            tx._synchronize()
            self.assertTrue(page._pay_now_page_values()['is_on_its_way'])
            with self.assertRaisesRegex(ValidationError, "have changed meanwhile"):
                page._pay_now_start(set(self.lines(invoice).ids), self.provider.id, amount=100)
        self.assertFalse(self.follow(5))
        self.assertEqual(plan.state, 'accepted')
        with self.on(6):
            # The bank refuses the debit: what is missed is missed.
            self.gateway.set(tx.provider_reference, state=base.FAILED)
            tx._synchronize()
        self.assertTrue(self.follow(6))
        self.assertEqual(plan.end_reason, 'missed')

    def test_a_reported_problem_is_looked_at_first(self):
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice, rhythm='weekly')
        self.pay_part(plan, 0)
        with self.on(1):
            self.assertEqual(plan.sudo()._pay_now_answer_kinds(), ['problem'])
            chosen = set(self.lines(invoice).ids)
            answer = plan.sudo()._pay_now_answer('problem', chosen, text="Mouldy")
        self.assertFalse(self.follow(7) or self.follow(12))
        answer.action_close()
        # It was not asked for before: the days of grace begin as it is.
        self.assertIn("100.00", self.follow(12, 15).subject)
        self.assertFalse(self.follow(13))
        with self.on(15):
            self.assertTrue(plan.sudo()._is_holding())
        # By the date alone, again.
        with self.on(16):
            self.assertFalse(plan.sudo()._is_holding())
        self.assertTrue(self.follow(16))
        self.assertEqual(plan.end_reason, 'missed')

    def test_the_days_of_grace_begin_on_a_working_day(self):
        """And the mail that says that it ended leaves in the company's hours."""
        self.company.write({'pay_now_working_days': True, 'pay_now_grace_days': 0})
        plan = self.accepted(self.invoice_due(-10, 300), rhythm='weekly', number=5)
        self.pay_part(plan, 5)
        # Saturday and Sunday.
        self.assertFalse(self.follow(12) or self.follow(13))
        with self.on(14):
            self.assertTrue(plan.sudo()._is_holding())
        self.assertTrue(self.follow(14))
        self.company.write({'pay_now_hour_from': 8, 'pay_now_hour_to': 12})
        with self.on(15, 16):
            self.assertFalse(plan.sudo()._is_holding())
        self.assertFalse(self.follow(15, 16))
        self.assertEqual(plan.state, 'accepted')
        self.assertTrue(self.follow(16))
        self.assertEqual(plan.end_reason, 'missed')

    def test_only_as_much_as_is_explained_is_left_alone(self):
        """One of the items, were it the smallest, keeps none of the others for ever."""
        invoice, other = self.invoice_due(-10, 300), self.invoice_due(-5, 60)
        plan = self.accepted(invoice, other).sudo()

        def holds():
            self.env.invalidate_all()
            with self.on(4):
                return plan._is_holding()

        self.assertFalse(holds())
        invoice.pay_now_excluded = True
        self.assertTrue(holds(), "120.00 are overdue, 300.00 are left alone")
        invoice.pay_now_excluded = False
        other.pay_now_excluded = True
        self.assertFalse(holds(), "60.00 are left alone")
        with self.on(1):
            self.assertEqual(plan._asked_now(), 120)
        other.pay_now_excluded = False
        with self.on(1):
            plan._pay_now_answer('problem', set(self.lines(other).ids), text="Mouldy")
        self.assertFalse(holds())
        with self.on(2):
            other.button_draft()
        self.assertFalse(holds())
        self.assertTrue(self.follow(4))
        self.assertEqual(plan.end_reason, 'missed')

    def test_who_cannot_be_written_to(self):
        """A person is told once, no mail is noted, and the plan ends by its dates all the same."""
        plan = self.accepted(self.invoice_due(-10, 300))
        self.pay_part(plan, 0)
        self.customer.email = False
        self.assertFalse(self.follow(31) or self.follow(31, 15))
        part = plan.part_ids[1]
        self.assertTrue(part.told_at)
        self.assertFalse(part.reminded_at)
        self.assertEqual(plan.activity_ids.summary, "A part is due, and nothing could be mailed")
        self.follow(34)
        self.assertEqual(plan.state, 'accepted')
        self.follow(35)
        self.assertEqual(plan.end_reason, 'missed')

    def test_the_provider_refuses(self):
        """A part that cannot be paid online is asked for all the same, without a button."""
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        self.pay_part(plan, 0)
        self.provider.sudo().maximum_amount = 50
        with self.on(1):
            values = plan.sudo()._pay_now_page_values()
            self.assertFalse(values['choices'] or values['providers'])
        [mail] = self.follow(31)
        self.assertNotIn(plan._pay_now_path(), mail.body_html)
        self.assertIn("100.00", mail.body_html)

    def test_in_the_customers_language_and_the_companys_hours(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        self.company.write({'pay_now_hour_from': 8, 'pay_now_hour_to': 10})
        plan = self.accepted(self.invoice_due(-10, 300))
        self.assertIn("100,00", self.mails().body_html)
        self.pay_part(plan, 1)
        self.assertFalse(self.follow(31, hour=6))
        self.assertFalse(self.follow(31, hour=16))
        self.assertTrue(self.follow(32, hour=8))

    def test_ended_by_a_person(self):
        invoice = self.invoice_due(-10, 300)
        plan = self.accepted(invoice)
        with self.on(1):
            plan.with_user(self.accountant).action_end()
            plan.with_user(self.accountant).action_end()
        self.assertEqual(len(self.mails()), 2)
        self.assertFalse(self.rows())
        self.assertTrue(self.day(2))
        # Its page is as any other: all that is open.
        with self.on(2):
            page = plan.sudo()
            self.assertEqual(page._pay_now_page_template(), 'account_pay_now.pay_page')
            self.assertEqual(page._pay_now_page_values()['total'], 300)

    def test_nobody_else_answers(self):
        plan = self.ask(self.invoice_due(-10, 300))
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        stranger = self.accountant.copy({'login': 'stranger', 'email': 'stranger@example.com'})
        stranger.write({'company_ids': [Command.set(elsewhere.ids)], 'company_id': elsewhere.id})
        for action in ('action_accept', 'action_refuse', 'action_divide', 'action_end'):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(plan.with_user(stranger), action)()
        other = self.ask(self.invoice_due(-10, 80)).with_user(self.accountant)
        with self.on(0):
            other.action_accept()
        # A part is not moved out of what was agreed, nor into it.
        with self.assertRaisesRegex(UserError, "until it is accepted or refused"):
            plan.with_user(self.accountant).part_ids[0].plan_id = other
        with self.assertRaisesRegex(UserError, "until it is accepted or refused"):
            other.part_ids[0].plan_id = plan
        # Of a branch that they have no access to, they read of the plan and not of the invoice.
        branch = self.make_branch()
        mine, its = self.invoice_due(-10, 90), self.invoice_due(-10, 70, company_id=branch.id)
        both = self.ask(mine, its)
        self.env.invalidate_all()
        both = both.with_user(self.accountant)
        self.assertEqual(both.move_ids.mapped('name'), [mine.name])
        self.assertEqual(both.sudo().move_ids, mine | its)
        with self.assertRaises(AccessError):
            self.env['pay.now.plan'].with_user(self.accountant).create(
                {'company_id': self.company.id, 'partner_id': self.customer.id}
            )

    def test_a_mail_that_is_not_taken(self):
        """Somebody is told, once: the customer does not know that a part is due."""
        plan = self.accepted(self.invoice_due(-10, 300)).sudo()
        with self.on(1):
            plan.activity_schedule('mail.mail_activity_data_todo', summary="Call them in May")
            for _again in range(2):
                self.mails()._postprocess_sent_message(
                    [], [], failure_reason="Mailbox full", failure_type='mail_smtp'
                )
        [_own, asked] = plan.activity_ids.sorted('id')
        self.assertIn("could not be sent", asked.summary)
        self.assertEqual(asked.user_id, self.company._pay_now_accountant())
        self.assertIn("Mailbox full", plan.message_ids[0].body)
        # What cannot be told of one mail keeps the queue, which has more of them, from nothing.
        mail = self.mails()[0]
        with (
            patch.object(type(plan), '_note_problem', side_effect=ValueError("No.")) as told,
            mute_logger(mail_mail.__name__),
        ):
            self.mails()._postprocess_sent_message([], [], failure_type='mail_smtp')
        self.assertTrue(told.called and mail.exists())

    def test_none_is_followed_twice_while_others_wait(self):
        """Where the time is over after each batch: those that fail, and those of the last batch."""
        plans = self.env['pay.now.plan'].sudo()
        for customer in self.make_customers(3):
            plans |= self.accepted(self.invoice_due(-10, 300, partner=customer)).sudo()
        followed = []

        def follow(plan):
            followed.append(plan.id)
            if plan == plans[0]:
                raise ValueError("No.")

        cron = self.env.registry['ir.cron']
        with (
            patch.object(const, 'PLAN_BATCH', 2),
            patch.object(cron, '_commit_progress', lambda *_args, **_kwargs: 0),
            patch.object(self.env.registry['pay.now.plan'], '_follow', follow),
            mute_logger(plan_mail.__name__),
        ):
            self.follow(1)
            self.assertEqual(followed, plans.ids[:2])
            self.follow(1)
            self.assertEqual(followed, plans.ids)
            self.follow(1)
            self.assertEqual(followed, plans.ids)
            self.follow(1, 10)
            self.assertEqual(followed, plans.ids + plans.ids[:2])
        self.assertEqual(plans.activity_ids.res_id, plans[0].id, "somebody is told, once")
        self.assertIn("could not be followed", plans.activity_ids.summary)
        self.assertIn("No.", plans[0].message_ids[0].body)

    def test_what_cannot_be_told_either(self):
        """The others are followed, and of an invoice whose number was emptied somebody is told."""
        plans = self.env['pay.now.plan'].sudo()
        for customer in self.make_customers(3):
            plans |= self.accepted(self.invoice_due(-10, 300, partner=customer)).sudo()
        draft = plans[0].item_ids.move_id
        draft.button_draft()
        draft.name = False
        Plan, followed = self.env.registry['pay.now.plan'], []
        note_problem = Plan._note_problem

        def follow(plan):
            followed.append(plan.id)
            if plan != plans[2]:
                raise ValueError("No.")

        def note(plan, *args):
            if plan == plans[1]:
                raise ValueError("Nor this.")
            note_problem(plan, *args)

        with (
            patch.object(Plan, '_follow', follow),
            patch.object(Plan, '_note_problem', note),
            mute_logger(plan_mail.__name__),
        ):
            self.follow(1)
        self.assertEqual(followed, plans.ids)
        self.assertTrue(all(plans.mapped('followed_at')))
        self.assertEqual(plans.activity_ids.res_id, plans[0].id)

    def test_no_query_for_each_plan(self):
        invoices = [self.invoice_due(-10, 40, partner=one) for one in self.make_customers(8)]
        for invoice in invoices:
            self.accepted(invoice, count=2)

        def count(some):
            lines = self.lines(*some)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            with self.on(1):
                holds = lines._pay_now_holds()
            self.assertEqual(set(holds.values()), {'planned'})
            self.assertEqual(len(holds), len(some))
            return self.cr.sql_log_count - before

        count(invoices[:2])
        self.assertLessEqual(count(invoices), count(invoices[:2]) + 2)

    def test_missed_by_the_days_of_grace(self):
        self.company.pay_now_grace_days = 0
        plan = self.accepted(self.invoice_due(-10, 300), rhythm='weekly')
        self.assertFalse(self.follow(0))
        self.assertEqual(plan.state, 'accepted')
        with self.at(START + timedelta(days=1)):
            self.assertFalse(plan.sudo()._is_holding())
        self.assertTrue(self.follow(1))
        self.assertEqual(plan.end_reason, 'missed')
