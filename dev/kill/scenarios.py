# Part of Pay Now. See LICENSE file for full copyright and licensing details.
# Run in Odoo's shell by money.py and soak.py, which set WHAT and what it needs. Nothing here is
# part of the module.
# ruff: noqa: F821
import json
import random
import sys
from datetime import date, datetime, timedelta

from odoo.fields import Command

#: Invoices that are made at once.
BATCH = 200
PDF = b'%PDF-1.4\n%%EOF\n'


def set_up():
    """A company that takes both providers, its customers, and a reminder run that is to be sent."""
    company = env.company
    parameters = env['ir.config_parameter']
    parameters.set_param('web.base.url', URL)
    # Who finds a server dead begins again, more often than a payer of flesh and blood.
    parameters.set_param('account_pay_now.checkout_rate', '0')
    company.write({'pay_now_sage_customer_code': 'FR-123', 'email': 'billing@example.com'})
    company._pay_now_sign_up('admin@example.com', 'accounting')
    company.pay_now_receipts = True
    env['ir.mail_server'].create(
        {
            'name': "Sink",
            'smtp_host': '127.0.0.1',
            'smtp_port': MAIL_PORT,
            'smtp_encryption': 'none',
        }
    )
    calm_down()
    providers = {code: connect(company, code, *keys) for code, keys in KEYS.items()}
    invoices = make_invoices(company, SIZE, SEED)
    run = env['pay.now.reminder.run'].create({'state': 'generating'})
    assert run._generate_in_background()
    urls = invoices._pay_now_urls()
    return {
        'providers': providers,
        'run': run.id,
        'due': len(run.reminder_ids.filtered(lambda one: one.state == 'draft')),
        'invoices': [
            {'id': move.id, 'url': urls[move], 'amount': move.amount_total} for move in invoices
        ],
    }


def calm_down():
    """Let nothing run but what is about payments and mails, each when it is due."""
    crons = env['ir.cron'].search([])
    ours = crons.filtered(lambda cron: cron.cron_name.startswith('Pay Now'))
    mails = env.ref('mail.ir_cron_mail_scheduler_action')
    (crons - ours - mails - env.ref('payment.cron_post_process_payment_tx')).active = False
    env['ir.cron.trigger'].search([]).unlink()
    for cron in ours | mails:
        units = {cron.interval_type: cron.interval_number}
        cron.nextcall = datetime.now() + timedelta(**units)


def connect(company, code, base, key, secret):
    """Connect a provider to the sandbox; return its ids."""
    provider = company.pay_now_provider_ids.filtered(lambda one: one.code == code)
    provider.sudo().write({'pay_now_api_base': base})
    provider._pay_now_connect(key, secret)
    assert provider.pay_now_commission_account_id and provider.pay_now_disputed_account_id
    return {'id': provider.id, 'clearing': provider.pay_now_clearing_account_id.id}


def make_invoices(company, size, seed):
    """Make so many invoices; some customers have two."""
    rng = random.Random(seed)
    partners = env['res.partner'].create(
        [
            {'name': f"Customer {number}", 'email': f'customer{number}-{seed}@example.com'}
            for number in range(max(size * 3 // 4, 1))
        ]
    )
    due = date.today() - timedelta(days=10)
    line = {'name': "Bread", 'quantity': 1, 'tax_ids': []}
    invoices = env['account.move'].create(
        [
            {
                'move_type': 'out_invoice',
                'partner_id': partners[number % len(partners)].id,
                'invoice_date': due,
                'invoice_date_due': due,
                'invoice_payment_term_id': False,
                'invoice_line_ids': [
                    Command.create({**line, 'price_unit': rng.randrange(1000, 50000) / 100})
                ],
            }
            for number in range(size)
        ]
    )
    invoices.action_post()
    # Printed already: what is measured here is no printer.
    env['ir.attachment'].create(
        [
            {
                'name': f'{move.id}.pdf',
                'res_model': move._name,
                'res_id': move.id,
                'res_field': 'invoice_pdf_report_file',
                'mimetype': 'application/pdf',
                'raw': PDF,
            }
            for move in invoices
        ]
    )
    invoices.invalidate_recordset()
    return invoices


def open_checkouts():
    """Open so many checkouts more at Stripe, each of an invoice of its own; return their ids."""
    provider = env['payment.provider'].browse(IDS[0])
    Transaction = env['payment.transaction'].sudo()
    found = []
    for start in range(0, SIZE, BATCH):
        for move in make_invoices(env.company, min(BATCH, SIZE - start), SEED + start):
            lines = move.line_ids.filtered(lambda line: line.display_type == 'payment_term')
            tx = Transaction._pay_now_create(provider, move.partner_id, lines)
            tx._pay_now_open()
            found.append([move.id, tx.provider_reference])
        env.cr.commit()
    return found


def close():
    """What the module says itself, once all is quiet."""
    rows = env['pay.now.to.handle'].search([])
    providers = env['payment.provider'].browse(IDS)
    run = env['pay.now.reminder.run'].create({'state': 'generating'})
    assert run._generate_in_background()
    return {
        'handle': [[row.kind, row.name] for row in rows],
        'equations': [provider._pay_now_clearing_equation() for provider in providers],
        'reminded': run.reminder_ids.filtered(lambda one: one.state == 'draft').item_ids.ids,
        'switched_off': env['ir.cron']
        .with_context(active_test=False)
        .search([('active', '=', False), ('cron_name', '=like', 'Pay Now%')])
        .mapped('cron_name'),
    }


print("measured", json.dumps(globals()[WHAT]()))
sys.stdout.flush()
