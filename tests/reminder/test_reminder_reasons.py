# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import ast
import contextlib
import runpy
from datetime import datetime, time, timedelta
from pathlib import Path

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools.misc import formatLang

from odoo.addons.account_pay_now.tests.common import ReminderCommon

ENGLISH, FRENCH = 'en_US', 'fr_FR'


class ReasonsCommon(ReminderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.load_language(FRENCH)
        cls.env['res.lang']._lang_get(ENGLISH).date_format = '%m/%d/%Y'
        cls.readers = {
            lang: new_test_user(
                cls.env,
                f'pay_now_reader_{lang}',
                groups='account.group_account_invoice,base.group_user',
                lang=lang,
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for lang in (ENGLISH, FRENCH)
        }
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.day = fields.Date.today() + timedelta(days=5)

    def seen_by(self, lang, record):
        """Return a record as the accountant of a language has it."""
        return record.with_user(self.readers[lang]).with_context(lang=lang)

    def made_by(self, lang, **values):
        """Return the reminders of the list that an accountant makes."""
        wizard = self.seen_by(lang, self.env['pay.now.generate.reminders']).create(values)
        run = self.env['pay.now.reminder.run'].browse(wizard.action_generate()['res_id'])
        self.env.invalidate_all()
        return run.reminder_ids

    def amount(self, lang, amount):
        env = self.env['res.lang'].with_context(lang=lang).env
        return formatLang(env, amount, currency_obj=self.company.currency_id)

    def assert_reads(self, reminder, english, french):
        for lang, expected in ((ENGLISH, english), (FRENCH, french)):
            self.assertEqual(self.seen_by(lang, reminder).reason, expected)

    def sent_reminder(self, **values):
        return (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'level_id': self.levels[0].id,
                    'state': 'sent',
                    'email': 'client@example.com',
                    'is_noted': True,
                    **values,
                }
            )
        )


