# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the tests of installing, updating and removing share: whole databases, and looks at them."""

import json

from dev.env import odoo

COMPANIES = """
company = env.ref('base.main_company')
company.write({'country_id': env.ref('base.fr').id, 'currency_id': env.ref('base.EUR').id})
if not company.chart_template:
    env['account.chart.template'].try_loading('fr', company, install_demo=False)
env['res.company'].create({'name': "Other company", 'currency_id': env.ref('base.USD').id})
env['ir.config_parameter'].set_param('web.base.url', 'https://erp.example.com')
"""

CONNECT = """
from odoo.fields import Command

company = env.ref('base.main_company')
company.pay_now_sage_customer_code = 'FR-123'
company._pay_now_sign_up('admin@example.com', 'accounting')
for code, address, keys in {sides}:
    provider = company.pay_now_provider_ids.filtered(lambda one: one.code == code)
    provider.write({{'state': 'disabled', 'pay_now_api_base': address}})
    provider._pay_now_connect(*keys)
provider = company.pay_now_provider_ids.filtered(lambda one: one.code == 'pay_now_stripe')
"""

CHECKOUT = """
import requests

partner = env['res.partner'].create({'name': "Boulanger", 'email': 'client@example.com'})
line = Command.create({'name': "Bread", 'quantity': 1, 'price_unit': 120, 'tax_ids': []})
invoice = env['account.move'].create({
    'move_type': 'out_invoice',
    'partner_id': partner.id,
    'invoice_date': '2026-01-15',
    'invoice_date_due': '2026-01-15',
    'invoice_payment_term_id': False,
    'invoice_line_ids': [line],
})
invoice.action_post()
tx = env['payment.transaction']._pay_now_create(
    provider, partner, invoice._pay_now_open_lines(), page_url=invoice._pay_now_path()
)
page = tx._pay_now_open()
"""

PAY = """
requests.post(page.partition('#')[0], data={'method': 'card'}, allow_redirects=False)
tx._synchronize()
assert invoice.payment_state == 'paid', tx.state
"""

# What people change: -u must not take any of it back.
HABITS = """
env['ir.mail_server'].create({'name': "Ours", 'smtp_host': 'mail.example.com'})
company.write({
    'pay_now_reminder_sales': True,
    'pay_now_any_method_accounting': True,
    'pay_now_reminder_auto': True,
    'pay_now_test_email': 'trial@example.com',
})
provider.write({'name': "Card", 'maximum_amount': 5000, 'sequence': 3})
provider.journal_id.name = "Card payments"
Level = env['pay.now.reminder.level']
levels = Level.search([('company_id', '=', company.id)])
levels[0].write({'name': "First call", 'delay_days': 8, 'gap_days': 21})
levels[0].copy({'active': False})
Level.search([('company_id', '!=', company.id)]).unlink()
template = env.ref('account_pay_now.mail_template_reminder')
for lang, words in (('en_US', "Dear friend"), ('fr_FR', "Mon cher ami")):
    template.with_context(lang=lang).write({
        'subject': words, 'body_html': f"<p>{words}</p><t t-out='object.items_html'/>"
    })
env.ref('account_pay_now.ir_cron_reminders_generate').active = False
env.ref('account_pay_now.ir_cron_sweep').interval_number = 7
env.ref('account_pay_now.pay_now_event_rule').active = False
env['ir.default'].set('res.partner', 'pay_now_reminder_mode', 'never')
partner.pay_now_reminder_mode = 'auto'
invoice._pay_now_url()
run = env['pay.now.reminder.run'].create({'company_id': company.id})
run._generate().write({'state': 'sent', 'sent_at': '2026-02-01 10:00:00'})
run.create({'company_id': company.id})._generate().write({'state': 'queued'})
"""

# What people make beside the module's own records.
OWN_RECORDS = """
for name in ('ir_cron_events_1', 'ir_cron_sweep'):
    env.ref(f'account_pay_now.{name}').copy()
env['ir.filters'].create({
    'name': "Mine", 'model_id': 'pay.now.reminder', 'user_ids': [Command.set(env.user.ids)]
})
env['ir.ui.view'].create({
    'name': "Our list", 'model': 'pay.now.reminder', 'arch': '<list><field name="state"/></list>'
})
env['mail.template'].create({
    'name': "Our reminder", 'model_id': env['ir.model']._get_id('pay.now.reminder')
})
env['res.partner'].search([], limit=1).pay_now_reminder_mode = 'never'
"""

