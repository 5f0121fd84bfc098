# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Opens the reports on a company with many invoices, beside Odoo's own *Invoice analysis*.

Each as the screen does: the figures of its first pivot or graph, or the first page of its list.
"""

import json
import statistics

from .. import settings
from ..env import console, databases, odoo
from . import big_books

#: How long a person waits, and how often each is opened.
SECONDS_ALLOWED, ROUNDS = 1.0, 5

# Half of the invoices are paid, a tenth of these online; three quarters of all were reminded.
PAID = """
INSERT INTO account_move (name, date, journal_id, company_id, currency_id, state, move_type,
                          partner_id, commercial_partner_id, auto_post, amount_total)
SELECT 'BENCH/' || move.id, move.invoice_date_due + (move.id %% 40)::int - 10, {journal},
       move.company_id, move.currency_id, 'posted', 'entry', move.partner_id,
       move.commercial_partner_id, 'no', move.amount_total
  FROM account_move move WHERE move.move_type = 'out_invoice' AND move.id %% 2 = 0;
INSERT INTO account_move_line (move_id, move_name, date, journal_id, company_id,
                               company_currency_id, currency_id, account_id, partner_id,
                               parent_state, display_type, name, balance, debit, credit,
                               amount_currency, amount_residual, amount_residual_currency,
                               reconciled)
SELECT paid.id, paid.name, paid.date, paid.journal_id, line.company_id, line.company_currency_id,
       line.currency_id, line.account_id, line.partner_id, 'posted', 'product', 'bench-' || line.id,
       -line.balance, 0, line.balance, -line.balance, 0, 0, true
  FROM account_move paid
  JOIN account_move_line line ON line.move_id = split_part(paid.name, '/', 2)::int
 WHERE paid.name LIKE 'BENCH/%%' AND line.display_type = 'payment_term';
INSERT INTO account_partial_reconcile (debit_move_id, credit_move_id, amount,
                                       debit_amount_currency, credit_amount_currency, company_id,
                                       max_date)
SELECT line.id, credit.id, line.balance, line.balance, line.balance, line.company_id, credit.date
  FROM account_move_line credit
  JOIN account_move_line line ON line.id = substr(credit.name, 7)::int
 WHERE credit.name LIKE 'bench-%%';
UPDATE account_move_line line SET amount_residual = 0, amount_residual_currency = 0,
       reconciled = true
  FROM account_partial_reconcile partial WHERE partial.debit_move_id = line.id;
INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id,
                                 partner_id, company_id, state, operation, pay_now_commission)
SELECT {provider}, {method}, 'bench-' || paid.id, paid.amount_total, paid.currency_id,
       paid.partner_id, paid.company_id, 'done', 'online_redirect', 1.5
  FROM account_move paid WHERE paid.name LIKE 'BENCH/%%' AND paid.id %% 10 = 0;
INSERT INTO account_payment (payment_transaction_id, move_id, date, journal_id, company_id,
                             currency_id, amount, payment_type, partner_type, state, partner_id)
SELECT tx.id, paid.id, paid.date, paid.journal_id, paid.company_id, paid.currency_id,
       paid.amount_total, 'inbound', 'customer', 'paid', paid.partner_id
  FROM payment_transaction tx JOIN account_move paid ON paid.id = substr(tx.reference, 7)::int
 WHERE tx.reference LIKE 'bench-%%';
UPDATE account_move_line line SET payment_id = payment.id
  FROM account_payment payment WHERE payment.move_id = line.move_id;
UPDATE account_move SET payment_state = 'paid', amount_residual = 0
 WHERE move_type = 'out_invoice' AND id %% 2 = 0;
"""
REMINDED = """
INSERT INTO pay_now_reminder (company_id, root_company_id, partner_id, level_id, state, channel,
                              sent_at, amount_due, has_button, create_date)
SELECT move.company_id, move.company_id, move.commercial_partner_id, {level}, 'sent', 'email',
       move.invoice_date_due + interval '5 days', move.amount_total, move.id %% 10 > 0, now()
  FROM account_move move WHERE move.move_type = 'out_invoice' AND move.id %% 4 > 0;
