# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from urllib.parse import urlsplit

from lxml import html

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.provider.test_branches import BranchCommon
from odoo.addons.account_pay_now.tests.reminder.reminder_days import START, ReminderDaysCommon


class AnswersCommon(ReminderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.other = cls.make_invoice(50, days_late=20)
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.reminder = (
            cls.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': cls.company.id,
                    'partner_id': cls.customer.id,
                    'level_id': cls.levels[0].id,
                    'item_ids': [Command.set(cls.lines(cls.invoice, cls.other).ids)],
                }
            )
        )

    def said(self, kind='promise', invoices=None, days=5, text='', document=None):
        """The customer says something on the page of a reminder."""
        day = self.company._pay_now_today() + timedelta(days=days)
        return (
            (document or self.reminder)
            .sudo()
            ._pay_now_answer(
                kind, set(self.lines(*(invoices or (self.invoice,))).ids), str(day), text
            )
        )


@tagged('post_install', '-at_install')
class TestAnswers(AnswersCommon):
    """What customers say instead of paying online, and what follows from it."""

    def test_items_are_held_the_others_are_not(self):
        self.said()
        [reminder] = self.generate().reminder_ids
        self.assertEqual(reminder.amount_due, 50)
        self.assertTrue(reminder.state == 'draft' and self.other in reminder.item_ids.move_id)
        self.said('paid', (self.invoice, self.other), days=-2)
        run = self.generate()
        self.assertEqual(run.reminder_ids.state, 'held')
        self.assertIn("Said to be paid by transfer on", run.reminder_ids.reason)

    def test_said_between_generating_and_sending(self):
        run = self.generate()
        self.said(invoices=(self.invoice, self.other))
        self.assertFalse(self.send(run))
        self.assertEqual(run.reminder_ids.state, 'held')
        self.assertIn("Payment promised for", run.reminder_ids.reason)

    def test_the_responsible_is_notified_and_the_text_is_only_text(self):
        answer = self.said('problem', text="<b>Wrong</b> <script>price()</script>")
        activity = self.env['mail.activity'].search(
            [('res_model', '=', 'account.move'), ('res_id', '=', self.invoice.id)]
        )
        self.assertEqual(activity.summary, "Problem reported")
        self.assertTrue(activity.user_id.active)
        self.assertEqual(self.invoice.message_ids[0].author_id, self.customer)
        note = self.invoice.message_ids[0].body
        self.assertIn('&lt;script&gt;', note)
        self.assertNotIn('<script>', note)
        self.assertNotIn('<b>', activity.note)
        self.assertIn("Problem reported", self.invoice.pay_now_answer_text)
        self.assertIn("Problem reported", self.customer.pay_now_answer_text)
        rows = self.env['pay.now.to.handle'].search([('kind', '=', 'answer')])
        self.assertEqual((rows.res_id, rows.partner_id), (answer.id, self.customer))
        self.assertIn("price()", rows.name)

    def test_nobody_is_notified_who_does_not_work_for_the_company(self):
        """Of another company, whose access to this one was taken away."""
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        seller = new_test_user(
            self.env,
            'pay_now_elsewhere',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set([self.company.id, elsewhere.id])],
        )
        (self.invoice | self.other).invoice_user_id = seller
        for companies, told in ((self.company | elsewhere, True), (elsewhere, False)):
            seller.write({'company_id': elsewhere.id, 'company_ids': [Command.set(companies.ids)]})
            answer = self.said('problem', text=f"{len(companies)}")
            self.assertEqual(answer.sudo()._responsible() == seller, told)
            self.assertEqual(self.reminder._responsible() == seller, told)

    def test_a_problem_holds_until_somebody_closes_it(self):
        answer = self.said('problem', (self.invoice, self.other), text="Broken")
        self.assertEqual(self.generate().reminder_ids.state, 'held')
        answer.action_close()
        self.assertEqual(self.generate().reminder_ids.state, 'draft')
        self.assertFalse(self.env['pay.now.to.handle'].search([('kind', '=', 'answer')]))

    def test_the_same_twice_is_one(self):
        self.assertEqual(self.said(), self.said())
        self.assertEqual(
            len(self.env['mail.activity'].search([('summary', 'ilike', "promised")])), 1
        )

    def test_another_day_takes_the_place_of_the_first(self):
        first, second = self.said(days=5), self.said(days=9)
        self.assertEqual((first.state, second.state), ('closed', 'open'))
        with self.assertRaisesRegex(ValidationError, "Please contact us"):
            self.said(days=10)
        # Closing it by hand gives no new patience.
        second.action_close()
        with self.assertRaisesRegex(ValidationError, "Please contact us"):
            self.said('paid', days=0)

    def test_not_put_off_for_ever(self):
        with self.assertRaisesRegex(ValidationError, "Please choose a day until"):
            self.said(days=31)
        first = self.said(days=30)
        self.env.cr.execute(
            "UPDATE pay_now_answer SET create_date = create_date - interval '20 days'"
            " WHERE id = %s",
            [first.id],
        )
        first.invalidate_recordset(['create_date'])
        with self.assertRaisesRegex(ValidationError, "Please choose a day until"):
            self.said(days=15)
        self.assertTrue(self.said(days=9))

    def test_what_cannot_be(self):
        refused = {
            "in the past": {'days': -1},
            "paid tomorrow": {'kind': 'paid', 'days': 1},
            "paid last year": {'kind': 'paid', 'days': -90},
            "no problem": {'kind': 'problem', 'text': "  "},
            "a novel": {'kind': 'problem', 'text': "x" * 10000},
        }
        for name, values in refused.items():
            with self.subTest(name), self.assertRaises(ValidationError):
                self.said(**values)
        for date in ('', 'tomorrow', '2026-13-45'):
            with self.subTest(date=date), self.assertRaises(ValidationError):
                self.reminder.sudo()._pay_now_answer(
                    'promise', set(self.lines(self.invoice).ids), date
                )
        self.assertFalse(self.env['pay.now.answer'].search([]))

    def test_only_the_page_s_own_items(self):
        stranger = self.make_invoice(10, partner=self.env['res.partner'].create({'name': "Other"}))
        with self.assertRaisesRegex(ValidationError, "tick the items"):
            self.said(invoices=(stranger,))
        answer = self.said(invoices=(stranger, self.invoice))
        self.assertEqual(answer.item_ids, self.lines(self.invoice))

    def test_switched_off(self):
        for kind in ('paid', 'promise', 'problem'):
            self.company[f'pay_now_answer_{kind}'] = False
            with self.subTest(kind), self.assertRaisesRegex(ValidationError, "not possible here"):
                self.said(kind, days=0, text="x")
        self.assertFalse(self.reminder._pay_now_page_values()['answers'])

    def test_never_beside_the_previous_balance(self):
        run = self.generate(
            print_previous_balance=True,
            date_from=self.company._pay_now_today() - timedelta(days=25),
        )
        reminder = run.reminder_ids
        self.assertFalse(reminder._pay_now_answer_kinds())
        self.assertNotIn('#answer', reminder._render_all()[reminder][1])
        with self.assertRaisesRegex(ValidationError, "not possible here"):
            self.said(document=reminder)

    def test_the_mail_leads_to_it(self):
        reminder = self.generate().reminder_ids
        self.assertIn('#answer', reminder._render_all()[reminder][1])
        self.company.write(
            dict.fromkeys(
                ('pay_now_answer_paid', 'pay_now_answer_promise', 'pay_now_answer_problem'), False
            )
        )
        self.env.invalidate_all()
        self.assertNotIn('#answer', reminder._render_all()[reminder][1])

    def test_items_in_another_currency_may_be_answered(self):
        self.env.ref('base.USD').active = True
        foreign = self.make_invoice(70, currency_id=self.env.ref('base.USD').id)
        answer = foreign.sudo()._pay_now_answer(
            'promise', set(), str(self.company._pay_now_today())
        )
        self.assertEqual(answer.item_ids, self.lines(foreign))

    def test_a_payment_in_progress_needs_no_answer(self):
        self.checkout(self.lines(self.invoice))._set_pending()
        with self.assertRaisesRegex(ValidationError, "tick the items"):
            self.said()

    def test_paying_online_stays_possible(self):
        self.said('problem', text="Which invoice is it?")
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        self.assertEqual(self.invoice.payment_state, 'paid')
        self.env['pay.now.answer']._close_ended()
        self.assertEqual(self.env['pay.now.answer'].search([]).state, 'kept')

    def test_noted_by_the_company_s_people(self):
        user = new_test_user(
            self.env,
            'pay_now_biller',
            groups='account.group_account_invoice',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        invoice = self.invoice.with_user(user)
        context = invoice.action_pay_now_answer()['context']
        Answer = self.env['pay.now.answer'].with_user(user).with_context(**context)
        answer = Answer.create({'kind': 'promise', 'date': self.company._pay_now_today()})
        self.assertEqual((answer.item_ids, answer.amount), (self.lines(self.invoice), 100))
        self.assertFalse(answer.by_customer)
        self.assertIn("Payment promised for", invoice.pay_now_answer_text)
        with self.assertRaises(UserError):
            Answer.create(
                {
                    'kind': 'promise',
                    'date': self.company._pay_now_today(),
                    'item_ids': [
                        Command.set(self.lines(self.make_invoice(5, partner=user.partner_id)).ids)
                    ],
                }
            )
        with self.assertRaises(AccessError):
            answer.with_user(new_test_user(self.env, 'nobody')).action_close()

    def test_no_query_for_each_customer(self):
        partners = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(12)]
        )
        for partner in partners:
            invoice = self.make_invoice(10, partner=partner, days_late=30)
            invoice.sudo()._pay_now_answer(
                'promise', set(self.lines(invoice).ids), str(self.company._pay_now_today())
            )

        def count(some):
            run = self.env['pay.now.reminder.run'].create({'partner_ids': [Command.set(some.ids)]})
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            run._generate()
            self.env.flush_all()
            self.assertEqual(set(run.reminder_ids.mapped('state')), {'held'})
            return self.cr.sql_log_count - before

        count(partners[:2])
        self.assertLessEqual(count(partners), count(partners[:2]) + 2)