# What was stored before reasons were codes: texts, in the language of whoever was at work.
BEFORE_CODES = """
ALTER TABLE pay_now_reminder ADD COLUMN reason varchar, DROP COLUMN reason_codes;
ALTER TABLE pay_now_reminder_run ADD COLUMN problem varchar, DROP COLUMN problem_codes;
ALTER TABLE pay_now_discrepancy DROP COLUMN code, DROP COLUMN details;
ALTER TABLE payment_transaction DROP COLUMN pay_now_refusal;
ALTER TABLE payment_provider
    DROP COLUMN pay_now_problem_values,
    DROP COLUMN pay_now_missing_values,
    DROP COLUMN pay_now_payout_problem_values;
UPDATE pay_now_reminder SET reason = 'Paiement bloqué' WHERE state = 'sent';
UPDATE pay_now_reminder_run SET problem = 'The mail server is gone';
UPDATE payment_transaction
   SET pay_now_failure_code = CASE state WHEN 'done' THEN 'card_declined' ELSE 'lapsed' END;
UPDATE payment_provider
   SET pay_now_problem = 'Clés refusées', pay_now_missing = 'A bank account',
       pay_now_payout_problem = 'Lecture refusée', pay_now_known_health = 'problem'
 WHERE code = 'pay_now_stripe' AND pay_now_status = 'connected';
INSERT INTO pay_now_discrepancy (name, kind, state, transaction_id, company_id)
SELECT 'Noté en français', 'surplus', 'open', id, company_id FROM payment_transaction
 WHERE state = 'done';
INSERT INTO ir_filters (name, model_id, domain, context, sort, active)
VALUES ('Ours', 'pay.now.reminder', '[]', '{''group_by'': [''reason'']}', '["reason"]', TRUE);
ALTER TABLE pay_now_transaction_item
    DROP COLUMN move_id, DROP COLUMN customer_id, DROP COLUMN move_name, DROP COLUMN instalment,
    DROP COLUMN instalments, DROP COLUMN due_date, DROP COLUMN line_amount,
    ALTER COLUMN line_id SET NOT NULL,
    DROP CONSTRAINT pay_now_transaction_item_line_id_fkey,
    ADD CONSTRAINT pay_now_transaction_item_line_id_fkey
        FOREIGN KEY (line_id) REFERENCES account_move_line (id) ON DELETE CASCADE;
DROP INDEX pay_now_transaction_item_line_once;
CREATE UNIQUE INDEX pay_now_transaction_item_line_once
    ON pay_now_transaction_item (transaction_id, line_id);
COMMENT ON INDEX pay_now_transaction_item_line_once IS '(transaction_id, line_id)';
ALTER TABLE account_move
    DROP COLUMN pay_now_token_partner_id, DROP COLUMN pay_now_token_company_id;
UPDATE account_move SET pay_now_token = 'mailed', pay_now_token_expiry = CURRENT_DATE + 10
 WHERE move_type = 'out_invoice';
UPDATE ir_module_module SET latest_version = '19.0.1.5.0' WHERE name = 'account_pay_now';
"""
# What of it people read.
READ_CODES = """
from ast import literal_eval

provider = env['payment.provider'].search([('pay_now_known_health', '=', 'problem')])
mine = env['ir.filters'].search([('name', '=', "Ours")])
transactions = env['payment.transaction'].search([], order='state desc')
notices = [env[model].search_count([]) for model in ('mail.mail', 'mail.activity')]
provider._pay_now_follow_health()
read = {
    'reminders': env['pay.now.reminder'].search([('reason', '!=', False)]).mapped('reason'),
    'runs': env['pay.now.reminder.run'].search([]).mapped('problem'),
    'transactions': [
        [tx.state, tx.pay_now_failure_code, tx.pay_now_refusal] for tx in transactions
    ],
    'discrepancy': env['pay.now.discrepancy'].search([]).mapped('message'),
    'provider': [
        provider.pay_now_health_text,
        provider.pay_now_problem_text,
        provider.pay_now_missing_text,
        provider.pay_now_payout_problem_text,
    ],
    'items': [
        [
            item.move_id == item.line_id.move_id,
            item.move_name == item.move_id.name,
            item.customer_id == item.move_id.commercial_partner_id,
            item.label == item.line_id._pay_now_due_label(),
            item.due_date == item.line_id.date_maturity,
            item.line_amount == item.line_id.amount_currency,
        ]
        for item in env['pay.now.transaction.item'].search([])
    ],
    'links': list({
        move._pay_now_check_token('mailed')
        for move in env['account.move'].search([('pay_now_token', '=', 'mailed')])
    }),
    'groups': literal_eval(mine.context)['group_by'],
    'new_notices': [
        env[model].search_count([]) - count
        for model, count in zip(('mail.mail', 'mail.activity'), notices)
    ],
}
"""

