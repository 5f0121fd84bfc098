# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Every public method of ours, called by RPC by whoever may not write: nothing is written."""

import inspect
import logging
import re
from unittest.mock import patch

from odoo.exceptions import AccessDenied, AccessError, MissingError, UserError
from odoo.fields import Command
from odoo.service.model import get_public_method
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.tests.test_authority import AuthorityCommon

_logger = logging.getLogger(__name__)
OURS = 'odoo.addons.account_pay_now.'
WRITTEN = re.compile(r'\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)', re.IGNORECASE)
#: Odoo's own, which ask for the rights themselves; what they write is asked by `test_authority`.
OF_THE_ORM = {
    'copy_data',
    'create',
    'default_get',
    'element',
    'unlink',
    'web_read',
    'write',
}
#: What the methods are given that need something, by model and method.
ARGUMENTS = {
    ('account.move', 'js_assign_outstanding_line'): (1,),
    ('payment.transaction', 'action_refund'): (5,),
}
#: Core's buttons that reach our code in sudo.
OF_CORE = {
    'account.payment': ('action_refund_wizard',),
    'payment.refund.wizard': ('action_refund',),
    'payment.transaction': (
        'action_refund',
        'action_capture',
        'action_void',
        'action_post_process',
    ),
}
#: Asked elsewhere: removing the module.
NOT_ASKED = {'ir.module.module'}
#: Whose rights the buttons of some models ask for: a list of what waits elsewhere is written by
#: nobody, and who may write a payment refunds it.
RIGHTS = {
    'payment.refund.wizard': 'payment.transaction',
    'pay.now.to.handle': 'pay.now.discrepancy',
}
#: Screens of one's own, made in sudo for whoever may see such a screen.
SCREENS = {
    'account.journal': {'pay_now_balance', 'pay_now_balance_line'},
    'pay.now.balance': {'pay_now_balance', 'pay_now_balance_line'},
    'pay.now.statement': {'pay_now_balance', 'pay_now_balance_line'},
}
INSTEAD = (AccessDenied, AccessError, MissingError, UserError)


class Writes:
    """Notes which tables are written to within its block."""

    def __init__(self):
        self.tables = set()

    def __enter__(self):
        former, tables = Cursor.execute, self.tables

        def execute(cursor, query, *args, **kwargs):
            text = getattr(query, 'code', query)
            if isinstance(text, str) and (found := WRITTEN.match(text)):
                tables.add(found.group(1))
            return former(cursor, query, *args, **kwargs)

        self._patch = patch.object(Cursor, 'execute', execute)
        self._patch.__enter__()
        return self

    def __exit__(self, *error):
        self._patch.__exit__(*error)


