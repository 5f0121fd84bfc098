# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Fills a database with many posted invoices: a few real ones, and copies of their rows."""

from psycopg2 import sql

from ..env import odoo

# One partner has so many invoices, and one invoice in so many was paid online before.
INVOICES_PER_PARTNER = 5
INVOICES_PER_TRANSACTION = 20

# The originals: with and without tax, one and several lines, one instalment and two.
ORIGINALS = """
from odoo.fields import Command

company = env.ref('base.main_company')
company.write({'country_id': env.ref('base.fr').id, 'currency_id': env.ref('base.EUR').id})
env['account.chart.template'].try_loading('fr', company, install_demo=False)
tax = company.account_sale_tax_id
term = env['account.payment.term'].create({
    'name': "30 % now, the rest later",
    'line_ids': [
        Command.create({'value': 'percent', 'value_amount': 30, 'nb_days': 0}),
        Command.create({'value': 'percent', 'value_amount': 70, 'nb_days': 30}),
    ],
})
partner = env['res.partner'].create({'name': "Boulanger", 'email': 'client@example.com'})
invoices = env['account.move'].create([
    {
        'move_type': 'out_invoice',
        'partner_id': partner.id,
        'invoice_date': '2025-01-15',
        'invoice_payment_term_id': term.id if count % 2 else False,
        'invoice_line_ids': [
            Command.create({
                'name': f"Bread {number}",
                'quantity': number + 1,
                'price_unit': 10.0 * count,
                'tax_ids': [Command.set(tax.ids if number % 2 else [])],
            })
            for number in range(count)
        ],
    }
    for count in (1, 2, 3, 4)
])
invoices.action_post()
provider = env['payment.provider'].search([], limit=1)
env['payment.transaction'].create({
    'provider_id': provider.id,
    'payment_method_id': env.ref('payment.payment_method_card').id,
    'reference': 'original',
    'amount': invoices[0].amount_total,
    'currency_id': company.currency_id.id,
    'partner_id': partner.id,
    'state': 'cancel',
    'invoice_ids': [Command.set(invoices[:1].ids)],
})
"""

CHECKS = {
    "entries are not balanced": """
        SELECT 1 FROM account_move_line GROUP BY move_id HAVING sum(balance) <> 0 LIMIT 1
    """,
    "what is left to pay is not on the lines": """
        SELECT 1 FROM account_move move JOIN account_move_line line ON line.move_id = move.id
         WHERE line.display_type = 'payment_term'
         GROUP BY move.id HAVING sum(line.amount_residual) <> move.amount_residual LIMIT 1
    """,
    "a name is there twice": """
        SELECT 1 FROM account_move GROUP BY journal_id, name HAVING count(*) > 1 LIMIT 1
    """,
}


def fill(server, database, invoices, script=""):
    """Give a database of Odoo's own modules a French company with many posted invoices.

    :param postgres.Server server: the server.
    :param str database: the database, changed in place.
    :param int invoices: how many posted invoices there are afterwards.
    :param str script: what else to run in Odoo's shell.
    """
    odoo.shell(server, database, ORIGINALS + script)
    with server.cursor(database) as cursor:
        originals = _count(cursor, "account_move", "move_type = 'out_invoice'")
        copies = invoices // originals - 1
        if copies > 0:
            _copy_rows(cursor, copies)
        cursor.execute("ANALYZE")
        problems = []
        for problem, query in CHECKS.items():
            cursor.execute(query)
            problems += [problem] if cursor.fetchone() else []
        assert not problems, problems


def copy_customers(cursor, copies):
    """Copy the customer of the originals, with all the invoices, so many times.

    :param cursor: on a database with a few invoices of one customer.
    :param int copies: how many such customers there are besides.
    """
    _copy_rows(cursor, copies, per_partner=1, transactions=False)
    cursor.execute(
        "UPDATE res_partner SET email = 'client' || id || '@example.com',"
        " email_normalized = 'client' || id || '@example.com' WHERE id IN"
        " (SELECT partner_id FROM account_move)"
    )


def _count(cursor, table, condition="true"):
    cursor.execute(f"SELECT count(*) FROM {table} WHERE {condition}")
    return cursor.fetchone()[0]