@tagged('post_install', '-at_install')
class TestReminderReasons(ReasonsCommon):
    """Whoever made a list, and in whatever language: its reasons are read in one's own."""

    def assert_both(self, prepare, english, french):
        """An accountant of either language makes the list, and both of them read it."""
        for maker in (ENGLISH, FRENCH):
            with self.subTest(maker=maker, reason=english):
                with contextlib.closing(self.cr.savepoint()):
                    prepare()
                    self.assert_reads(self.made_by(maker), english, french)
                self.env.invalidate_all()

    def test_no_email(self):
        def prepare():
            self.customer.email = False
            self.company.pay_now_letters = False

        self.assert_both(prepare, "No e-mail address", "Pas d’adresse e-mail")

    def test_foreign_currency(self):
        usd = self.env.ref('base.USD')
        usd.active = True
        self.assert_both(
            lambda: self.make_invoice(80, currency_id=usd.id),
            "Invoice in a foreign currency",
            "Facture en devise",
        )

    def test_option_off(self):
        self.assert_both(
            lambda: self.company.write({'pay_now_reminder_accounting': False}),
            "Option not ticked (Accounting)",
            "Option non cochée (Comptabilité)",
        )

    def test_payment_method(self):
        journal = self.company_data['default_journal_bank']
        cheque = journal.inbound_payment_method_line_ids[0].copy({'name': "LCR"})
        self.assert_both(
            lambda: self.invoice.write({'preferred_payment_method_line_id': cheque.id}),
            "Payment method: LCR",
            "Mode de règlement\xa0: LCR",
        )

    def test_promise(self):
        vals = {
            'kind': 'promise',
            'company_id': self.company.id,
            'partner_id': self.customer.id,
            'item_ids': [Command.set(self.lines(self.invoice).ids)],
            'date': self.day,
        }
        self.assert_both(
            lambda: self.env['pay.now.answer'].create(vals),
            f"Payment promised for {self.day:%m/%d/%Y}",
            f"Engagement de paiement au {self.day:%d/%m/%Y}",
        )

    def test_excluded_until(self):
        self.assert_both(
            lambda: self.invoice.write(
                {
                    'pay_now_excluded': True,
                    'pay_now_excluded_until': self.day,
                    'pay_now_excluded_reason': "Livraison",
                }
            ),
            f"Excluded from reminders until {self.day:%m/%d/%Y} – Livraison",
            f"Exclu des rappels jusqu’au {self.day:%d/%m/%Y} – Livraison",
        )

    def test_reminded_before(self):
        sent_at = datetime.combine(fields.Date.today() - timedelta(days=2), time(12))
        self.assert_both(
            lambda: self.sent_reminder(sent_at=sent_at),
            f"Already reminded on {sent_at:%m/%d/%Y}",
            f"Déjà relancé le {sent_at:%d/%m/%Y}",
        )

    def test_amounts(self):
        self.assert_both(
            lambda: self.company.write({'pay_now_minimum_amount': 1234.5}),
            f"Less than {self.amount(ENGLISH, 1234.5)} is due",
            f"Moins de {self.amount(FRENCH, 1234.5)} est dû",
        )
        self.assertNotEqual(self.amount(ENGLISH, 1234.5), self.amount(FRENCH, 1234.5))
        payment = {'partner_id': self.customer.id, 'amount': 1150, 'payment_type': 'inbound'}
        self.assert_both(
            lambda: self.env['account.payment'].create(payment).action_post(),
            f"Unmatched credit: {self.amount(ENGLISH, 1150)}",
            f"À vérifier\xa0: {self.amount(FRENCH, 1150)} de règlements non lettrés",
        )

    def test_several_reasons_each_once(self):
        usd = self.env.ref('base.USD')
        usd.active = True
        for amount in (80, 90):
            self.make_invoice(amount, currency_id=usd.id)
        self.company.pay_now_reminder_accounting = False
        reminder = self.made_by(ENGLISH)
        self.assertEqual(
            sorted(reminder.reason_codes),
            [['currency', {}], ['option', {'application': 'accounting'}]],
        )
        self.assertEqual(len(self.seen_by(FRENCH, reminder).reason.split(', ')), 2)

    def test_what_happened_on_the_way(self):
        reminder = self.sent_reminder()
        reminder._fail('bounced', email='client@example.com')
        self.assert_reads(
            reminder,
            "The mail came back from client@example.com",
            "L’e-mail est revenu de client@example.com",
        )
        reminder.sudo().reason_codes = [
            ['under_way', {}],
            ['not_attached', {'invoices': ["F/1", "F/2"], 'error': "no paper"}],
        ]
        self.assert_reads(
            reminder,
            "Another reminder is on its way, Not attached, as it could not be printed: F/1, F/2"
            " (no paper)",
            "Un autre rappel est en cours d’envoi, Non joint, faute d’avoir pu être"
            " imprimé\N{NO-BREAK SPACE}: F/1, F/2 (no paper)",
        )

    def test_what_waits_for_a_person(self):
        reminder = self.sent_reminder(state='uncertain', reason_codes=[['interrupted', {}]])
        # It waits as long as something is open of what it asked for.
        reminder.item_ids = self.lines(self.make_invoice(100, days_late=30))
        for lang, text in ((ENGLISH, "Interrupted while"), (FRENCH, "Interrompu pendant")):
            rows = self.seen_by(lang, self.env['pay.now.to.handle'])
            row = rows.search([('kind', '=', 'reminder'), ('res_id', '=', reminder.id)])
            self.assertIn(text, row.name)

    def test_problem_of_a_run(self):
        run = self.made_by(FRENCH).run_id.sudo()
        none, now = self.env['ir.mail_server'], fields.Datetime.now()
        run._note_server_refuses(none, "port closed", now)
        for lang, text in ((ENGLISH, "takes no mails"), (FRENCH, "accepte aucun e-mail")):
            seen = self.seen_by(lang, run)
            self.assertIn(f"{text} (port closed)", seen.problem)
            self.assertIn(run, seen.search([('problem', 'ilike', text)]))
            self.assertNotIn(run, seen.search([('problem', '=', False)]))

    def test_found_by_what_is_read(self):
        self.company.pay_now_reminder_accounting = False
        held, free = self.made_by(ENGLISH), self.sent_reminder()
        both = [('id', 'in', (held | free).ids)]
        french = self.seen_by(FRENCH, held)
        whole = french.reason
        for operator, value, expected in (
            ('ilike', "OPTION NON", held),
            ('like', "OPTION NON", held.browse()),
            ('not ilike', "option non", free),
            ('=', whole, held),
            ('!=', whole, free),
            ('=', False, free),
            ('!=', False, held),
            ('in', [whole, False], held | free),
            ('ilike', "not ticked", held.browse()),
            ('=ilike', "option non%", held),
            ('=like', "option non%", held.browse()),
            ('not =ilike', "option non%", free),
        ):
            with self.subTest(operator=operator, value=value):
                found = french.search([*both, ('reason', operator, value)])
                self.assertEqual(found, expected.with_env(found.env).sorted('id', reverse=True))

    def test_code_of_another_version(self):
        reminder = self.sent_reminder(
            reason_codes=[['of_tomorrow', {'much': 1}], ['under_way', {}]]
        )
        self.assert_reads(
            reminder,
            "of_tomorrow, Another reminder is on its way",
            "of_tomorrow, Un autre rappel est en cours d’envoi",
        )

    def test_every_code_says_something(self):
        """Nobody stores a code that the table does not have."""
        sentences = self.env['pay.now.reminder']._reason_sentences()
        known = {
            *('in_progress', 'disputed', 'excluded', 'buyer', 'answered', 'blocked', 'planned'),
            *('never', 'reassigned', 'nothing_left', 'no_address', 'no_email', 'under_way'),
            *('waiting', 'no_level', 'no_other_level', 'reminded', 'minimum', 'credit'),
            *('some_credit', 'own_text', 'interrupted', 'bounced', 'not_attached', 'text'),
            *('later', 'refused', 'refused_long', 'address_refused', 'contact_refused'),
            *('archived', 'contact_archived', 'contact_company', 'contact_stranger', 'merged'),
            *self.env['account.move']._pay_now_refusal_sentences(),
        }
        self.assertEqual(set(sentences), known)