@tagged('post_install', '-at_install')
class TestPublicMethods(AuthorityCommon):
    """Role by public method: who may not write a record writes nothing by its buttons."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users['employee'] = cls.env['res.users'].create(
            {
                'name': "Employee",
                'login': 'pay_now_employee',
                'group_ids': [Command.set(cls.env.ref('base.group_user').ids)],
                'company_id': cls.company.id,
                'company_ids': [Command.set(cls.company.ids)],
            }
        )
        # Of another company: all rights, none of them here.
        cls.elsewhere = cls.env['res.company'].create({'name': "Elsewhere"})
        cls.users['manager elsewhere'] = cls.env['res.users'].create(
            {
                'name': "Manager elsewhere",
                'login': 'pay_now_manager_elsewhere',
                'group_ids': [Command.set(cls.env.ref('account.group_account_manager').ids)],
                'company_id': cls.elsewhere.id,
                'company_ids': [Command.set(cls.elsewhere.ids)],
            }
        )

    def methods(self):
        """Return the public methods of ours, by model.

        :return: `{model: {name}}`
        :rtype: dict
        """
        found = {}
        for name, model in self.env.registry.items():
            if model._abstract:
                continue
            names = {
                method
                for definition in model.mro()
                if definition.__module__.startswith(OURS)
                for method, function in vars(definition).items()
                if not method.startswith('_') and callable(function)
            }
            names = {one for one in names - OF_THE_ORM if self.is_public(model, one)}
            names |= set(OF_CORE.get(name, ()))
            if names:
                found[name] = names
        return found

    def is_public(self, model, name):
        try:
            get_public_method(self.env[model._name], name)
        except (AccessError, AttributeError):
            return False
        return True

    def planned(self, invoice):
        """Return a payment plan that waits for an answer."""
        self.company.pay_now_plans = True
        chosen, typed = set(self.lines(invoice).ids), {'plan_parts': 2, 'plan_rhythm': 'weekly'}
        page = invoice.sudo()
        shown = page._pay_now_plan_offer({'item': chosen, **typed}, True)
        return page._pay_now_ask_plan(chosen, 2, 'weekly', shown['seen'])

    def records(self):
        """Return one record of each model that has public methods of ours.

        :rtype: dict
        """
        tx = self.paid()
        self.current_gateway.move('txn_shop', 40)
        self.provider.sudo()._pay_now_sweep_movements()
        self.current_gateway.pay_out('po_1', lines=[self.current_gateway.movement_of(tx)])
        self.env['pay.now.payout'].sudo()._synchronize(self.provider, ['po_1'])
        invoice = self.make_invoice(200, days_late=30)
        run = self.generate()
        answer = invoice.sudo()._pay_now_answer(
            'problem', set(self.lines(invoice).ids), text="Mouldy"
        )
        event = self.env['pay.now.event'].sudo()
        event = event.create(
            {'provider_id': self.provider.id, 'event_ref': 'evt_1'}
            | {'type': 'test', 'source': 'webhook', 'state': 'done'}
        )
        finding = self.found(tx)
        bank = self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.company_data['default_journal_bank'].id,
                'amount': 12,
                'payment_ref': "Deposit",
            }
        )
        account = self.env['pay.now.account']._pay_now_account_page_of(self.company)
        dispute = self.env['pay.now.dispute'].sudo()
        dispute = dispute.create(
            {
                'provider_id': self.provider.id,
                'transaction_id': tx.id,
                'company_id': self.company.id,
                'currency_id': tx.currency_id.id,
                'dispute_ref': 'dp_1',
                'state': 'open',
                'opened_at': '2026-01-05',
                'amount': 5,
            }
        )
        sent = {'company_id': self.company.id, 'partner_id': self.customer.id}
        sent |= {'state': 'sent', 'sent_at': '2026-01-05', 'level_id': run.reminder_ids.level_id.id}
        self.env['pay.now.reminder'].sudo().create(sent)
        setup = self.env['pay.now.setup'].create({})
        options = self.env['pay.now.options'].create({})
        records = [
            *(tx, tx.payment_id, finding, run, run.reminder_ids[:1]),
            *(run.reminder_ids.level_id[:1], answer, event, invoice, self.provider, bank),
            *(self.env['pay.now.movement'].search([], limit=1), account, setup, options),
            *(self.env['pay.now.payout'].search([], limit=1), options.line_ids[:1]),
            *(self.company, self.customer, self.provider.journal_id, dispute),
            self.planned(self.make_invoice(90, days_late=20)),
            self.env['mail.mail'].sudo().create({'subject': "x", 'body_html': 'pay_now'}),
            self.env['pay.now.dismiss'].create(
                {'discrepancy_ids': [Command.set(finding.ids)], 'reason': "x"}
            ),
            self.env['pay.now.connect'].create(
                {'provider_id': self.provider.id, 'api_key': 'sk_test_other'}
            ),
            self.env['pay.now.choose.level'].create(
                {
                    'reminder_ids': [Command.set(run.reminder_ids.ids)],
                    'level_id': run.reminder_ids.level_id[:1].id,
                }
            ),
            self.env['pay.now.book.interest']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'date_to': '2026-01-31',
                }
            ),
            self.env['pay.now.forget'].create({'provider_id': self.provider.id}),
            self.env['pay.now.generate.reminders'].create({}),
            self.env['pay.now.proof'].create({}),
            self.env['pay.now.prepare.statement'].create(
                {'partner_ids': [Command.set(self.customer.ids)]}
            ),
            self.env['pay.now.customer.statement']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'date_to': '2026-01-31',
                    'state': 'failed',
                }
            ),
            self.env['pay.now.trial'].create({'partner_id': self.customer.id}),
            self.env['payment.refund.wizard']
            .with_context(active_id=tx.payment_id.id)
            .create({'amount_to_refund': 5}),
            self.env['res.config.settings'].create({}),
            *self.shown('pay.now.balance'),
            *self.shown('pay.now.statement', *self.month()),
            self.env['pay.now.to.handle'].search([], limit=1),
            self.env['pay.now.timeline'].create({'query': tx.reference}),
            *(
                self.env[f'pay.now.{name}.report'].sudo().search([], limit=1)
                for name in ('chase', 'dso', 'due', 'item', 'money', 'paid', 'reminder')
            ),
        ]
        self.env.flush_all()
        return {record._name: record for record in records if record}

    def shown(self, model, *days):
        """Return a figure of a balance or statement that somebody opened, and one of its lines."""
        self.env[model]._open_of(*days)
        one = self.env[model].search([], limit=1)
        return one, one.line_ids[:1]

    def month(self):
        today = self.company._pay_now_today()
        return today.replace(day=1), today

    def call(self, record, name):
        """Call a method as `call_kw` does, and undo it; return the tables it wrote to."""
        function = get_public_method(record, name)
        arguments = ARGUMENTS.get((record._name, name), ())
        needed = [
            one
            for one in list(inspect.signature(function).parameters.values())[1:]
            if one.default is one.empty and one.kind in (one.POSITIONAL_OR_KEYWORD,)
        ]
        self.assertLessEqual(len(needed), len(arguments) or 0, f'{record._name}.{name}')
        record = record.browse() if getattr(function, '_api_model', False) else record
        watch = Writes()
        savepoint = self.env.cr.savepoint()
        # What is in the cache is read without being asked for rights.
        self.env.invalidate_all()
        try:
            with watch:
                function(record, *arguments)
                record.env.flush_all()
        except INSTEAD:
            # What was written by then is undone with the request.
            watch.tables.clear()
        finally:
            savepoint.rollback()
            savepoint.close(rollback=False)
            self.env.invalidate_all()
        return watch.tables

    def makes_its_own(self, record, name):
        """Tell whether a method is asked of no record, by who may make records of its own."""
        is_of_the_model = getattr(get_public_method(record, name), '_api_model', False)
        return is_of_the_model and record.browse().has_access('create')

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_who_may_not_write_writes_nothing(self):
        records, counted, asked = self.records(), 0, {}
        for model, names in sorted(self.methods().items()):
            if model in records:
                asked[model] = names
        for role, user in self.users.items():
            for model, names in asked.items():
                mine = (
                    records[model]
                    .with_user(user)
                    .with_context(allowed_company_ids=user.sudo().company_ids.ids)
                )
                asked_of = mine.env[RIGHTS[model]] if model in RIGHTS else mine
                if asked_of.has_access('write'):
                    continue
                allowed = SCREENS.get(model, set()) if mine.browse().has_access('read') else set()
                for name in sorted(names):
                    if self.makes_its_own(mine, name):
                        continue
                    with self.subTest(role=role, model=model, method=name):
                        self.assertFalse(self.call(mine, name) - allowed)
                        counted += 1
        self.assertGreater(counted, 300)
        _logger.info("Authority: %s calls of public methods, nothing written", counted)

    def test_all_models_are_asked(self):
        """Whoever adds a model with buttons adds a record of it here."""
        known = self.records().keys()
        self.assertFalse(self.methods().keys() - known - NOT_ASKED)

    def test_what_writes_is_seen(self):
        """The counter-check: whoever may, does."""
        records = self.records()
        for model, name in (
            ('pay.now.discrepancy', 'action_done'),
            ('pay.now.reminder.run', 'action_send'),
            ('pay.now.answer', 'action_close'),
            ('pay.now.plan', 'action_accept'),
        ):
            mine = records[model].with_user(self.users['bookkeeper'])
            with self.subTest(model=model):
                self.assertIn(records[model]._table, self.call(mine, name))