def _copy_rows(cursor, copies, per_partner=INVOICES_PER_PARTNER, transactions=True):
    """Copy every original so many times: customers, invoices with their lines, transactions."""
    is_customer = "source.id IN (SELECT partner_id FROM account_move)"
    is_invoice = "source.move_type = 'out_invoice'"
    is_line = f"source.move_id IN (SELECT source.id FROM account_move source WHERE {is_invoice})"
    partner = _Ids(cursor, "res_partner", is_customer, copies // per_partner + 1)
    move = _Ids(cursor, "account_move", is_invoice, copies)
    line = _Ids(cursor, "account_move_line", is_line, copies)
    # The number of the copy of the customer: one has several copies of each invoice.
    customer = f"1 + copy.number / {per_partner}" if per_partner > 1 else "copy.number"
    partner.copy({"commercial_partner_id": partner.of("source.id"), "complete_name": "source.name"})
    move.copy(
        {
            "name": "regexp_replace(source.name, '[0-9]+$', '')"
            f" || lpad((source.sequence_number + copy.number * {move.span})::text, 6, '0')",
            "sequence_number": f"source.sequence_number + copy.number * {move.span}",
            "payment_reference": "source.payment_reference || '-' || copy.number",
            "access_token": "NULL",
            **{
                name: partner.of(f"source.{name}", customer)
                for name in ("partner_id", "commercial_partner_id", "partner_shipping_id")
            },
        }
    )
    line.copy(
        {
            "move_id": move.of("source.move_id"),
            "move_name": f"(SELECT name FROM account_move WHERE id = {move.of('source.move_id')})",
            "partner_id": partner.of("source.partner_id", customer),
        }
    )
    line.copy_relation("account_move_line_account_tax_rel", "account_move_line_id")
    if transactions:
        _copy_transactions(cursor, copies, move)


def _copy_transactions(cursor, copies, move):
    """Copy the transactions of the copied invoices."""
    number = copies * 4 // INVOICES_PER_TRANSACTION
    transaction = _Ids(cursor, "payment_transaction", "true", number)
    transaction.copy({"reference": "source.reference || '-' || copy.number"})
    relation = "account_invoice_transaction_rel"
    transaction.copy_relation(relation, "transaction_id", {"invoice_id": move.of("invoice_id")})


class _Ids:
    """The rows of a table that are copied, and which id each copy gets."""

    def __init__(self, cursor, table, condition, copies):
        self.cursor, self.table, self.condition, self.copies = cursor, table, condition, copies
        cursor.execute(f"SELECT min(id), max(id) FROM {table} source WHERE {condition}")
        self.first, last = cursor.fetchone()
        self.span = last - self.first + 1
        cursor.execute(f"SELECT max(id) FROM {table}")
        self.offset = cursor.fetchone()[0] + 1 - self.first - self.span

    def of(self, value, number="copy.number"):
        """Return the SQL of the id that the copy of this number gets."""
        return f"({value} + {self.offset} + {self.span} * ({number}))"

    def copy(self, changes):
        """Insert the copies, with other values in some columns."""
        changes = {"id": self.of("source.id"), **changes}
        self._insert(self.table, f"source WHERE {self.condition}", changes)
        self.cursor.execute(
            f"SELECT setval('{self.table}_id_seq', (SELECT max(id) FROM {self.table}))"
        )

    def copy_relation(self, relation, column, changes=None):
        """Insert the copies of what a many2many relation says of the rows."""
        condition = f"source JOIN {self.table} row ON row.id = source.{column}"
        changes = {column: self.of(f"source.{column}"), **(changes or {})}
        # Only of the originals: the copies are rows of the same table.
        condition += f" WHERE row.id BETWEEN {self.first} AND {self.first + self.span - 1}"
        self._insert(relation, condition, changes)

    def _insert(self, table, source, changes):
        self.cursor.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema AND table_name = %s AND is_generated = 'NEVER'",
            [table],
        )
        columns = [name for (name,) in self.cursor.fetchall()]
        values = [changes.get(name, f'source."{name}"') for name in columns]
        self.cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series(1, %s) copy (number), {}")
            .format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ".join(values)),
                sql.SQL(f"{table} {source}"),
            )
            .as_string(self.cursor),
            [self.copies],
        )
