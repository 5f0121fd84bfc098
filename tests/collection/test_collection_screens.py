# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.browser import BrowserMixin
from odoo.addons.account_pay_now.tests.common import ReminderCommon

WIDE, NARROW = (1440, 900), (390, 844)


@tagged('post_install', '-at_install')
class TestCollectionScreens(BrowserMixin, ReminderCommon, HttpCase):
    """The reports and the customers to chase, in French, on a screen and on a telephone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.clerk = new_test_user(
            cls.env,
            'pay_now_clerk',
            lang='fr_FR',
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        other = cls.env['res.partner'].create(
            {'name': "Traiteur", 'email': 't@example.com', 'phone': '+33 1 23 45 67 89'}
        )
        cls.moves = [
            cls.make_invoice(100 * number, partner=partner, days_late=days)
            for number, (partner, days) in enumerate(
                [(cls.customer, 100), (other, 50), (cls.customer, 10), (other, -20)], 1
            )
        ]
        level = cls.env['pay.now.reminder.level'].search(
            [('company_id', '=', cls.company.id)], limit=1
        )
        cls.env['pay.now.reminder'].sudo().create(
            [
                {
                    'company_id': cls.company.id,
                    'partner_id': move.partner_id.id,
                    'level_id': level.id,
                    'item_ids': [Command.set(cls.lines(move).ids)],
                    'amount_due': move.amount_total,
                    'state': 'sent',
                    'sent_at': fields.Datetime.now() - timedelta(days=40),
                    'has_button': True,
                }
                for move in cls.moves[:2]
            ]
        )
        cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=cls.moves[0].ids
        ).create({'payment_date': fields.Date.today() - timedelta(days=35)})._create_payments()

    def test_screens(self):
        pivot = "document.querySelector('.o_pivot tbody tr')"
        note = "document.querySelector('.pay_now_note')"
        canvas = "document.querySelector('.o_graph_canvas_container canvas')"
        with self.browser('pay_now_clerk') as browser:
            for size, suffix in ((WIDE, ''), (NARROW, '_phone')):
                for name, ready in (
                    ('due_report', f'{note} && {pivot}'),
                    ('expected_cash', f'{note} && {canvas}'),
                    ('reminder_report', f'{note} && {pivot}'),
                    ('paid_report', f'{note} && {pivot}'),
                    ('dso_report', f'{note} && {canvas}'),
                    ('chase_report', "document.querySelector('.o_data_row, .o_kanban_record')"),
                ):
                    action = self.env.ref(f'account_pay_now.action_pay_now_{name}')
                    path = f'/odoo/action-{action.id}'
                    self.show(browser, path, ready, f'collection_{name}{suffix}', size, full=False)
            self.run_js(
                browser, "document.querySelector('.o_kanban_record a[name=action_answer]').click()"
            )
            self.wait_for(browser, "document.querySelector('.modal [name=kind]')")
            self.picture(browser, 'collection_answer_phone', full=False)
            form = "document.querySelector('button[name=action_pay_now_due_items]')"
            action = self.env.ref('account.res_partner_action_customer')
            path = f'/odoo/action-{action.id}/{self.customer.id}'
            self.show(browser, path, form, 'collection_customer', WIDE, full=False)
            self.run_js(browser, f'{form}.click()')
            self.wait_for(browser, "document.querySelectorAll('.o_data_row').length == 1")
            self.picture(browser, 'collection_customer_items', full=False)
