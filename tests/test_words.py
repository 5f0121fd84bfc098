# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
import runpy
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import polib

from odoo.fields import Command, Domain
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.misc import file_path

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.payout.test_payout import PayoutCommon

UPGRADE = Path(__file__).parents[1] / 'migrations' / '19.0.1.9.0' / 'post-subjects.py'
PLACE = re.compile(r'%(?:\([^)]*\))?[sd]')
#: What people write, or read later on: model -> fields with texts.
WRITTEN = {
    'mail.message': ('body',),
    'mail.activity': ('summary', 'note'),
    'account.move': ('ref',),
    'account.move.line': ('name',),
}

#: What an empty list says, and the headings of an open menu.
EMPTY = "document.querySelector('.o_view_nocontent')"
HEADINGS = "document.querySelectorAll('.o-dropdown--menu .dropdown-menu_group')"


class Wording(PayoutCommon, ReminderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.company.write({'pay_now_reminder_accounting': True})

    def dispute(self, tx):
        """A payer asks the bank for the money, and gets it."""
        opened = base.Dispute(
            id='du_1',
            state='open',
            amount=Decimal(300),
            currency='EUR',
            created_at=datetime.now(timezone.utc),
            needs_response=True,
            due_at=datetime.now(timezone.utc) + timedelta(days=10),
            reason='fraudulent',
            payment_id=tx.pay_now_payment_ref,
        )
        self.gateway.disputes['du_1'] = opened
        return self.env['pay.now.dispute'].sudo()._synchronize(self.provider, ['du_1'])


@tagged('post_install', '-at_install')
class TestWords(Wording):
    """What is said, in which language, and where it is found."""

    def reads(self):
        """Return what our English and our French look like, where they differ."""
        entries = polib.pofile(file_path('account_pay_now/i18n/fr.po'))
        for entry in entries:
            # One word may be a name, or the same in both.
            if entry.msgid != entry.msgstr and len(PLACE.sub('', entry.msgid).split()) > 1:
                yield tuple(
                    re.compile('.*'.join(map(re.escape, PLACE.split(text))), re.S)
                    for text in (entry.msgid, entry.msgstr)
                )

    def written(self, since):
        """Return the texts that were written since."""
        for model, names in WRITTEN.items():
            records = self.env[model].sudo().with_context(active_test=False)
            for record in records.search(Domain('id', '>', since[model])):
                for name in names:
                    if text := record[name]:
                        plain = re.sub(r'<[^>]*>', '', str(text)).strip()
                        yield model, plain

    def test_what_is_written_is_in_the_language_of_the_company(self):
        """Notes, tasks and entries of scheduled actions, whose user reads English."""
        # The company's, that of whom the tasks are for, and of whom credit notes are for.
        (self.company.partner_id | self.env.user.partner_id | self.customer).lang = 'fr_FR'
        self.assertNotEqual(self.env.lang, 'fr_FR')
        since = {
            model: self.env[model].sudo().search([], order='id desc', limit=1).id or 0
            for model in WRITTEN
        }
        tx, line = self.pay()
        self.gateway.pay_out('po_1', [line], bank_reference='STRIPE-4711')
        self.sweep()
        self.bank_line(295.40, "STRIPE STRIPE-4711")
        self.gateway.fail_payout('po_1')
        self.env['pay.now.payout'].sudo()._synchronize(self.provider, ['po_1'])
        refunded, _line = self.pay(200)
        self.gateway.give_back(refunded.provider_reference, '100')
        refunded._synchronize()
        self.gateway.fail_refund('re_1')
        refunded._synchronize()
        self.dispute(tx)
        self.make_invoice(80)
        run = self.generate()
        self.send(run)
        run.reminder_ids.sudo()._fail('bounced', email='client@example.com')
        run.reminder_ids.sudo()._notify_failed()
        self.env.flush_all()
        reads, seen, wrong = list(self.reads()), 0, []
        for model, text in self.written(since):
            english = [one for one, _other in reads if one.fullmatch(text)]
            french = [one for _other, one in reads if one.fullmatch(text)]
            seen += bool(french)
            if english and not french:
                wrong.append((model, text))
        self.assertFalse(wrong)
        self.assertGreater(seen, 5)

    def test_subjects_say_how_many(self):
        for lang, one, many in (
            ('en_US', "1 invoice to pay", "2 invoices to pay"),
            ('fr_FR', "1 facture à régler", "2 factures à régler"),
        ):
            self.customer.lang = lang
            partner = self.customer.copy({'email': f'{lang}@example.com'})
            for words in (one, many):
                self.make_invoice(10, partner=partner)
                reminder = self.generate(partner_ids=partner.ids).reminder_ids
                self.assertIn(words, reminder._render()[0])
                reminder.run_id.action_cancel()

    def test_former_subjects_follow(self):
        template = self.env.ref('account_pay_now.mail_template_reminder')
        now = {lang: template.with_context(lang=lang).subject for lang in ('en_US', 'fr_FR')}
        for lang, subject in now.items():
            words = "facture(s)" if lang == 'fr_FR' else "invoice(s)"
            former = subject.replace('_text }} ', ' }} ' + words + ' ', 1)
            self.assertNotEqual(subject, former)
            template.with_context(lang=lang).subject = former
        own = template.copy({'subject': "Hello: {{ object.item_count }} invoice(s)!"})
        other = template.copy({'subject': "{{ object.item_count }} papers"})
        self.env.flush_all()
        runpy.run_path(str(UPGRADE))['migrate'](self.cr, '19.0.1.8.0')
        self.env.invalidate_all()
        for lang, subject in now.items():
            self.assertEqual(template.with_context(lang=lang).subject, subject)
        self.assertEqual(own.subject, "Hello: {{ object.item_count_text }}!")
        self.assertEqual(other.subject, "{{ object.item_count }} papers")

    def test_menus_are_grouped(self):
        for parent, allowed in (
            ('account.menu_finance_receivables', {"Reminders", "Online payments"}),
            ('sale.menu_sale_invoicing', {"Reminders"}),
        ):
            ours = self.env['ir.model.data'].search_fetch(
                [('module', '=', 'account_pay_now'), ('model', '=', 'ir.ui.menu')], ['res_id']
            )
            menus = self.env['ir.ui.menu'].browse(ours.mapped('res_id'))
            beside = menus.filtered(lambda menu: menu.parent_id == self.env.ref(parent))  # noqa: B023
            self.assertLessEqual(allowed, set(beside.mapped('name')))
            self.assertLessEqual(len(beside), len(allowed) + 2)

    def test_menus_are_reached_by_those_they_are_for(self):
        """A menu is seen by nobody who may not see all those above it."""
        members = {}
        ours = self.env['ir.model.data'].search(
            [('module', '=', 'account_pay_now'), ('model', '=', 'ir.ui.menu')]
        )
        for menu in self.env['ir.ui.menu'].browse(ours.mapped('res_id')):
            # Without groups of its own it is for those of the menu above.
            groups = menu.group_ids or menu.parent_id.group_ids
            # Whoever administers Odoo has an application with its own rights only.
            for group in groups - self.env.ref('base.group_system'):
                if group not in members:
                    members[group] = new_test_user(
                        self.env, f'member_{group.id}', groups=group.get_external_id()[group.id]
                    )
                seen = menu.with_user(members[group])._visible_menu_ids()
                above = {int(one) for one in menu.parent_path.split('/') if one}
                with self.subTest(menu=menu.complete_name, group=group.full_name):
                    self.assertLessEqual(above, seen)
        self.assertGreater(len(members), 3)

    def test_it_is_found_among_the_apps(self):
        module = self.env.ref('base.module_account_pay_now')
        self.assertLessEqual(len(module.shortdesc), 25)
        # As the search view of Apps looks for it.
        fields = ('summary', 'shortdesc', 'name')
        for word in ("relance", "Stripe", "paypal", "paiement en ligne", "reminder", "pay now"):
            terms = Domain.OR([(field, 'ilike', word)] for field in fields)
            self.assertIn(module, self.env['ir.module.module'].search(terms), word)


@tagged('post_install', '-at_install')
class TestTours(BrowserMixin, Wording, HttpCase):
    """The first steps, shown by Odoo's tours, and what the menus look like."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = new_test_user(
            cls.env,
            'words_tours',
            'base.group_system,account.group_account_manager',
            email='tours@example.com',
            lang='fr_FR',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def play(self, browser, tour):
        """Follow a tour to its end."""
        apps = "document.querySelector('.o_navbar_apps_menu button')"
        self.show(browser, '/odoo', f'window.odoo?.startTour && {apps}')
        self.run_js(browser, f"odoo.startTour('{tour}', {{ startUrl: '/odoo' }})")
        self.wait_for(browser, "!localStorage.getItem('current_tour')")

    def test_tours(self):
        unsigned = {'pay_now_sage_customer_code': False, 'pay_now_signup_date': False}
        self.company.sudo().write(unsigned)
        self.make_invoice(80, days_late=20)
        with self.browser(self.admin.login) as browser:
            self.play(browser, 'pay_now_setup_tour')
            with self.alone():
                self.assertEqual(self.company.pay_now_sage_customer_code, 'FR-123456')
                self.assertTrue(self.company.pay_now_signup_date)
            self.play(browser, 'pay_now_reminders_tour')
            with self.alone():
                run = self.env['pay.now.reminder.run'].search([], limit=1)
                self.assertEqual((run.create_uid, len(run.reminder_ids)), (self.admin, 1))
            self.picture(browser, 'words_tour')

    def test_menu(self):
        menu = """document.querySelector('[data-menu-xmlid="account.menu_finance_receivables"]')"""
        action = self.env.ref('account_pay_now.action_pay_now_payout').id
        with self.browser(self.admin.login) as browser:
            self.show(browser, f'/odoo/action-{action}', f"{menu} && {EMPTY}", 'words_empty')
            self.run_js(browser, f'{menu}.click()')
            self.wait_for(browser, "document.querySelector('.o-dropdown--menu')")
            self.picture(browser, 'words_menu')
            headings = f"[...{HEADINGS}].map(one => one.innerText)"
            shown = self.run_js(browser, headings)
            self.assertLessEqual({"Rappels clients", "Paiements en ligne"}, set(shown), shown)

    def test_deadline_is_a_date_and_days(self):
        tx, _line = self.pay()
        self.dispute(tx)
        actions = {
            'dispute': 'td[name=due_at]',
            'to_handle': 'td[name=deadline]',
        }
        with self.browser(self.admin.login) as browser:
            for name, cell in actions.items():
                action = self.env.ref(f'account_pay_now.action_pay_now_{name}').id
                text = f"document.querySelector('{cell}')?.innerText"
                self.show(browser, f'/odoo/action-{action}', f'!!{text}', f'words_{name}')
                self.assertRegex(self.run_js(browser, text), r'^\d+ \S+ \((9|10) jours\)$')
