# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.reminder.reminder_sales import RUN, ReminderSalesCommon


@tagged('post_install', '-at_install')
class TestReminderSalesScreens(BrowserMixin, ReminderSalesCommon, HttpCase):
    """A salesperson without rights in the accounting makes and sends reminders."""

    def test_generate(self):
        self.load_language('fr_FR')
        self.make_sold(250, self.marc, partner=self.other_customer)
        nobody = self.env['res.partner'].create({'name': "Sans adresse"})
        self.make_sold(80, self.marc, partner=nobody)
        action = self.env.ref('account_pay_now.action_pay_now_generate_reminders_sales')
        for lang in ('en_US', 'fr_FR'):
            self.marc.lang = lang
            with self.browser('pay_now_marc') as browser:
                self.walk(browser, action, lang)
            run = self.env[RUN].search([('sales_user_id', '=', self.marc.id)])
            self.assertEqual(run.state, 'sending')
            self.assertEqual(len(run.reminder_ids), 3)
            run.reminder_ids.sudo().unlink()
            run.sudo().unlink()

    def walk(self, browser, action, lang):
        """Generate, look at the list, edit a mail, leave one out, send."""
        scope = "document.querySelector('.modal [name=sales_scope_text]')"
        self.show(
            browser,
            f'/odoo/action-{action.id}',
            scope,
            f'reminder_sales_generate_{lang}',
            full=False,
        )
        self.assertFalse(
            self.run_js(browser, "!!document.querySelector('.modal [name=application]')")
        )
        self.run_js(browser, "document.querySelector('button[name=action_generate]').click()")
        # The third has no address: it is held.
        self.wait_for(browser, "document.querySelectorAll('.o_data_row').length == 2")
        self.picture(browser, f'reminder_sales_run_{lang}', full=False)
        preview = "document.querySelector('button[name=action_preview]')"
        self.run_js(browser, f'{preview}.click()')
        self.wait_for(browser, "document.querySelector('.modal [name=preview_html]')")
        self.picture(browser, f'reminder_sales_preview_{lang}', full=False)
        self.run_js(browser, "document.querySelector('.modal .btn-close').click()")
        self.wait_for(browser, "!document.querySelector('.modal')")
        edit = "document.querySelector('button[name=action_edit]')"
        self.run_js(browser, f'{edit}.click()')
        self.wait_for(browser, "document.querySelector('.modal [name=own_body] table')")
        self.picture(browser, f'reminder_sales_edit_{lang}', full=False)
        self.run_js(browser, "document.querySelector('.modal .btn-close').click()")
        self.wait_for(browser, "!document.querySelector('.modal')")
        self.run_js(browser, "document.querySelector('button[name=action_drop]').click()")
        self.wait_for(browser, "document.querySelectorAll('button[name=action_drop]').length == 1")
        self.run_js(browser, "document.querySelector('button[name=action_send]').click()")
        self.wait_for(browser, "document.querySelector('.modal .modal-footer .btn-primary')")
        self.picture(browser, f'reminder_sales_question_{lang}', full=False)
        self.run_js(browser, "document.querySelector('.modal .modal-footer .btn-primary').click()")
        self.wait_for(browser, "document.querySelector('button[name=action_stop]')")
        self.picture(browser, f'reminder_sales_sending_{lang}', full=False)