@tagged('post_install', '-at_install')
class TestAnswersOverDays(ReminderDaysCommon):
    def said(self, invoice, number, kind='promise', days=5):
        with self.at(START + timedelta(days=number)):
            day = (START + timedelta(days=number + days)).date()
            return invoice.sudo()._pay_now_answer(kind, set(self.lines(invoice).ids), str(day))

    def test_a_promise_not_kept(self):
        """Silence until the day of grace is over, then reminders go on; somebody is notified."""
        invoice = self.invoice_due(-10)
        answer = self.said(invoice, 0)
        for number in range(9):
            self.assertFalse(self.day(number), number)
        self.assertTrue(self.day(9))
        self.assertEqual(answer.state, 'broken')
        notice = self.env['mail.activity'].search([('summary', 'ilike', "Not kept")])
        self.assertEqual(notice.res_id, invoice.id)
        self.day(10)
        self.assertEqual(
            notice, self.env['mail.activity'].search([('summary', 'ilike', "Not kept")])
        )

    def test_a_promise_kept(self):
        invoice = self.invoice_due(-10)
        answer = self.said(invoice, 0)
        with self.at(START + timedelta(days=4)):
            self.pay(invoice)
        for number in range(5, 20):
            self.assertFalse(self.day(number))
        self.assertEqual(answer.state, 'kept')

    def test_a_transfer_that_never_came(self):
        invoice = self.invoice_due(-10)
        self.said(invoice, 0, 'paid', -1)
        self.assertFalse(self.day(1))
        self.assertFalse(self.day(2))
        self.assertTrue(self.day(3))

    def test_the_next_reminder_is_after_it(self):
        invoice = self.invoice_due(-10)
        self.said(invoice, 0)
        with self.at(START):
            self.assertFalse(self.customer.pay_now_next_date)


