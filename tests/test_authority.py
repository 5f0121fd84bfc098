# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.orm.models import MAGIC_COLUMNS
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.authority import BY_PEOPLE, BY_THE_MODULE, COPIED, GROUPS
from odoo.addons.account_pay_now.tests.common import ReminderCommon

_logger = logging.getLogger(__name__)
MIXIN = 'pay.now.authority.mixin'
ROLES = {
    'bookkeeper': 'account.group_account_invoice',
    'accountant': 'account.group_account_user',
    'manager': 'account.group_account_manager',
    'salesman': 'sales_team.group_sale_salesman',
    'leader': 'sales_team.group_sale_salesman_all_leads',
    'auditor': 'account.group_account_readonly',
    'administrator': 'base.group_system',
    'portal': 'base.group_portal',
}
#: Of core's fields of our payments: what decides about money.
DECISIVE = {
    'amount',
    'currency_id',
    'invoice_ids',
    'is_post_processed',
    'last_state_change',
    'operation',
    'partner_id',
    'payment_id',
    'provider_id',
    'provider_reference',
    'reference',
    'source_transaction_id',
    'state',
}


class AuthorityCommon(ReminderCommon):
    """One user of each role, and the public one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.users = {
            role: new_test_user(
                cls.env,
                f'pay_now_{role}',
                password=f'pay_now_{role}',
                groups=groups,
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for role, groups in ROLES.items()
        }
        cls.users['public'] = cls.env.ref('base.public_user')

    @classmethod
    def paid(cls, amount=100):
        """Return a payment that is booked."""
        tx = cls.checkout(cls.lines(cls.make_invoice(amount)))
        cls.current_gateway.pay(tx)
        tx._synchronize()
        return tx

    def found(self, tx, kind='surplus', code='surplus', **details):
        """Return something to handle about a payment."""
        details = details or {'amount': 5}
        return self.env['pay.now.discrepancy'].sudo()._report(tx, kind, code, details, 5)


@tagged('post_install', '-at_install')
class TestAuthority(AuthorityCommon):
    """Role by model by field by action: people write a list, the module everything else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.by_people, cls.by_module = (
            {model: set(names.split()) for model, names in table.items()}
            for table in (BY_PEOPLE, BY_THE_MODULE)
        )
        cls.cells = [
            (model, name)
            for model in sorted(cls.by_people.keys() | cls.by_module.keys())
            for name in sorted(cls.by_people.get(model, set()) | cls.by_module.get(model, set()))
        ]

    def may_write(self, user, model, name):
        """Tell what is expected of a cell."""
        if name not in self.by_people.get(model, ()):
            return False
        groups = GROUPS.get((model, name))
        return not groups or user.has_groups(groups)

    # === THE LISTS === #

    def test_every_field_is_decided(self):
        """Those of Odoo's own list of fields: whoever adds one decides who writes it."""
        found = {}
        for field in self.env['ir.model.fields'].search([('store', '=', True)]):
            ours = field.model.startswith('pay.now.') or field.name.startswith('pay_now_')
            if not ours or const.MODULE not in field.modules.split(', '):
                continue
            model = self.env[field.model]
            # Reports are queries: nobody has a right to write them, and there is no table.
            if model._abstract or isinstance(model, self.env.registry['pay.now.report.mixin']):
                continue
            # Odoo notes of what our models inherit from others that it is ours, too.
            if const.MODULE not in model._fields[field.name]._modules:
                continue
            if field.name not in MAGIC_COLUMNS:
                found.setdefault(field.model, set()).add(field.name)
        decided = {}
        for model, name in self.cells:
            decided.setdefault(model, set()).add(name)
        self.assertEqual(found, decided)
        for model, names in self.by_people.items():
            self.assertFalse(names & self.by_module.get(model, set()), model)

    def test_what_is_copied_is_decided(self):
        """Of Odoo's models: settings are, and nothing that says what happened to the original."""
        found = {}
        for model, name in self.cells:
            records = self.env[model]
            if model.startswith('pay.now.') or model == 'res.company' or records._transient:
                continue
            if records._fields[name].copy:
                found.setdefault(model, set()).add(name)
        self.assertEqual(found, COPIED)

    def test_every_model_asks_the_mixin(self):
        mixin = self.env.registry[MIXIN]
        for model in {model for model, _name in self.cells}:
            self.assertTrue(issubclass(self.env.registry[model], mixin), model)

    def test_the_lists_of_the_models(self):
        for model in {model for model, _name in self.cells}:
            listed = self.env[model]._pay_now_whitelist()
            self.assertEqual(set(listed), self.by_people.get(model, set()), model)

    # === THE TABLE === #

    def test_table(self):
        counted = 0
        for role, user in self.users.items():
            described = {}
            for model, name in self.cells:
                records = self.env[model].with_user(user)
                field = records._fields[name]
                expected = self.may_write(user, model, name)
                with self.subTest(role=role, model=model, field=name):
                    self.assertEqual(records._has_field_access(field, 'write'), expected)
                    if model not in described:
                        described[model] = records.fields_get(attributes=['readonly'])
                    if not expected and name in described[model]:
                        self.assertTrue(described[model][name]['readonly'], "screens show it so")
                    self.assertTrue(records.sudo()._has_field_access(field, 'write'))
                counted += 1
        self.assertGreater(counted, 3000)
        _logger.info("Authority: %s cells of role, model and field", counted)

    # === REAL CALLS === #

    def samples(self):
        """Return one record of the models that somebody may write to."""
        tx = self.paid()
        self.current_gateway.move('txn_shop', 40)
        self.provider.sudo()._pay_now_sweep_movements()
        self.make_invoice(200, days_late=30)
        run = self.generate()
        invoice = self.make_invoice(50)
        answer = invoice.sudo()._pay_now_answer(
            'problem', set(self.lines(invoice).ids), text="Mouldy"
        )
        event = self.env['pay.now.event'].sudo()
        event = event.create(
            {'provider_id': self.provider.id, 'event_ref': 'evt_1'}
            | {'type': 'test', 'source': 'webhook'}
        )
        records = (
            tx,
            tx.pay_now_item_ids,
            self.found(tx),
            self.env['pay.now.movement'].search([], limit=1),
            run,
            run.reminder_ids[:1],
            run.reminder_ids.level_id[:1],
            answer,
            event,
            invoice,
            self.lines(invoice)[:1],
            self.provider,
            self.company,
            self.customer,
        )
        for record in records:
            self.assertEqual(len(record), 1, record)
        return [record.sudo() for record in records]

    def is_refused(self, call, *args):
        """Tell whether a call is refused for want of rights."""
        try:
            call(*args)
        except AccessError:
            return True
        return False

    def other_value(self, record, name):
        """Return a value to write; one that changes nothing may be left out on the way."""
        field = record._fields[name]
        if field.type in ('one2many', 'many2many'):
            return [Command.link(1)]
        return field.convert_to_write(record[name], record)

    def calls_of(self, mine, name, value):
        """Return the ways to write a field: the methods and their values."""
        if mine._name == 'pay.now.reminder.run':
            # Made by people, of what they may choose: nothing else is taken.
            return [(mine.write, {name: value})]
        others = {}
        if mine._name == 'payment.transaction':
            others = {'provider_id': self.provider.id}
        elif mine._name == 'account.move.line':
            others = {'move_id': mine.sudo().move_id.id}
        default = mine.with_context(**{f'default_{name}': value})
        return [
            (mine.write, {name: value}),
            (mine.create, {**others, name: value}),
            (default.create, others),
        ]

    def refused_fields(self, record):
        names = self.by_module.get(record._name, set()) | (
            DECISIVE if record._name == 'payment.transaction' else set()
        )
        return sorted(names)

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_real_calls(self):
        """By `write`, by `create` and by a default of the context; nothing has changed."""
        counted = 0
        samples = self.samples()
        self.env.flush_all()
        before = {(one, name): one[name] for one in samples for name in self.refused_fields(one)}
        counts = {one: one.search_count([]) for one in samples}
        for role, user in self.users.items():
            for record in samples:
                mine = record.with_user(user).with_company(self.company)
                names = self.refused_fields(record)
                if not mine.env[record._name].has_access('write'):
                    # Refused for another reason already.
                    names = names[:1]
                for name in names:
                    with self.subTest(role=role, model=record._name, field=name):
                        for call in self.calls_of(mine, name, self.other_value(record, name)):
                            self.assertTrue(self.is_refused(*call))
                            counted += 1
        self.env.invalidate_all()
        self.assertEqual(before, {(one, name): one[name] for one, name in before})
        self.assertEqual(counts, {one: one.search_count([]) for one in samples})
        self.assertGreater(counted, 500)
        _logger.info("Authority: %s real calls, all refused", counted)

    def test_people_write_what_is_theirs(self):
        """The lists do not keep people from their work."""
        by_model = {one._name: one for one in self.samples()}
        for role, model, values in (
            ('accountant', 'pay.now.movement', {'note': "Web shop"}),
            ('bookkeeper', 'pay.now.discrepancy', {'note': "Asked the customer"}),
            ('bookkeeper', 'pay.now.reminder', {'own_subject': "Please pay"}),
            ('bookkeeper', 'pay.now.answer', {'text': "Mouldy bread"}),
            ('bookkeeper', 'account.move', {'pay_now_excluded': True}),
            ('manager', 'pay.now.reminder.level', {'name': "A friendly word"}),
            ('administrator', 'payment.provider', {'pay_now_minimum_amount': 3}),
            ('administrator', 'res.company', {'pay_now_promise_days': 20}),
        ):
            with self.subTest(role=role, model=model):
                record = by_model[model].with_user(self.users[role])
                record.write(values)
                self.assertRecordValues(record, [values])

    def test_without_the_lists_all_of_it_goes_through(self):
        """The counter-check: what the table refuses is refused by nothing else."""
        tx, mine = self.paid(), self.users['bookkeeper']
        found = self.found(tx)
        other = self.paid()
        with patch.object(self.env.registry[MIXIN], '_check_field_access', lambda *_args: None):
            tx.with_user(mine).write({'pay_now_checkout_url': 'https://example.com'})
            found.with_user(mine).write({'transaction_id': other.id, 'kind': 'missing_there'})
        self.assertEqual(found.transaction_id, other)