INSERT INTO pay_now_reminder_item_rel (reminder_id, line_id)
SELECT reminder.id, line.id
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM pay_now_reminder) reminder
  JOIN (
      SELECT move.id, row_number() OVER (ORDER BY move.id) AS number FROM account_move move
       WHERE move.move_type = 'out_invoice' AND move.id %% 4 > 0
  ) move ON move.number = reminder.number
  JOIN account_move_line line ON line.move_id = move.id AND line.display_type = 'payment_term';
"""
# The dates of the copies are spread over the last two years.
SPREAD = """
UPDATE account_move SET invoice_date = current_date - (id %% 720)::int, date = current_date
       - (id %% 720)::int, invoice_date_due = current_date - (id %% 720)::int + 30
 WHERE move_type = 'out_invoice';
UPDATE account_move_line line SET date = move.date, date_maturity = CASE
       WHEN line.date_maturity IS NOT NULL THEN move.invoice_date_due END
  FROM account_move move WHERE move.id = line.move_id AND move.move_type = 'out_invoice';
"""

#: What the screens ask: a pivot's groups and measures, or the fields of a list.
OPEN = """
import json, time
user = env.ref('base.user_admin')
env = env(user=user.id, context={'allowed_company_ids': env.ref('base.main_company').ids})
PIVOTS = {
    'invoice_analysis': (
        'account.invoice.report',
        [('state', 'not in', ('draft', 'cancel')), ('move_type', 'in', ('out_invoice',))],
        [[], ['invoice_date:month'], ['invoice_date:month', 'product_categ_id']],
        ['price_subtotal:sum'],
    ),
    'due_items': (
        'pay.now.due.report', [], [[], ['partner_id'], ['age'], ['partner_id', 'age']],
        ['amount_residual:sum'],
    ),
    'expected_cash': (
        'pay.now.due.report', [('kind', '=', 'invoice')], [[], ['expected_date:week', 'age']],
        ['amount_residual:sum'],
    ),
    'paid_invoices': (
        'pay.now.paid.report', [('paid_on', '>', 'today -12m')], [[], ['how']],
        ['amount:sum', 'days_to_pay:avg', 'days_late:avg', 'commission:sum', 'days_saved:avg',
         'saved:sum'],
    ),
    'effect_of_reminders': (
        'pay.now.reminder.report', [('date', '>', 'today -12m')],
        [[], ['button'], ['button', 'level_id']],
        ['__count', 'amount:sum', 'paid:sum', 'share_7:avg', 'share_14:avg', 'share_30:avg',
         'days:avg', 'started:sum'],
    ),
    'dso': ('pay.now.dso.report', [], [[], ['date:month', 'company_id']], ['dso:avg']),
    'money': ('pay.now.money.report', [], [[], ['date:day', 'state']], ['amount:sum']),
}
LISTS = {
    'customers_to_chase': (
        'pay.now.chase.report', [('is_waiting', '=', False)],
        'pay_now_chase_report_view_list',
    ),
    'due_items_list': ('pay.now.due.report', [], 'pay_now_due_report_view_list'),
    'paid_invoices_list': ('pay.now.paid.report', [], 'pay_now_paid_report_view_list'),
}


def open_pivot(model, domain, groups, aggregates):
    env[model].formatted_read_grouping_sets(domain, groups, aggregates)


def open_list(model, domain, view):
    arch = env[model].get_view(env.ref(f'account_pay_now.{view}').id, 'list')['arch']
    from lxml import etree
    names = {node.get('name') for node in etree.fromstring(arch).iter('field')}
    links = {
        name: {'fields': {'display_name': {}}} if env[model]._fields[name].relational else {}
        for name in names
    }
    env[model].web_search_read(domain, links, limit=80, count_limit=10001)