# Somebody places the button by hand, in one language; and takes it out again.
PLACE_BUTTON = """
template = env.ref('account.email_template_edi_invoice')
body = template.with_context(lang='fr_FR').body_html
template.with_context(lang='fr_FR').body_html = body + '<a t-att-href="object.pay_now_url"/>'
"""
TAKE_BUTTON = """
template = env.ref('account.email_template_edi_invoice')
template.with_context(lang='fr_FR').body_html = body
"""

# Odoo's own button; what it answers.
REMOVE = """
from odoo.exceptions import UserError

def remove(name='account_pay_now'):
    env.cr.commit()
    try:
        env['ir.module.module'].search([('name', '=', name)]).button_immediate_uninstall()
        return ''
    except UserError as error:
        env.cr.rollback()
        return str(error)

"""

# Where the module's records are, and those of Odoo's that people change for it.
KEPT = (
    r"pay\_now\_%",
    "account_account",
    "account_journal",
    "account_move",
    "account_move_line",
    "account_payment%",
    "ir_cron",
    "ir_default",
    "ir_rule",
    "mail_template",
    "payment_%",
    "res_company",
    "res_partner",
)
# What changes by itself, or tells of the run of Odoo and not of the module.
NOT_COMPARED = (
    "bus_bus",
    "ir_attachment",
    "ir_cron_progress",
    "ir_cron_trigger",
    "ir_logging",
    "orm_signaling_%",
    "res_users_log",
)


def connect(sandbox):
    """Return the script that connects both providers."""
    sides = [
        ('pay_now_stripe', sandbox.api_base, [sandbox.key]),
        (
            'pay_now_paypal',
            sandbox.paypal.api_base,
            [sandbox.paypal.client_id, sandbox.paypal.secret],
        ),
    ]
    return CONNECT.format(sides=sides)


class Database:
    """A throw-away database."""

    def __init__(self, server, name):
        self.server, self.name = server, name

    def shell(self, *scripts, result="None"):
        """Run scripts in Odoo's shell; return the value of an expression after them."""
        script = "\n".join([*scripts, "import json", f"print('RESULT', json.dumps({result}))"])
        output = odoo.shell(self.server, self.name, script)
        found = [line for line in output.splitlines() if line.startswith("RESULT ")]
        return json.loads(found[-1].removeprefix("RESULT "))

    def run(self, *arguments):
        """Run Odoo to its end; return what it logged."""
        arguments = ["-d", self.name, *arguments, "--stop-after-init", "--max-cron-threads=0"]
        return odoo.run(self.server, "installation", *arguments).read_text()

    def query(self, query, *values):
        """Return the rows that a query gives."""
        with self.server.cursor(self.name) as cursor:
            cursor.execute(query, values or None)
            return cursor.fetchall()

    def _tables(self, patterns, condition):
        """Return the names of the tables that are, or are not, like one of the patterns."""
        rows = self.query(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema"
            f" AND {condition} ORDER BY 1",
            list(patterns),
        )
        return [name for (name,) in rows]

    def records(self):
        """Return what the module keeps, and where people change it; without times of writing."""
        row = "to_jsonb(row) - 'write_date' - 'write_uid'"
        return {
            name: self.query(f'SELECT {row} FROM "{name}" row ORDER BY 1')
            for name in self._tables(KEPT, "tablename LIKE ANY (%s)")
        }

    def structure(self):
        """Return every column, constraint and index."""
        return {
            *self.query(
                "SELECT table_name, column_name, data_type, is_nullable, column_default"
                " FROM information_schema.columns WHERE table_schema = current_schema"
            ),
            *self.query(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                " FROM pg_constraint WHERE connamespace = current_schema::regnamespace"
            ),
            *self.query(
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema"
            ),
        }

    def counts(self):
        """Return how many rows each table has."""
        compared = self._tables(NOT_COMPARED, "NOT tablename LIKE ANY (%s)")
        return {name: self.query(f'SELECT count(*) FROM "{name}"')[0][0] for name in compared}
