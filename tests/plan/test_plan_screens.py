# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from datetime import timedelta
from urllib.parse import quote, urlsplit

from lxml import html

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon
from odoo.addons.account_pay_now.tests.transfer.test_transfer import IBAN
from odoo.addons.account_pay_now.tests.transfer.test_transfer_screens import (
    CLICK_ALL,
    CLIPBOARD,
    WRITES,
)

SCREENS = (((1440, 900), ''), ((390, 844), '_phone'))
OFFER = "document.querySelector('.pay-now-plan-offer')"
SEND = "document.querySelector('[name=plan][value=send]')"
NOTED = "document.querySelector('.pay-now-noted')"
ACCEPT = "document.querySelector('button[name=action_accept]')"
#: Whether something of the plans in the portal is cut.
CUT = """
    [...document.querySelectorAll('.o_pay_now_plans :is(td, .btn)')].some(
        (one) => one.offsetParent
            && (one.scrollWidth > one.clientWidth + 1
                || one.getBoundingClientRect().right > innerWidth)
    )
"""


@tagged('post_install', '-at_install')
class TestPlanScreens(BrowserMixin, ReminderCommon, HttpCase):
    """A plan as the customer asks for it and the accountant answers, in French."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.customer.lang = 'fr_FR'
        cls.company.write({'pay_now_plans': True, 'pay_now_plan_parts': 4})
        cls.admin = new_test_user(
            cls.env,
            'pay_now_admin',
            groups='base.group_system,account.group_account_manager,base.group_user',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            lang='fr_FR',
        )
        cls.company_data['default_journal_bank'].bank_account_id = cls.env[
            'res.partner.bank'
        ].create(
            {
                'acc_number': IBAN,
                'partner_id': cls.company.partner_id.id,
                'allow_out_payment': True,
            }
        )
        cls.invoice = cls.make_invoice(1200, days_late=20)
        cls.path = urlsplit(cls.invoice._pay_now_url()).path

    def post(self, path, **data):
        response = self.url_open(path, data=data)
        self.env.invalidate_all()
        return html.fromstring(response.content)

    def make_plan(self, invoice=None):
        invoice = invoice or self.invoice
        chosen = set(self.lines(invoice).ids)
        typed = {'item': chosen, 'plan_parts': 3, 'plan_rhythm': 'monthly'}
        page = invoice.sudo()
        seen = page._pay_now_plan_offer(typed, True)['seen']
        return page._pay_now_ask_plan(chosen, 3, 'monthly', seen)

    def test_without_javascript(self):
        """Shown, then sent; a forged or repeated form asks for nothing more."""
        self.customer.lang = 'en_US'
        item, path = self.lines(self.invoice).id, f'{self.path}/plan'
        page = self.post(path, item=item, plan='show', plan_parts='3', plan_rhythm='weekly')
        self.assertEqual(len(page.xpath('//details[@open]//li')), 3)
        [seen] = page.xpath('//input[@name="plan_seen"]/@value')
        form = {'item': item, 'plan': 'send', 'plan_rhythm': 'weekly', 'plan_seen': seen}
        page = self.post(path, **form, plan_parts='2')
        self.assertIn("once more", page.xpath('//*[@role="alert"]')[0].text_content())
        for number in ('99', '-1', 'x', '', '1e9'):
            page = self.post(path, **form, plan_parts=number)
            self.assertIn("from 2 to 4", page.xpath('//*[@role="alert"]')[0].text_content())
        for _press in range(2):
            page = self.post(path, **form, plan_parts='3')
            self.assertIn("You have asked for a payment plan", page.text_content())
        plan = self.env['pay.now.plan'].search([])
        self.assertEqual((len(plan), len(plan.part_ids)), (1, 3))
        self.assertFalse(page.xpath('//*[@name="plan_parts"]'))
        wrong = self.path[:-4] + 'AAAA'
        self.assertEqual(self.url_open(f'{wrong}/plan', data=form).status_code, 404)
        self.assertTrue(self.url_open(path).url.endswith(self.path))

    def test_a_plan_in_french(self):
        with self.browser() as browser:
            for size, name in SCREENS:
                self.show(browser, self.path, OFFER, size=size)
                self.run_js(browser, f'{OFFER}.open = true')
                self.run_js(
                    browser,
                    "document.querySelector('[name=plan_parts]').value = '3';"
                    "document.querySelector('[name=plan][value=show]').click()",
                )
                self.wait_for(browser, SEND)
                self.picture(browser, f'plan_asked{name}')
                self.assert_fits(browser)
                self.assert_accessible(browser)
            # A double click.
            self.run_js(browser, f'{SEND}.click(); {SEND} && {SEND}.click()')
            self.wait_for(browser, NOTED)
            self.picture(browser, 'plan_noted_phone')
        with self.alone():
            [plan] = self.env['pay.now.plan'].search([])
            number = plan.id
        action = self.env.ref('account_pay_now.action_pay_now_plan').id
        to_handle = self.env.ref('account_pay_now.action_pay_now_to_handle').id
        row = "document.querySelector('.o_data_row, .o_kanban_record:not(.o_kanban_ghost)')"
        with self.browser('pay_now_admin') as browser:
            for size, name in SCREENS:
                self.show(browser, f'/odoo/action-{to_handle}', row, f'plan_to_handle{name}', size)
                self.show(browser, f'/odoo/action-{action}', row, f'plan_list{name}', size)
                path = f'/odoo/action-{action}/{number}'
                self.show(browser, path, ACCEPT, f'plan_form{name}', size)
            self.show(browser, path, ACCEPT, size=SCREENS[0][0])
            self.run_js(browser, f'{ACCEPT}.click(); {ACCEPT}.click()')
            self.wait_for(browser, f"!{ACCEPT} && document.querySelector('[name=action_end]')")
            chatter = "document.querySelector('.o-mail-Chatter')?.textContent"
            self.wait_for(browser, f"({chatter} || '').includes('Fournil SARL –')")
            self.assertFalse(self.run_js(browser, "!!document.querySelector('.modal')"))
            self.picture(browser, 'plan_accepted', full=False)
        with self.alone():
            self.assertEqual(plan.state, 'accepted')
            [mail] = (
                self.env['mail.mail']
                .sudo()
                .search([('model', '=', 'pay.now.plan'), ('email_to', '!=', False)])
            )
            body, subject = mail.body_html, mail.subject
        self.assertIn("Fournil SARL –", subject)
        [link] = set(re.findall(r'href="(http[^"]+/pay_now/plan/[^"]+)"', body))
        self.look_at_pages(urlsplit(link).path, body)

    def test_every_button_twice(self):
        """Divided, refused, ended, noted: a double click does each once."""
        plans = [self.make_plan(self.make_invoice(1200, days_late=20)) for _number in range(3)]
        refused, ended, missed = (plan.sudo() for plan in plans)
        for part, amount in zip(refused.part_ids, (300, 500, 400), strict=True):
            part.amount = amount
        refused.refusal = "Vos échéances précédentes n’ont pas été payées.\nAppelez-nous."
        (ended | missed).action_accept()
        missed._end('missed')
        self.env['mail.mail'].sudo().search([]).unlink()
        action = self.env.ref('account_pay_now.action_pay_now_plan').id
        button = "document.querySelector('.o_form_view button[name=%s]')"
        even = "(document.querySelector('[name=part_ids]')?.innerText.match(/400,00/g) || [])"
        confirm = "document.querySelector('.modal .btn-primary')"
        with self.browser('pay_now_admin') as browser:
            for plan, name, ready in (
                (refused, 'action_divide', f'{even}.length === 3'),
                (refused, 'action_refuse', None),
                (ended, 'action_end', None),
                (missed, 'action_noted', None),
            ):
                one = button % name
                self.show(browser, f'/odoo/action-{action}/{plan.id}', one, size=SCREENS[0][0])
                self.picture(browser, f'plan_{name}', full=False)
                self.run_js(browser, f'{one}.click(); {one}.click()')
                if name == 'action_end':
                    self.wait_for(browser, confirm)
                    self.picture(browser, 'plan_end_confirm', full=False)
                    self.run_js(browser, f'{confirm}.click(); {confirm}?.click()')
                self.wait_for(browser, ready or f'!{one}')
                self.wait_for(browser, "!document.querySelector('.modal')")
            form = "document.querySelector('.o_form_view [name=part_ids]')"
            for plan, name in ((refused, 'refused'), (ended, 'ended')):
                for size, suffix in SCREENS:
                    path = f'/odoo/action-{action}/{plan.id}'
                    self.show(browser, path, form, f'plan_{name}{suffix}', size)
        with self.alone():
            self.env.invalidate_all()
            self.assertEqual([plan.state for plan in plans], ['refused', 'ended', 'ended'])
            self.assertEqual(refused.part_ids.mapped('amount'), [400, 400, 400])
            self.assertFalse(missed.is_to_note)
            mails = self.env['mail.mail'].sudo().search([('model', '=', 'pay.now.plan')])
            self.assertEqual(sorted(mails.mapped('res_id')), [refused.id, ended.id])
        self.show_told(self.path_of(refused), "document.querySelector('.pay-now-plan-reason')")

    def path_of(self, plan):
        return urlsplit(plan.item_ids.move_id._pay_now_url()).path

    def show_told(self, path, ready):
        """What the invoice's page tells of a refused plan."""
        with self.browser() as browser:
            for size, name in SCREENS:
                self.show(browser, path, ready, f'plan_refused_page{name}', size)
                self.assert_fits(browser)
                self.assert_readable(browser)

    def look_at_pages(self, path, body):
        """What the customer sees once it is accepted: the mail, the plan's page, the invoice's."""
        mail = f'data:text/html;charset=utf-8,{quote(body)}'
        with self.browser() as browser:
            for size, name in SCREENS:
                self.show(browser, mail, 'document.body', size=size)
                self.picture(browser, f'plan_mail{name}')
                button = "document.querySelector('[name=provider_id]')"
                drawn = "document.querySelector('.pay-now-qr img').naturalWidth > 100"
                self.show(browser, path, f'{button} && {drawn}', f'plan_page{name}', size)
                self.assert_fits(browser)
                self.assert_accessible(browser)
                self.assert_readable(browser)
                self.run_js(browser, CLIPBOARD % WRITES)
                copied = ['Fournil SARL', IBAN, '400,00', self.invoice.name]
                self.assertEqual(self.run_js(browser, CLICK_ALL), copied)
                self.show(browser, self.path, "document.querySelector('.pay-now-plan')", size=size)
                self.picture(browser, f'plan_of_invoice{name}')
                self.assert_fits(browser)
        page = html.fromstring(self.url_open(path).content)
        self.assertEqual(page.xpath('//input[@name="amount"][@checked]/@value'), ['400,00'])
        [asked] = page.xpath('//*[contains(@class, "pay-now-transfer-amount")]/text()')
        self.assertIn('400,00', asked, "by transfer, too")
        [source] = page.xpath('//figure[not(@hidden)]//img/@src')
        self.assertTrue(self.url_open(source).content.startswith(b'\x89PNG'))
        self.company.pay_now_transfer_first = 399
        text = self.url_open(path).text
        first, second = text.index('pay-now-transfer"'), text.index('name="provider_id"')
        self.assertLess(first, second, "above an amount of the company's, first of all")
        data = {
            'item': page.xpath('//input[@name="item"]/@value'),
            'amount': '400,00',
            'provider_id': self.provider.id,
        }
        response = self.url_open(f'{path}/pay', data=data, allow_redirects=False)
        self.assertEqual(response.status_code, 303)
        tx = self.env['payment.transaction'].sudo().search([], limit=1)
        self.assertEqual((tx.amount, tx.pay_now_page_url), (400, path))
        # Where the payer comes back to is the plan.
        self.assertEqual(tx._pay_now_page()._name, 'pay.now.plan')

    def find_planned(self, browser, action):
        """By the filter of the list of invoices."""
        rows = "document.querySelectorAll('.o_data_row').length"
        self.show(browser, f'/odoo/action-{action}', f'{rows} === 2', size=SCREENS[0][0])
        self.run_js(browser, "document.querySelector('.o_searchview_dropdown_toggler').click()")
        found = (
            "[...document.querySelectorAll('.o_filter_menu .o_menu_item')]"
            ".find((one) => /échéancier|payment plan/.test(one.textContent))"
        )
        self.wait_for(browser, found)
        self.picture(browser, 'plan_filter', full=False)
        self.run_js(browser, f'{found}.click()')
        self.wait_for(browser, f'{rows} === 1')

    def test_settings_and_portal(self):
        plan = self.make_plan()
        plan.sudo().action_accept()
        self.make_invoice(60)
        user = new_test_user(
            self.env,
            'pay_now_portal',
            groups='base.group_portal',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
            lang='fr_FR',
        )
        user.partner_id.parent_id = self.customer
        settings = self.env.ref('account_pay_now.action_pay_now_settings').id
        option = "document.querySelector('[name=pay_now_plan_parts] input')"
        group = "document.querySelector('[name=pay_now_plan_text]')"
        moves = self.env.ref('account.action_move_out_invoice_type').id
        with self.browser('pay_now_admin') as browser:
            for size, name in SCREENS:
                self.show(browser, f'/odoo/action-{settings}', option, size=size)
                self.run_js(browser, f"{option}.closest('.o_setting_box').scrollIntoView()")
                self.picture(browser, f'plan_settings{name}', full=False)
                tab = "document.querySelector('a[name=other_info]')"
                self.show(browser, f'/odoo/action-{moves}/{self.invoice.id}', tab, size=size)
                self.run_js(browser, f'{tab}.click()')
                self.wait_for(browser, group)
                self.run_js(browser, f"{group}.scrollIntoView({{block: 'center'}})")
                self.picture(browser, f'plan_invoice{name}', full=False)
            self.find_planned(browser, moves)
        plans = "document.querySelector('.o_pay_now_plans')"
        with self.browser('pay_now_portal') as browser:
            for size, name in SCREENS:
                self.show(browser, '/my/reminders', plans, f'plan_portal{name}', size)
                self.assert_fits(browser)
                self.assertFalse(self.run_js(browser, CUT))
        with self.alone():
            # What was ended is told there for a while, and no longer.
            plan.sudo().action_end()
            plan.sudo().ended_on -= timedelta(days=31)
            self.assertFalse(plan.sudo()._pay_now_portal_rows(user.partner_id))
