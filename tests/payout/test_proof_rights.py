# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import inspect
import io
import re
import zipfile
from base64 import b64decode

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.tests.payout.test_proof import ProofCommon

#: Who may look at the proof of the company's books, and who may not.
MAY = (
    'account.group_account_invoice',
    'account.group_account_manager',
    'account.group_account_readonly',
)
MAY_NOT = (
    'base.group_portal',
    'base.group_public',
    'base.group_user',
    'sales_team.group_sale_manager',
)
MODELS = (
    'pay.now.balance',
    'pay.now.balance.line',
    'pay.now.statement',
    'pay.now.statement.line',
    'pay.now.proof',
    'pay.now.movement',
    'pay.now.undone',
    'pay.now.payout',
    'pay.now.options',
    'pay.now.options.line',
)
#: What the screens of a proof do.
ACTIONS = (
    'action_xlsx',
    'action_read_again',
    'action_open_movements',
    'action_open_balance',
    'action_open_items',
    'action_open_by_hand',
    'action_open_found',
    'action_compare',
)
#: What asks whether somebody may.
ASKS = re.compile(
    r'check_access|_check_manager|_check_mender|_by_engine|_pay_now_compare_for|super\(\)'
)
#: What a spreadsheet would run, were it no text.
FORMULA = "=HYPERLINK(\"http://evil.example.com\")"


