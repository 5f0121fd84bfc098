# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Opens the reports on a company with many invoices, beside Odoo's own *Invoice analysis*.

Each as the screen does: the figures of its first pivot or graph, or the first page of its list.
"""

import json
import statistics

from .. import settings
from ..env import console, databases, odoo
from . import big_books, collected_books

#: How long a person waits, and how often each is opened.
SECONDS_ALLOWED, ROUNDS = 1.0, 5

#: What the screens ask: a pivot's groups and measures, or the fields of a list.
OPEN = """
import json, time
from lxml import etree
user = env.ref('base.user_admin')
# Sees the invoices of orders that are of nobody else.
seller = env['res.users'].create({
    'name': "Seller", 'login': 'seller',
    'group_ids': [(6, 0, env.ref('sales_team.group_sale_salesman').ids)],
})
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
    'due_by_level': (
        'pay.now.due.report', [], [[], ['application', 'level_id']], ['amount_residual:sum'],
    ),
    'paid_by_month': (
        'pay.now.paid.report', [('paid_on', '>', 'today -12m')], [['paid_on:month', 'how']],
        ['days_to_pay:avg'],
    ),
}
LISTS = {
    'customers_to_chase': ('pay.now.chase.report', [('is_waiting', '=', False)]),
    'customers_never_reminded': ('pay.now.chase.report', [('last_reminder', '=', False)]),
    'due_items_list': ('pay.now.due.report', []),
    'paid_invoices_list': ('pay.now.paid.report', []),
    'paid_online_list': ('pay.now.paid.report', [('how', '!=', 'other')]),
    'reminders_list': ('pay.now.reminder.report', []),
    'money': ('pay.now.money.report', []),
    'to_handle': ('pay.now.to.handle', []),
    'runs': ('pay.now.reminder.run', []),
}


def open_pivot(model, domain, groups, aggregates, user=user):
    env[model].with_user(user).formatted_read_grouping_sets(domain, groups, aggregates)


def columns(model, kind='list', view=None):
    arch = env[model].get_view(view, kind)['arch']
    names = {node.get('name') for node in etree.fromstring(arch).iter('field')}
    return {
        name: {'fields': {'display_name': {}}} if env[model]._fields[name].relational else {}
        for name in names
    }


def open_list(model, domain, found={}):
    # Which columns there are is known to the browser.
    if model not in found:
        found[model] = columns(model)
    env[model].web_search_read(domain, found[model], limit=80, count_limit=10001)


def open_run():
    run = env['pay.now.reminder.run'].search([], limit=1)
    run.web_read(columns('pay.now.reminder.run', 'form'))
    env['pay.now.reminder'].web_search_read(
        [('run_id', '=', run.id)], columns('pay.now.reminder'), limit=40, count_limit=10001
    )


def open_dashboard():
    env['account.journal'].web_search_read(
        [], {'name': {}, 'kanban_dashboard': {}, 'kanban_dashboard_graph': {}}, limit=80
    )


def open_invoices(domain):
    names = ('name', 'amount_total', 'pay_now_last_reminder', 'pay_now_promised_for',
             'pay_now_paid_online', 'pay_now_in_progress', 'pay_now_plan_state')
    invoices = [('move_type', '=', 'out_invoice'), *domain]
    env['account.move'].web_search_read(
        invoices, {name: {} for name in names}, limit=80, count_limit=10001
    )


SCREENS = {
    **{name: lambda one=one: open_pivot(*one) for name, one in PIVOTS.items()},
    **{
        f'{name}_of_a_salesperson': lambda one=PIVOTS[name]: open_pivot(*one, user=seller)
        for name in ('due_items', 'paid_invoices')
    },
    **{name: lambda one=one: open_list(*one) for name, one in LISTS.items()},
    'invoices_with_columns': lambda: open_invoices([]),
    'invoices_reminded': lambda: open_invoices([('pay_now_last_reminder', '!=', False)]),
    'invoices_paid_online': lambda: open_invoices([('pay_now_paid_online', '=', True)]),
    'invoices_in_progress': lambda: open_invoices([('pay_now_in_progress', '=', True)]),
    'run_form': open_run,
    'dashboard': open_dashboard,
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
order = env['sale.order'].create({
    'partner_id': partner,
    'order_line': [(0, 0, {'display_type': False, 'name': "All", 'product_uom_qty': 1,
                           'product_id': env['product.product'].create({'name': "All"}).id})],
})
print('found ' + json.dumps({
    'journal': env['account.journal'].search(
        [('type', '=', 'bank'), ('company_id', '=', company.id)], limit=1
    ).id,
    'level': levels[:1].id,
    'company': company.id,
    'currency': company.currency_id.id,
    'user': env.ref('base.user_admin').id,
    'order_line': order.order_line.id,
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
            collected_books.collect(cursor, found)
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