def open_invoices(domain):
    names = ('name', 'amount_total', 'pay_now_last_reminder', 'pay_now_promised_for',
             'pay_now_paid_online', 'pay_now_in_progress')
    invoices = [('move_type', '=', 'out_invoice'), *domain]
    env['account.move'].web_search_read(
        invoices, {name: {} for name in names}, limit=80, count_limit=10001
    )


SCREENS = {
    **{name: lambda one=one: open_pivot(*one) for name, one in PIVOTS.items()},
    **{name: lambda one=one: open_list(*one) for name, one in LISTS.items()},
    'invoices_with_columns': lambda: open_invoices([]),
    'invoices_reminded': lambda: open_invoices([('pay_now_last_reminder', '!=', False)]),
    'invoices_paid_online': lambda: open_invoices([('pay_now_paid_online', '=', True)]),
    'invoices_in_progress': lambda: open_invoices([('pay_now_in_progress', '=', True)]),
    'customer_form': lambda: env['res.partner'].browse(%(partner)s).read(
        ['pay_now_overdue_amount', 'pay_now_days_late', 'pay_now_online_share',
         'pay_now_next_date', 'pay_now_last_reminder']
    ),
}
figures = {name: [] for name in SCREENS}
for turn in range(%(rounds)s + 1):
    for name, show in SCREENS.items():
        env.invalidate_all()
        started = time.perf_counter()
        show()
        if turn:
            figures[name].append(time.perf_counter() - started)
print('figures ' + json.dumps(figures))
"""
FIND = """
import json
company = env.ref('base.main_company')
company.pay_now_capital_cost = 8
levels = env['pay.now.reminder.level'].search([('company_id', '=', company.id)])
if not levels:
    company.pay_now_sage_customer_code = 'FR-1'
    company._pay_now_sign_up('bench@example.com', 'accounting')
    levels = env['pay.now.reminder.level'].search([('company_id', '=', company.id)])
env.cr.execute("SELECT max(partner_id) FROM account_move WHERE move_type = 'out_invoice'")
[partner] = env.cr.fetchone()
print('found ' + json.dumps({
    'journal': env['account.journal'].search(
        [('type', '=', 'bank'), ('company_id', '=', company.id)], limit=1
    ).id,
    'level': levels[:1].id,
    'provider': env['payment.provider'].search(
        [('code', '=', 'pay_now_stripe'), ('company_id', '=', company.id)], limit=1
    ).id,
    'method': env.ref('payment.payment_method_card').id,
    'partner': partner,
}))
"""


def main(server, invoices):
    """Print how long each screen takes to open; return 1 when one takes longer than allowed."""
    with databases.temporary(server, databases.base(server)) as name:
        with console.step(f"{invoices} invoices"):
            big_books.fill(server, name, invoices)
        with console.step("installing the module"):
            odoo.run(server, "bench-report", "-d", name, "-i", settings.MODULE, "--stop-after-init")
        found = _answer(odoo.shell(server, name, FIND, "bench-report"), "found ")
        with console.step("payments and reminders"), server.cursor(name) as cursor:
            for script in (SPREAD, PAID, REMINDED):
                cursor.execute(script.replace("%%", "%").format(**found))
            cursor.execute("ANALYZE")
        with console.step("opening the screens"):
            script = OPEN % {"rounds": ROUNDS, "partner": found["partner"]}
            figures = _answer(odoo.shell(server, name, script, "bench-report"), "figures ")
    return _judge(figures, invoices)


def _answer(output, mark):
    line = next(line for line in output.splitlines() if mark in line)
    return json.loads(line.partition(mark)[2])


def _judge(figures, invoices):
    """Compare, and return the exit code."""
    reached = True
    for name, seconds in figures.items():
        usual, worst = statistics.median(seconds), max(seconds)
        ok = usual <= SECONDS_ALLOWED
        reached &= ok or name == "invoice_analysis"
        verdict = "" if name == "invoice_analysis" else " ok" if ok else " MISSED"
        console.say(
            f"figure: {name} = {usual:.2f} s{verdict} ({invoices} invoices; slowest {worst:.2f} s)"
        )
    return 0 if reached else 1
