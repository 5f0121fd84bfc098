# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import io
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import find_in_path
from odoo.tools.pdf import PdfFileReader, PdfFileWriter

from odoo.addons.account_pay_now.tests.common import ReminderCommon

ADDRESS = {'street': "1 rue du Four", 'zip': '69001', 'city': "Lyon"}


class LettersCommon(ReminderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.customer.write({'email': False, **ADDRESS})
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.other = cls.make_invoice(50, days_late=20)

    def letters_of(self, run):
        """Print the letters of a run, and return the one file."""
        action = run.action_print_letters()
        self.assertEqual((action['type'], action['target']), ('ir.actions.act_url', 'new'))
        return self.env['ir.attachment'].browse(int(action['url'].split('/')[3].split('?')[0]))

    def pay(self, invoices):
        """The money arrives in another way."""
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoices.ids
        ).create({'group_payment': True})._create_payments()

    def daily_run(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_reminders_generate').method_direct_trigger()
        self.env.invalidate_all()
        return self.env['pay.now.reminder.run'].search(
            [('company_id', '=', self.company.id), ('trigger', '=', 'auto')]
        )

    def blank_page(self):
        writer, stream = PdfFileWriter(), io.BytesIO()
        writer.add_blank_page(100, 100)
        writer.write(stream)
        return stream.getvalue()

    def page_of(self, reminders):
        """Return what is on the paper, before it is drawn."""
        content, _kind = self.env['ir.actions.report']._render_qweb_html(
            'account_pay_now.report_reminder_letter', reminders.ids
        )
        return content.decode()


@tagged('post_install', '-at_install')
class TestLetters(LettersCommon):
    """Reminders on paper, for customers without an e-mail."""

    def setUp(self):
        super().setUp()
        # Drawing is tried by itself (`TestLettersDrawn`): here it is about what is drawn, and when.
        drawn = self.drawn = []

        def draw(report, _report_ref, ids):
            drawn.append(list(ids))
            return {id_: self.blank_page() for id_ in ids}

        self.patch(self.registry['ir.actions.report'], '_pay_now_render_apart', draw)

    def test_what_is_another_customers_by_now_is_not_on_it(self):
        run = self.generate()
        run.action_send()
        letter = run.reminder_ids
        stranger = self.env['res.partner'].create({'name': "Meunier", **ADDRESS})
        self.invoice.button_draft()
        self.invoice.partner_id = stranger
        self.invoice.action_post()
        page = self.page_of(letter)
        self.assertIn(self.other.name, page)
        self.assertNotIn(self.invoice.name, page)
        self.letters_of(run)
        self.assertEqual((letter.state, letter.amount_due), ('sent', 50))
        self.assertEqual(letter.item_ids.move_id, self.other)

    def test_from_the_list_to_the_printer(self):
        run = self.generate()
        letter = run.reminder_ids
        self.assertRecordValues(
            letter,
            [
                {
                    'state': 'draft',
                    'channel': 'letter',
                    'amount_due': 150,
                    'amount_payable': 0,
                    'has_button': False,
                }
            ],
        )
        self.env['ir.mail_server'].search([]).active = False
        run.action_send()
        self.assertEqual((letter.state, run.state, run.to_print_count), ('to_print', 'done', 1))
        self.assertFalse(letter.sent_at)
        file = self.letters_of(run)
        self.assertEqual((letter.state, run.sent_count), ('sent', 1))
        self.assertTrue(letter.sent_at)
        self.assertEqual(run.letters_file_ids, file)
        self.assertEqual(letter.letter_id.res_id, letter.id)
        self.assertIn("printed as a letter", self.customer.message_ids[0].body)
        self.assertIn("150", self.customer.message_ids[0].body)
        self.assertIn("printed as a letter", self.invoice.message_ids[0].body)
        self.assertFalse(letter.pay_now_token, "nothing leads to a page")

    def test_it_counts_as_sent(self):
        run = self.generate()
        run.action_send()
        held = self.generate().reminder_ids
        self.assertEqual((held.state, held.reason), ('held', "Another reminder is on its way"))
        self.letters_of(run)
        self.assertIn("Already reminded", self.generate().reminder_ids.reason)
        self.assertEqual(self.invoice.pay_now_reminder_count, 1)
        gap = timedelta(days=run.reminder_ids.level_id.gap_days + 1)
        with freeze_time(fields.Datetime.now() + gap):
            later = self.generate().reminder_ids
            self.assertEqual(later.state, 'draft')
            self.assertGreater(later.level_id.delay_days, run.reminder_ids.level_id.delay_days)

    def test_checked_once_more_as_it_is_printed(self):
        run = self.generate()
        run.action_send()
        self.pay(self.invoice)
        self.letters_of(run)
        self.assertEqual(run.reminder_ids.item_ids, self.lines(self.other))
        self.assertIn("50", run.reminder_ids.asked_text)
        self.assertNotIn("150", run.reminder_ids.asked_text)

    def test_paid_before_it_is_printed(self):
        run = self.generate()
        run.action_send()
        self.pay(self.invoice | self.other)
        self.assertEqual(run.action_print_letters()['tag'], 'display_notification')
        self.assertEqual(
            (run.reminder_ids.state, run.reminder_ids.reason), ('held', "Nothing left to pay")
        )
        self.assertFalse(self.drawn or run.letters_file_ids)

    def test_promised_before_it_is_printed(self):
        run = self.generate()
        run.action_send()
        self.env['pay.now.answer'].create(
            {
                'kind': 'promise',
                'date': self.company._pay_now_today(),
                'company_id': self.company.id,
                'partner_id': self.customer.id,
                'item_ids': self.lines(self.invoice, self.other).ids,
            }
        )
        run.action_print_letters()
        self.assertEqual(run.reminder_ids.state, 'held')

    def test_printed_once(self):
        run = self.generate()
        run.action_send()
        self.letters_of(run)
        with self.assertRaisesRegex(UserError, "no letter to print"):
            run.action_print_letters()
        self.assertEqual(self.drawn, [run.reminder_ids.ids])

    def test_somebody_else_prints(self):
        run = self.generate()
        run.action_send()
        reminder = type(self.env['pay.now.reminder'])
        with (
            patch.object(reminder, 'try_lock_for_update', lambda self, **_kw: self.browse()),
            self.assertRaisesRegex(UserError, "Somebody else"),
        ):
            run.action_print_letters()

    def test_what_cannot_be_drawn_is_not_sent(self):
        run = self.generate()
        run.action_send()

        def fail(*_args):
            raise OSError("No paper")

        self.patch(self.registry['ir.actions.report'], '_pay_now_render_apart', fail)
        with (
            self.assertRaisesRegex(OSError, "No paper"),
            self.assertLogs('odoo.addons.account_pay_now', 'WARNING'),
            self.cr.savepoint(),
        ):
            run.action_print_letters()
        self.env.invalidate_all()
        self.assertEqual(run.reminder_ids.state, 'to_print')

    def test_an_address_turns_up(self):
        run = self.generate()
        run.action_send()
        self.customer.email = 'client@example.com'
        self.assertEqual(run.action_print_letters()['tag'], 'display_notification')
        self.assertRecordValues(run.reminder_ids, [{'state': 'queued', 'channel': 'email'}])
        [mail] = self.leave_now()
        self.assertIn('/pay_now/reminder/', mail['body'])
        self.assertEqual((run.reminder_ids.state, run.state), ('sent', 'done'))

    def test_an_address_is_taken_away(self):
        self.customer.email = 'client@example.com'
        run = self.generate()
        run.action_send()
        self.customer.email = False
        self.assertFalse(self.leave_now())
        self.assertRecordValues(run.reminder_ids, [{'state': 'to_print', 'channel': 'letter'}])
        self.assertEqual(run.state, 'done')
        self.letters_of(run)

    def test_no_letters_here(self):
        self.company.pay_now_letters = False
        self.assertEqual(self.generate().reminder_ids.reason, "No e-mail address")

    def test_nowhere_to_send_it(self):
        self.customer.city = self.customer.zip = False
        self.assertEqual(
            self.generate().reminder_ids.reason,
            "No e-mail address, and no postal address for a letter",
        )

    def test_the_contact_who_has_an_address(self):
        self.customer.street = False
        branch = self.env['res.partner'].create(
            {'name': "Bakery", 'parent_id': self.customer.id, 'type': 'invoice', **ADDRESS}
        )
        self.make_invoice(10, partner=branch)
        letter = self.generate().reminder_ids
        self.assertEqual((letter.contact_id, letter.state), (branch, 'draft'))

    def test_no_way_to_pay_online_on_paper(self):
        self.company.write({'pay_now_print_link': True, 'pay_now_print_qr': True})
        letter = self.generate().reminder_ids
        # The customer has an address, the contact who is written to has none.
        contact = self.env['res.partner'].create(
            {'name': "Cellar", 'parent_id': self.customer.id, 'type': 'other', **ADDRESS}
        )
        self.customer.write({'email': 'client@example.com', 'pay_now_contact_id': contact.id})
        letter |= self.generate().reminder_ids
        self.assertEqual(letter.mapped('channel'), ['letter', 'letter'])
        page = self.page_of(letter)
        self.assertNotIn('/pay_now/', page)
        self.assertNotIn("Pay now", page)
        self.assertNotIn("payable online", page)
        self.assertIn(self.invoice.name, page)

    def test_in_the_language_of_the_customer(self):
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        page = self.page_of(self.generate().reminder_ids)
        self.assertIn("Cordialement", page)
        self.assertIn("1 rue du Four", page)

    def test_what_a_person_has_written(self):
        run = self.generate()
        letter = run.reminder_ids
        letter.action_edit()
        letter.own_body = "<p>Dear friend, pay.</p>"
        self.assertIn("Dear friend", letter.preview_html)
        self.assertIn("Dear friend", self.page_of(letter))
        run.action_send()
        self.pay(self.other)
        run.action_print_letters()
        self.assertIn("changed since", letter.reason)

    def test_dropped(self):
        run = self.generate()
        run.action_send()
        run.reminder_ids.action_drop()
        self.assertEqual(run.reminder_ids.state, 'canceled')
        self.assertEqual(self.generate().reminder_ids.state, 'draft')

    def test_by_the_daily_action(self):
        self.company.pay_now_reminder_auto = True
        self.company.pay_now_daily_cap = 1
        self.make_invoice(
            10, partner=self.env['res.partner'].create({'name': "Mail", 'email': 'm@example.com'})
        )
        run = self.daily_run()
        self.assertEqual(
            run.reminder_ids.grouped('channel')['letter'].mapped('state'), ['to_print']
        )
        self.letters_of(run)
        self.assertEqual(len(self.leave_now()), 1, "letters leave the day's mails alone")

    def test_letters_leave_without_a_mail_server(self):
        self.company.pay_now_reminder_auto = True
        self.env['ir.mail_server'].search([]).active = False
        self.make_invoice(
            10, partner=self.env['res.partner'].create({'name': "Mail", 'email': 'm@example.com'})
        )
        run = self.daily_run()
        self.assertEqual(sorted(run.reminder_ids.mapped('state')), ['draft', 'to_print'])
        self.assertEqual(run.state, 'draft')
        self.assertIn("no outgoing mail server", run.problem)

    def test_to_handle(self):
        run = self.generate()
        self.assertFalse(self.env['pay.now.to.handle'].search([('kind', '=', 'letter')]))
        run.action_send()
        row = self.env['pay.now.to.handle'].search([('kind', '=', 'letter')])
        self.assertEqual((row.res_id, row.amount), (run.id, 150))
        self.assertIn("1 letter", row.name)
        self.letters_of(run)
        self.assertFalse(self.env['pay.now.to.handle'].search([('kind', '=', 'letter')]))

    def test_who_may_print(self):
        run = self.generate()
        run.action_send()
        clerk = new_test_user(self.env, 'clerk', 'account.group_account_invoice')
        reader = new_test_user(self.env, 'reader', 'account.group_account_readonly')
        with self.assertRaises(AccessError):
            run.reminder_ids.with_user(reader).action_print_letters()
        file = self.letters_of(run.with_user(clerk))
        self.assertTrue(file.with_user(clerk).raw)
        with self.assertRaises(AccessError):
            file.with_user(reader).read(['raw'])
        self.assertTrue(run.reminder_ids.with_user(clerk).action_letter()['url'])


@tagged('post_install', '-at_install')
class TestLettersDrawn(LettersCommon):
    """Letters as they come from the printer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.env['res.partner'].create({'name': "Second", **ADDRESS})
        cls.make_invoice(75, partner=cls.second)
        # More than one page.
        cls.third = cls.env['res.partner'].create({'name': "Third", **ADDRESS})
        for _number in range(40):
            cls.make_invoice(5, partner=cls.third)

    def setUp(self):
        super().setUp()
        try:
            find_in_path('wkhtmltopdf')
        except OSError:
            self.skipTest("wkhtmltopdf is not there")

    def texts(self, pdf):
        pages = PdfFileReader(io.BytesIO(pdf.raw)).pages
        return [' '.join(page.extract_text().split()) for page in pages]

    def printed(self):
        run = self.generate().with_context(force_report_rendering=True)
        run.action_send()
        return run, self.letters_of(run)

    def test_each_in_its_own_file_and_all_in_one(self):
        run, file = self.printed()
        letters = run.reminder_ids
        pages = {one.partner_id.name: len(self.texts(one.letter_id)) for one in letters}
        self.assertEqual((pages["Boulanger"], pages["Second"]), (1, 1))
        self.assertGreater(pages["Third"], 1)
        self.assertEqual(len(self.texts(file)), sum(pages.values()))
        for letter in letters:
            text = ''.join(self.texts(letter.letter_id))
            self.assertIn(letter.partner_id.name, text)
            for other in letters - letter:
                self.assertNotIn(other.partner_id.name, text)
        self.assertIn("Lyon", ''.join(self.texts(letters[0].letter_id)))

    def test_with_the_invoices_and_no_link_on_them(self):
        self.company.write({'pay_now_print_link': True, 'pay_now_print_qr': True})
        (self.invoice | self.other).partner_id.email = 'client@example.com'
        (self.invoice | self.other)._pay_now_store_pdfs()
        self.customer.email = False
        self.env['pay.now.reminder.level'].search([]).attach_invoices = True
        run = self.generate(partner_ids=self.customer.ids)
        run = run.with_context(force_report_rendering=True)
        run.action_send()
        file = self.letters_of(run)
        texts = self.texts(file)
        self.assertEqual(len(texts), 3)
        self.assertIn("The 2 invoices are attached", texts[0])
        self.assertIn(self.invoice.name, texts[1])
        for page in PdfFileReader(io.BytesIO(file.raw)).pages:
            for note in page.get('/Annots') or ():
                self.assertNotIn('/pay_now/', str(note.get_object()))
