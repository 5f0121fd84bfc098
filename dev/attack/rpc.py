# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What users call: every role, model and field, as `/web/dataset/call_kw` would do it.

In Odoo's process, each call with the user's rights and committed if it succeeds: thousands in the
time that one over HTTP takes. Outsiders try to change things. Who keeps the books, or sells, may,
and tries what nobody but the module writes (`_pay_now_whitelist`): what such a call does besides,
as making a record, is theirs to do and undone. All of them look for secrets.
"""

import collections
import json
import re
import traceback

from odoo.exceptions import AccessDenied, UserError
from odoo.service.model import call_kw

from .report import Report
from .world import VOLATILE

#: Roles that may do nothing at all with what is ours.
OUTSIDERS = ('public', 'portal', 'employee')
PREFIX = 'pay_now_'
#: Files of the module, wherever Odoo lies.
OURS = re.compile(r'/addons/(\w+/)?account_pay_now/')
READS = ('read', 'search_read', 'export_data', 'formatted_read_group', 'name_search', 'fields_get')
VALUES = [
    False, True, 0, -1, 2**40, 1e308, '', 'x', '\0', '\ud800', "'; --", '<script>1</script>',
    'A' * 5000, None, [], [[6, 0, [1]]], [[5]], [[0, 0, {}]], {}, {'a': 1}, '2026-02-30', 'https://evil.example',
]  # fmt: skip


#: What a user calls.
#:
#: forgery     the field that only the module writes, and what the call would have in it; or None
Call = collections.namedtuple('Call', ('role', 'model', 'method', 'args', 'kwargs', 'forgery'))


class Generator:
    """Makes calls."""

    def __init__(self, rng, env, world):
        self.rng = rng
        self.env = env
        self.forgery = None
        self.world = world
        self.fields = _fields(env)
        self.ids = {
            name: env[name].sudo().with_context(active_test=False).search([], limit=20).ids or [1]
            for name in self.fields
            if not env[name]._abstract and env[name]._auto
        }
        self.models = sorted(self.ids)
        self.forbidden = {
            role: _forbidden(env, self.models, uid) for role, uid in world['users'].items()
        }

    def __iter__(self):
        while True:
            role, self.forgery = self.rng.choice(sorted(self.world['users'])), None
            call = self.call(role, self.rng.choice(self.models))
            yield Call(role, *call, self.forgery)

    def call(self, role, model):
        """Return one call: more often one that reads, by those who may do more."""
        outsider = role in OUTSIDERS
        closed = self.forbidden[role].get(model, [])
        draw = self.rng.random()
        if draw < 0.15:
            return self.private(model)
        if draw < 0.55 or not (outsider or closed):
            return self.read(model)
        if not outsider:
            return self.forged(model, closed)
        if draw < 0.85:
            return model, 'write', [self.some(model), {self.field(model): self.value()}], {}
        return self.other(model)

    def forged(self, model, closed):
        """Write what the module alone writes, in one of the ways there are."""
        rng = self.rng
        name, value = self.forgery = rng.choice(closed), self.value()
        ids = self.some(model)
        draw = rng.randrange(6)
        if draw == 0:
            return model, 'web_save', [ids[:1], {name: value}], {'specification': {}}
        if draw == 1:
            return model, 'create', [[{name: value}]], {}
        # Runs are made by people, and take no default of the context.
        if draw == 2 and model != 'pay.now.reminder.run':
            return model, 'create', [[{}]], {'context': {f'default_{name}': value}}
        if draw == 3:
            return model, 'load', [['.id', name], [[str(ids[0]), str(value)[:50]]]], {}
        if draw == 4:
            return model, 'web_save_multi', [ids, [{name: value}] * len(ids)], {
                'specification': {},
            }  # fmt: skip
        return model, 'write', [ids, {name: value}], {}

    def some(self, model):
        """Return ids: there are such records, or there are none."""
        known = [[self.rng.choice(self.ids[model])], self.ids[model], [2**31 - 1], [0], [-1]]
        return self.rng.choice(known[:1] * 4 + known)

    def field(self, model):
        return self.rng.choice(self.fields[model])

    def value(self):
        return self.rng.choice(VALUES)

    def read(self, model):
        """Read one field in one of the ways there are."""
        name, method = self.field(model), self.rng.choice(READS)
        if method == 'read':
            return model, method, [self.some(model), [name]], {}
        if method == 'export_data':
            return model, method, [self.some(model), [name]], {}
        if method == 'search_read':
            return model, method, [[[name, '=like', '%']] if self.rng.random() < 0.3 else []], {
                'fields': [name], 'limit': 5,
            }  # fmt: skip
        if method == 'formatted_read_group':
            return model, method, [[]], {'groupby': [name], 'aggregates': ['__count']}
        if method == 'name_search':
            return model, method, [], {'name': str(self.value())[:20]}
        return model, method, [[name]], {}

    def private(self, model):
        """A method that is nobody's to call from outside."""
        methods = [name for name in dir(type(self.env[model])) if name.startswith('_pay_now')]
        method = self.rng.choice(
            methods or ['_write', '_create', '_read_format', 'sudo', 'with_user']
        )
        return model, method, [self.some(model)], {}

    def other(self, model):
        """What an outsider may try besides: make, copy, delete, press a button."""
        if not model.startswith('pay.now.'):
            return model, 'write', [self.some(model), {self.field(model): self.value()}], {}
        draw = self.rng.randrange(4)
        if draw == 0:
            return model, 'create', [[{self.field(model): self.value()}]], {}
        if draw == 1:
            return model, 'unlink', [self.some(model)], {}
        if draw == 2:
            return model, 'copy', [self.some(model)], {}
        buttons = [name for name in dir(type(self.env[model])) if name.startswith('action_')]
        return model, self.rng.choice(buttons or ['unlink']), [self.some(model)], {}


