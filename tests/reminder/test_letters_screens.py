# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.reminder.test_letters import ADDRESS, LettersCommon


@tagged('post_install', '-at_install')
class TestLettersScreens(BrowserMixin, LettersCommon, HttpCase):
    """Letters in the run, in the preview and among what is to be handled, in both languages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.admin = new_test_user(
            cls.env,
            'pay_now_admin',
            groups='base.group_system,account.group_account_manager,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )
        second = cls.env['res.partner'].create({'name': "Le Fournil", **ADDRESS})
        third = cls.env['res.partner'].create({'name': "L'Épi d'or", 'email': 'epi@example.com'})
        cls.make_invoice(80, partner=second)
        cls.make_invoice(60, partner=third)
        cls.make_invoice(40, partner=cls.env['res.partner'].create({'name': "Nowhere"}))

    def setUp(self):
        super().setUp()
        self.patch(
            self.registry['ir.actions.report'],
            '_pay_now_render_apart',
            lambda _report, _ref, ids: dict.fromkeys(ids, self.blank_page()),
        )

    def open(self, browser, action, ready, name, record=None):
        path = f'/odoo/action-{self.env.ref(action).id}'
        self.show(browser, f'{path}/{record.id}' if record else path, ready, name, full=False)

    def test_screens(self):
        runs = 'account_pay_now.action_pay_now_reminder_run'
        button = "document.querySelector('button[name=action_print_letters]')"
        for lang in ('en_US', 'fr_FR'):
            self.admin.lang = self.customer.lang = lang
            self.env['pay.now.reminder.run'].search([]).sudo().unlink()
            run = self.generate()
            self.assertFalse(run.sales_scope_text)
            run.action_send()
            letter = run.reminder_ids.filtered(lambda one: one.state == 'to_print')[0]
            with self.browser('pay_now_admin') as browser:
                self.open(browser, runs, button, f'letters_run_{lang}', run)
                # The list comes after the form.
                self.wait_for(browser, "document.querySelector('button[name=action_preview]')")
                self.run_js(browser, "document.querySelector('[name=action_preview]').click()")
                self.wait_for(browser, "document.querySelector('.modal [name=preview_html] table')")
                self.picture(browser, f'letters_preview_{lang}', full=False)
                reminders = 'account_pay_now.action_pay_now_reminder'
                self.open(browser, reminders, button, f'letters_reminder_{lang}', letter)
                rows = "document.querySelector('.o_data_row')"
                action = 'account_pay_now.action_pay_now_to_handle'
                self.open(browser, action, rows, f'letters_to_handle_{lang}')
            with self.browser('pay_now_admin') as browser:
                self.open(browser, runs, button, f'letters_waiting_{lang}', run)
                # The file opens beside it; the screen shows what came of it.
                self.run_js(browser, f"window.open = () => ({{}}); {button}.click()")
                self.wait_for(browser, f"!{button} && document.querySelector('.o_attachments')")
                self.picture(browser, f'letters_printed_{lang}', full=False)
            self.assertEqual(letter.state, 'sent')
