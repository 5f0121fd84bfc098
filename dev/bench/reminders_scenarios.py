# Part of Pay Now. See LICENSE file for full copyright and licensing details.
# Run in Odoo's shell by reminders.py, which sets WAY. Nothing here is part of the module.
# ruff: noqa: F821
import json
import resource
import time
from datetime import date

from lxml import html

from odoo.tools import split_every
from odoo.tools.misc import format_date, formatLang

DUE = [
    ('display_type', '=', 'payment_term'),
    ('parent_state', '=', 'posted'),
    ('move_type', '=', 'out_invoice'),
    ('reconciled', '=', False),
    ('date_maturity', '<', date.today()),
]
BODY = """
<t t-foreach="rows" t-as="row"><t t-out="mark"/>
<p>Dear <t t-out="row['name']"/>,</p><p>We have not received your payment yet.</p>
<table><tr t-foreach="row['lines']" t-as="line"><td t-out="line[0]"/><td t-out="line[1]"/>
<td t-out="line[2]"/></tr><tr><td>Amount due</td><td t-out="row['total']"/></tr></table>
<p>Kind regards,<br/><t t-out="company.name"/></p></t>
"""


def floor_row(partner, lines):
    """Return what the mail of the floor says to a customer of these items."""
    currency = env.company.currency_id
    return {
        'name': partner.name,
        'lines': [
            (
                line.move_name,
                format_date(env, line.date_maturity),
                formatLang(env, line.amount_residual, currency_obj=currency),
            )
            for line in lines
        ],
        'total': formatLang(env, sum(lines.mapped('amount_residual')), currency_obj=currency),
    }


def floor():
    """The least: one reading, one rendering, one creation and one note for each batch."""
    company = env.company
    groups = env['account.move.line']._read_group(DUE, ['partner_id'], ['id:recordset'])
    for batch in split_every(500, groups):
        lines = env['account.move.line'].union(*(lines for _partner, lines in batch))
        lines.fetch(['move_name', 'date_maturity', 'amount_residual'])
        rows = [floor_row(partner, lines) for partner, lines in batch]
        template = html.fragment_fromstring(BODY)
        values = {'rows': rows, 'mark': '\x01', 'company': company}
        bodies = env['ir.qweb']._render(template, values).split('\x01')[1:]
        env['mail.mail'].create(
            [
                {
                    'subject': f"{company.name} – Reminder",
                    'body_html': body,
                    'email_from': company.email_formatted,
                    'email_to': partner.email_formatted,
                    'reply_to': company.email_formatted,
                    'model': 'res.partner',
                    'res_id': partner.id,
                }
                for (partner, _lines), body in zip(batch, bodies, strict=True)
            ]
        )
        partners = env['res.partner'].browse([partner.id for partner, _lines in batch])
        partners._message_log_batch(dict.fromkeys(partners.ids, "Reminder sent"))
        env.cr.commit()
    return len(groups)


def rival():
    """OCA's flow as its buttons do it, without the PDF and the mail server."""
    odoo_env = env(context={**env.context, 'mail_notify_force_send': False})
    odoo_env.ref(
        'account_credit_control.email_template_credit_control_base'
    ).report_template_ids = False
    policy = odoo_env.ref('account_credit_control.credit_control_3_time')
    policy.account_ids = odoo_env['account.account'].search(
        [('account_type', '=', 'asset_receivable')]
    )
    odoo_env.company.credit_policy_id = policy
    run = odoo_env['credit.control.run'].create({'date': date.today(), 'policy_ids': policy.ids})
    run.generate_credit_lines()
    run.set_to_ready_lines()
    run.run_channel_action()
    env.cr.commit()
    return len(run.line_ids.communication_id)


def ours():
    """A run as the daily action makes it, all but the conversation with the mail server."""
    Reminder = env['pay.now.reminder']
    run = env['pay.now.reminder.run'].create({'state': 'generating'})
    assert run._generate_in_background()
    run.reminder_ids.filtered(lambda reminder: reminder.state == 'draft')._queue()
    env.cr.commit()
    count = 0
    while batch := Reminder._next_batch(200, env['pay.now.reminder.run']):
        ready = batch._prepare_safely()
        env.cr.commit()
        count += len(ready)
        ready.write({'state': 'sent', 'sent_at': '2026-11-01 10:00:00'})
        Reminder._note_sent()
        env.cr.commit()
    return count


env.cr.commit()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
queries, started = env.cr.sql_log_count, time.perf_counter()
count = {'floor': floor, 'rival': rival, 'ours': ours}[WAY]()
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert count, "nobody is due"
figures = {
    'ms': seconds * 1000 / count,
    'queries': (env.cr.sql_log_count - queries) / count,
    'kb': (peak - memory) / count,
    'peak': peak / 1024,
    'count': count,
}
print("measured", json.dumps(figures))