@tagged('post_install', '-at_install')
class TestProofRights(ProofCommon, HttpCase):
    """Balances, statements and their files: of nobody but who asked for them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.env['res.company'].create({'name': "Elsewhere"})

    def member(self, group, company=None):
        company = company or self.company
        groups = group if 'portal' in group or 'public' in group else f'{group},base.group_user'
        return new_test_user(
            self.env,
            f'rights_{group}_{company.id}',
            password='rights of somebody',
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def shown(self, user, kind):
        dialog = (
            self.env['pay.now.proof'].with_user(user).create({'kind': kind, 'date': self.day(5)})
        )
        action = dialog.action_show()
        return self.env[action['res_model']].with_user(user).browse(action['res_id'])

    def played(self):
        _tx, line = self.paid(8)
        self.other(6, -7, '+1+1', type='@SUM(1)', label=FORMULA)
        self.gateway.pay_out('po_1', [line], created_at=self.noon(6))
        self.sweep()

    def test_nobody_without_accounting(self):
        self.played()
        for group in MAY_NOT:
            user = self.member(group)
            for model in MODELS:
                records = self.env[model].with_user(user).with_company(self.company)
                for call in (
                    lambda records=records: records.search([]),
                    lambda records=records: records.create({}),
                    lambda records=records: records.browse(1).read(['id']),
                ):
                    with self.subTest(group=group, model=model), self.assertRaises(AccessError):
                        call()
            for model, name in (
                ('pay.now.balance', 'action_open'),
                ('pay.now.to.handle', 'action_compare'),
            ):
                action = getattr(self.env[model].with_user(user), name)
                with self.subTest(group=group, action=name), self.assertRaises(AccessError):
                    action()

    def assert_not_theirs(self, record, stranger):
        """No button of a record works for a stranger, and nothing of it is read."""
        theirs = record.with_user(stranger)
        report = f'account_pay_now.report_{record._name.rpartition(".")[2]}'
        render = self.env['ir.actions.report'].with_user(stranger)._render_qweb_html
        calls = {name: getattr(theirs, name) for name in ACTIONS if hasattr(theirs, name)}
        calls['lines'] = lambda: theirs.line_ids.read(['amount'])
        calls['line'] = lambda: record.line_ids[:1].with_user(stranger).action_open()
        calls['pdf'] = lambda: render(report, record.ids)
        for name, call in calls.items():
            with (
                self.subTest(stranger=stranger.login, call=name),
                self.assertRaises(AccessError),
            ):
                call()

    def test_files_of_somebody_else(self):
        self.played()
        owner = self.member(MAY[0])
        strangers = [
            self.member(MAY[1]),
            self.member(MAY[1], self.elsewhere),
            self.member('base.group_portal'),
        ]
        for kind in ('balance', 'statement'):
            record = self.shown(owner, kind)
            url = record.action_xlsx()['url'].split('?')[0]
            for stranger in strangers:
                self.assert_not_theirs(record, stranger)
                self.authenticate(stranger.login, 'rights of somebody')
                self.assertNotEqual(self.url_open(url).content[:2], b'PK')
            self.authenticate(owner.login, 'rights of somebody')
            self.assertEqual(self.url_open(url).content[:2], b'PK')

    def test_every_button_asks(self):
        """What acts with the rights of the system asks first whether the user may."""
        found = []
        for model, records in self.env.items():
            if not model.startswith('pay.now.'):
                continue
            for name in dir(type(records)):
                method = getattr(type(records), name)
                if name.startswith('action_') and callable(method):
                    source = inspect.getsource(method)
                    if 'sudo()' in source and not ASKS.search(source):
                        found.append(f'{model}.{name}')
        self.assertFalse(found)

    def test_who_only_reads(self):
        """An auditor sees balances and statements, takes them away, and changes nothing."""
        self.played()
        auditor = self.member(MAY[2])
        for kind in ('balance', 'statement'):
            record = self.shown(auditor, kind)
            self.assertTrue(record.line_ids.mapped('amount'))
            self.assertTrue(record.action_xlsx()['url'])
        action = self.env['pay.now.balance'].with_user(auditor).action_open()
        now = self.env['pay.now.balance'].with_user(auditor).browse(action['res_id'])
        now.action_read_again()
        self.assertTrue(now.verdict)
        figure = now.line_ids.filtered(lambda line: line.code == 'clearing')
        opened = figure.action_open()
        items = self.env[opened['res_model']].with_user(auditor).search(opened['domain'])
        self.assertTrue(items.mapped('balance'))
        with self.assertRaises(AccessError):
            now.action_compare()
        with self.assertRaises(AccessError):
            now.write({'gap': 0})
        menus = self.env['ir.ui.menu'].with_user(auditor)._visible_menu_ids()
        for name in ('menu_pay_now_balance', 'menu_pay_now_statement'):
            self.assertIn(self.env.ref(f'account_pay_now.{name}').id, menus)

    def test_text_is_no_formula(self):
        self.played()
        record = self.shown(self.member(MAY[0]), 'statement')
        record.action_xlsx()
        book = zipfile.ZipFile(io.BytesIO(b64decode(record.file)))
        texts = ''.join(
            book.read(name).decode() for name in book.namelist() if name.endswith('.xml')
        )
        self.assertIn('HYPERLINK', texts)
        self.assertIn('+1+1', texts)
        self.assertNotIn('<f>', texts)
        self.assertFalse(
            [name for name in book.namelist() if 'rels' in name and b'evil' in book.read(name)]
        )

    def test_company_left_since(self):
        """Who is of another company by now has no more of the balance that was read before."""
        self.played()
        owner = self.member(MAY[1])
        record = self.shown(owner, 'balance')
        owner.write(
            {'company_ids': [Command.set(self.elsewhere.ids)], 'company_id': self.elsewhere.id}
        )
        theirs = (
            self.env[record._name].with_user(owner).with_company(self.elsewhere).browse(record.id)
        )
        with self.assertRaises(AccessError):
            theirs.read(['balance'])
        with self.assertRaises(AccessError):
            theirs.action_read_again()
        with self.assertRaises(AccessError):
            theirs.with_context(allowed_company_ids=self.company.ids).action_read_again()

    def test_options_of_another_company(self):
        manager = self.member(MAY[1], self.elsewhere)
        options = self.env['pay.now.options'].with_user(self.member(MAY[1])).create({})
        line = options.line_ids[:1]
        foreign_tax = self.env['account.tax'].create(
            {
                'name': "Theirs",
                'amount': 20,
                'type_tax_use': 'purchase',
                'company_id': self.elsewhere.id,
                'country_id': self.company.account_fiscal_country_id.id,
                'tax_group_id': self.env['account.tax.group']
                .create(
                    {
                        'name': "T",
                        'company_id': self.elsewhere.id,
                        'country_id': self.company.account_fiscal_country_id.id,
                    }
                )
                .id,
            }
        )
        for name, value in (
            ('pay_now_commission_label', "Ours now"),
            ('pay_now_commission_imported', True),
        ):
            with self.assertRaises(AccessError):
                line.with_user(manager).with_company(self.elsewhere).write({name: value})

        with self.assertRaises(UserError), self.cr.savepoint():
            line.write(
                {
                    'pay_now_commission_taxes': 'chosen',
                    'pay_now_commission_tax_ids': [Command.set(foreign_tax.ids)],
                }
            )
        partner = self.env['res.partner'].create(
            {'name': "Theirs", 'company_id': self.elsewhere.id}
        )
        with self.assertRaises(UserError), self.cr.savepoint():
            line.write({'pay_now_commission_partner_id': partner.id})