def _forbidden(env, models, uid):
    """Return what a user may not write whatever the rights on the records are, by model."""
    found = {}
    for name in models:
        mine = env(user=uid)[name]
        if not hasattr(mine, '_pay_now_whitelist'):
            continue
        fields = [
            field.name
            for field in mine._fields.values()
            if mine._pay_now_is_decided(field) and not mine._pay_now_may_write(field)
        ]
        if fields:
            found[name] = fields
    return found


def _fields(env):
    """Return our fields, by model."""
    found = {}
    for name in env.registry:
        model = env[name]
        own = name.startswith('pay.now.')
        fields = [one for one in model._fields if own or one.startswith(PREFIX)]
        if fields:
            found[name] = fields
    return found


def _rows_written(env):
    """Count the rows that this transaction wrote, by table.

    :rtype: collections.Counter
    """
    env.cr.execute(
        'SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables'
        ' WHERE n_tup_ins + n_tup_upd + n_tup_del > 0'
    )
    rows = collections.Counter(dict(env.cr.fetchall()))
    return collections.Counter({table: n for table, n in rows.items() if table not in VOLATILE})


def _stored(env, model, name):
    """Return what the database holds of a field, by record.

    :rtype: dict
    """
    field, query = env[model]._fields[name], None
    if field.type == 'many2many' and field.store:
        query = (
            f'SELECT {field.column1}, array_agg({field.column2}) FROM {field.relation} GROUP BY 1'
        )
    elif field.type == 'one2many' and env[field.comodel_name]._fields[field.inverse_name].store:
        query = f'SELECT id, {field.inverse_name} FROM {env[field.comodel_name]._table}'
    elif field.store and field.column_type:
        query = f'SELECT id, {name} FROM {env[model]._table}'
    if not query:
        return {}
    env.cr.execute(query)
    return dict(env.cr.fetchall())


def _forged(env, model, forgery, before):
    """Return the records that hold a forged value: others than before, or new ones with it."""
    name, value = forgery
    after = _stored(env, model, name)
    # Others a field may have by chance, or by default.
    telling = value not in (False, True, 0, -1, '', None)
    telling = telling and value != env[model].default_get([name]).get(name)
    return [
        number
        for number, stored in after.items()
        if (stored != before[number] if number in before else telling and stored == value)
    ]


class _Undone(Exception):
    """What a call did is undone."""


def attack(calls, world, environment):
    """Make some calls and judge what came of each.

    :param calls: of a `Generator`.
    :param environment: a context manager that gives the environment of a user, and keeps what was
        done unless it raises.
    :rtype: Report
    """
    report = Report()
    for call in calls:
        report.kinds[f'call {call.role}'] += 1
        arguments = f'{str(call.args)[:100]}, {str(call.kwargs)[:60]}'
        what = f'{call.role} {call.model}.{call.method}({arguments})'
        text = ''
        try:
            with environment(world['users'][call.role]) as env:
                text, changes = _answer(env, call)
                report.changes += [f'{what} {change}' for change in changes]
                if call.forgery:
                    raise _Undone
        except _Undone:
            report.results['call answered, forged value left out'] += 1
        except (UserError, AccessDenied) as error:
            report.results[f'call {type(error).__name__}'] += 1
            text = str(error)
        except Exception as error:  # noqa: BLE001 - Odoo's own refusals of nonsense among them
            report.results['call refused by Odoo'] += 1
            text = str(error)
            raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
            if OURS.search(raised_in):
                report.errors.append(f'{what}: {error!r}')
        else:
            report.results['call answered'] += 1
        secrets = list(world['secrets']['keys'])
        if call.role in OUTSIDERS:
            secrets += world['secrets']['tokens']
        report.leaks += [f'{what}: {secret[:6]}…' for secret in secrets if secret in text]
    return report


def _answer(env, call):
    """Make a call; return what it answers, and what it changed and should not have.

    :rtype: tuple[str, list[str]]
    """
    written = _rows_written(env)
    stored = call.forgery and _stored(env, call.model, call.forgery[0])
    answer = call_kw(env[call.model], call.method, call.args, call.kwargs)
    env.flush_all()
    if call.forgery:
        changes = [f'forged {number}' for number in _forged(env, call.model, call.forgery, stored)]
    else:
        changes = [f'changed {table}' for table in sorted(_rows_written(env) - written)]
    return json.dumps(answer, default=str, ensure_ascii=False), changes