@tagged('post_install', '-at_install')
class TestReasonsUpgrade(ReasonsCommon):
    def test_texts_of_before_are_still_read(self):
        path = Path(__file__).parents[2] / 'migrations' / '19.0.1.6.0' / 'post-reasons.py'
        old, new, none = (self.sent_reminder() for _count in range(3))
        run = self.env['pay.now.reminder.run'].create({'company_id': self.company.id})
        new.sudo().reason_codes = [['interrupted', {}]]
        self.env.flush_all()
        self.cr.execute("ALTER TABLE pay_now_reminder ADD COLUMN reason varchar")
        self.cr.execute("ALTER TABLE pay_now_reminder_run ADD COLUMN problem varchar")
        self.cr.execute(
            "UPDATE pay_now_reminder SET reason = 'Déjà relancé' WHERE id IN %s",
            [(old.id, new.id)],
        )
        self.cr.execute("UPDATE pay_now_reminder_run SET problem = 'Panne' WHERE id = %s", [run.id])
        migrate = runpy.run_path(str(path))['migrate']
        for _twice in range(2):
            migrate(self.cr, '19.0.1.5.0')
            self.env.invalidate_all()
            self.assert_reads(old, "Déjà relancé", "Déjà relancé")
            self.assert_reads(new, "Interrupted while sending", "Interrompu pendant l’envoi")
            self.assertFalse(none.reason)
            self.assertEqual(run.problem, "Panne")

    def test_filters_that_people_made_still_open(self):
        path = Path(__file__).parents[2] / 'migrations' / '19.0.1.6.0' / 'post-filters.py'
        Reminder = self.env['pay.now.reminder']
        grouped = "{'group_by': ['reason', 'state'], 'pivot_row_groupby': ['reason']}"
        mine, simple, odd, other = self.env['ir.filters'].create(
            [
                {
                    'name': f"Filter {number}",
                    'model_id': model,
                    'context': context,
                    'sort': sort,
                    'domain': "[('reason', 'ilike', 'due')]",
                }
                for number, (model, context, sort) in enumerate(
                    (
                        ('pay.now.reminder', grouped, '["reason desc", "id"]'),
                        ('pay.now.reminder', "{'group_by': ['state']}", '["id"]'),
                        ('pay.now.reminder', "{'group_by': ['reason'], 'uid': uid}", '[]'),
                        ('account.move', grouped, '["reason desc"]'),
                    )
                )
            ]
        )
        before = [(one.context, one.sort) for one in (simple, odd, other)]
        self.env.flush_all()
        migrate = runpy.run_path(str(path))['migrate']
        for _twice in range(2):
            migrate(self.cr, '19.0.1.5.0')
            self.env.invalidate_all()
            self.assertEqual(
                ast.literal_eval(mine.context), {'group_by': ['state'], 'pivot_row_groupby': []}
            )
            self.assertEqual(mine.sort, '["id"]')
            self.assertEqual([(one.context, one.sort) for one in (simple, odd, other)], before)
        Reminder.search(ast.literal_eval(mine.domain), order='id')