@tagged('post_install', '-at_install')
class TestAnswersOfBranches(BranchCommon):
    def test_about_items_of_the_company_and_its_branches(self):
        self.connect()
        mine, theirs = self.make_invoice(100, days_late=30), self.make_branch_invoice(50)
        reminder = (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'level_id': self.level.id,
                    'item_ids': [Command.set(self.lines(mine, theirs).ids)],
                }
            )
        )
        chosen = set(self.lines(mine, theirs).ids)
        today = str(self.company._pay_now_today())
        answer = reminder.sudo()._pay_now_answer('promise', chosen, today)
        self.assertEqual(answer.item_ids.move_id, mine | theirs)
        self.assertTrue(theirs.pay_now_answer_text)

    def test_not_about_those_of_another_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        with self.assertRaisesRegex(ValidationError, "items of this customer"):
            self.env['pay.now.answer'].create(
                {
                    'company_id': other.id,
                    'partner_id': self.customer.id,
                    'date': self.company._pay_now_today(),
                    'item_ids': [Command.set(self.lines(self.make_invoice(5)).ids)],
                }
            )


@tagged('post_install', '-at_install')
class TestAnswersPage(BrowserMixin, AnswersCommon, HttpCase):
    """The same on the page, with and without JavaScript."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.path = urlsplit(cls.reminder._pay_now_url()).path

    def post(self, **data):
        page = html.fromstring(self.url_open(self.path).content)
        form = page.xpath('//form')[0]
        (address,) = set(form.xpath('.//button[@name="answer"]/@formaction'))
        return self.url_open(address, data=data)

    def test_without_javascript(self):
        [line] = self.lines(self.invoice)
        day = self.company._pay_now_today() + timedelta(days=3)
        answer = self.post(item=line.id, answer='promise', promised_on=str(day))
        said = html.fromstring(answer.content).text_content()
        self.assertIn("Thank you, we have noted it.", said)
        self.assertIn("You told us that you will pay on", said)
        self.assertEqual(self.env['pay.now.answer'].search([]).item_ids, line)
        # Loading it again notes nothing more.
        self.url_open(answer.url)
        self.assertEqual(self.env['pay.now.answer'].search_count([]), 1)

    def test_what_was_typed_survives_an_error(self):
        [line] = self.lines(self.invoice)
        page = html.fromstring(
            self.post(item=line.id, answer='promise', promised_on='2199-01-01', problem="x").content
        )
        self.assertIn("or contact us", page.xpath('//*[@role="alert"]')[0].text_content())
        self.assertEqual(page.xpath('//input[@name="promised_on"]/@value'), ['2199-01-01'])
        self.assertEqual(page.xpath('//input[@name="item"][@checked]/@value'), [str(line.id)])
        self.assertTrue(page.xpath('//details[@open]'))

    def test_refused(self):
        wrong = self.path[:-4] + 'AAAA'
        self.assertEqual(self.url_open(f'{wrong}/answer', data={'answer': 'paid'}).status_code, 404)
        self.assertFalse(self.env['pay.now.answer'].search([]))

    def test_how_it_looks(self):
        answers = "document.querySelector('.pay-now-answers')"
        opened = f'{answers}.open = true'
        day = str(self.company._pay_now_today() + timedelta(days=3))
        for lang, screen in (('en_US', 'en'), ('fr_FR', 'fr')):
            self.customer.lang = lang
            with self.browser() as browser:
                for size, name in ((DESKTOP, ''), (PHONE, '_phone')):
                    self.show(browser, self.path, answers, size=size)
                    self.run_js(browser, opened)
                    self.picture(browser, f'answers_{screen}{name}')
                    self.assert_fits(browser)
                    self.assert_accessible(browser)
        with self.browser() as browser:
            self.show(browser, f'{self.path}#answer', f'{answers}.open')
            self.run_js(browser, f"document.querySelector('[name=promised_on]').value = '{day}'")
            self.run_js(browser, "document.querySelector('button[value=promise]').click()")
            self.wait_for(browser, "document.querySelector('.pay-now-noted')")
            self.picture(browser, 'answers_noted')
            self.assert_accessible(browser)
        self.assertEqual(self.env['pay.now.answer'].search([]).kind, 'promise')


@tagged('post_install', '-at_install')
class TestAnswersScreens(BrowserMixin, AnswersCommon, HttpCase):
    """What the company's people see of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.user = new_test_user(
            cls.env,
            'pay_now_boss',
            groups='base.group_system,account.group_account_manager,base.group_user',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_lists_and_forms(self):
        promise = self.said(invoices=(self.other,))
        self.said('problem', text="We got 3 loaves of 4.")
        action = self.env.ref('account_pay_now.action_pay_now_answer').id
        settings = self.env.ref('account_pay_now.action_pay_now_settings').id
        invoices = self.env.ref('account.action_move_out_invoice_type').id
        screens = {
            'list': (f'/odoo/action-{action}', "document.querySelector('.o_data_row')"),
            'form': (
                f'/odoo/action-{action}/{promise.id}',
                "document.querySelector('[name=item_ids] .o_data_row')",
            ),
            'customer': (
                f'/odoo/res.partner/{self.customer.id}',
                "document.querySelector('.o_form_view .nav-link[name=accounting]')",
            ),
            'settings': (
                f'/odoo/action-{settings}',
                "document.querySelector('#pay_now_answers')",
            ),
            'invoice': (
                f'/odoo/action-{invoices}/{self.invoice.id}',
                "document.querySelector('.nav-link[name=other_info]')",
            ),
        }
        for lang in ('en_US', 'fr_FR'):
            self.user.lang = lang
            with self.browser('pay_now_boss') as browser:
                for name, (path, ready) in screens.items():
                    self.show(browser, path, ready, size=(1280, 1150), full=False)
                    if name == 'invoice':
                        self.run_js(browser, f'{ready}.click()')
                        self.wait_for(
                            browser, "document.querySelector('[name=pay_now_answer_text]')"
                        )
                        self.press_says(browser, lang)
                    elif name == 'customer':
                        self.run_js(browser, f'{ready}.click()')
                        self.wait_for(
                            browser, "document.querySelector('[name=pay_now_answer_text]')"
                        )
                    elif name == 'settings':
                        self.run_js(browser, f'{ready}.scrollIntoView()')
                    self.picture(browser, f'answers_{name}_{lang}', full=False)

    def press_says(self, browser, lang):
        """The window for what is said on the phone."""
        button = "document.querySelector('button[name=action_pay_now_answer]')"
        self.picture(browser, f'answers_tab_{lang}', full=False)
        self.run_js(browser, f'{button}.click()')
        self.wait_for(browser, "document.querySelector('.modal [name=item_ids] .o_data_row')")
