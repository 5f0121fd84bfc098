# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Installing, updating and removing the module in whole databases, by Odoo's own buttons.

A test of Odoo's own cannot do it: what happens there is not taken back.
"""

import re

import pytest
import requests

from dev import settings
from dev.bench import big_books
from dev.env import databases, odoo, postgres
from dev.tests.installation import (
    BEFORE_CODES,
    CHECKOUT,
    COMPANIES,
    HABITS,
    OWN_RECORDS,
    PAY,
    PLACE_BUTTON,
    READ_CODES,
    REMOVE,
    TAKE_BUTTON,
    Database,
    connect,
)

# What takes money, or lets one do it.
SECRETS = re.compile('key|secret|client|webhook|api_base')
BIG_TABLES = ('account_move', 'account_move_line', 'res_partner', 'payment_transaction')


@pytest.fixture(scope='module')
def server():
    odoo.ensure()
    with postgres.server() as server:
        yield server


@pytest.fixture(scope='module')
def sandbox(sandbox_process):
    for side in (sandbox_process, sandbox_process.paypal):
        side.reset()
        side.webhooks(mode='held')
    return sandbox_process


def differences(before, after):
    """Return what is not as it was: tables, with how many rows, or the rows themselves."""
    found = []
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table), after.get(table)
        if isinstance(old, list):
            found += [(table, row) for row in [*old, *new] if (row in old) != (row in new)]
        elif old != new:
            found.append((table, old, new))
    return found


class TestNeverUsed:
    """A database with books of its own gets the module, connects it, and does without again."""

    @pytest.fixture(scope='class')
    @classmethod
    def database(cls, server):
        with databases.temporary(server, databases.base(server)) as name:
            big_books.fill(server, name, 200, COMPANIES)
            yield Database(server, name)

    @pytest.fixture(scope='class')
    @classmethod
    def before(cls, database):
        # What the manifest says today, in a database that was made when it said something else.
        database.shell("env['ir.module.module'].update_list()", 'env.cr.commit()')
        return {'structure': database.structure(), 'counts': database.counts()}

    @pytest.fixture(scope='class')
    @classmethod
    def installed(cls, database, before):
        """How the big tables were before and after the installation."""

        def look():
            """Where each row stands, and which transaction wrote it last."""
            return {
                table: database.query(f'SELECT id, ctid::text, xmin::text FROM {table} ORDER BY id')
                for table in BIG_TABLES
            }

        rows = look()
        database.run('-i', settings.MODULE)
        return rows, look()

    @pytest.fixture(scope='class')
    @classmethod
    def refusals(cls, database, installed, sandbox):
        """What the button says: while an e-mail template needs the module, and afterwards."""
        return database.shell(
            connect(sandbox),
            OWN_RECORDS,
            PLACE_BUTTON,
            REMOVE,
            'refusals = [remove()]',
            TAKE_BUTTON,
            'refusals.append(remove())',
            result='refusals',
        )

    def test_installing_writes_no_row_that_was_there(self, installed):
        rows, rows_after = installed
        for table in BIG_TABLES:
            written = set(rows_after[table]) - set(rows[table])
            assert rows[table] and not written, f'{table}: {len(written)} rows were written anew'

    def test_a_template_with_the_button_keeps_it(self, refusals):
        assert "Invoice: Sending" in refusals[0], "its mails could not be rendered any more"

    def test_removing_leaves_odoo_as_it_was(self, database, before, refusals):
        assert refusals[1] == ''
        assert database.structure() ^ before['structure'] == set()
        assert differences(before['counts'], database.counts()) == []

    def test_removing_takes_the_webhooks_away(self, refusals, sandbox):
        for side in (sandbox, sandbox.paypal):
            requested = [call['path'] for call in side.requests() if call['method'] == 'DELETE']
            assert len(requested) == 1 and side.account_state()['webhooks'] == []

    def test_pages_and_mails_work_without_it(self, database, refusals):
        port = odoo.free_port()
        invoice, token, body = database.shell(
            "invoice = env['account.move'].search([('move_type', '=', 'out_invoice')], limit=1)",
            "wizard = env['account.move.send.wizard'].with_context(",
            "    active_model='account.move', active_ids=invoice.ids",
            ").create({})",
            result='[invoice.id, invoice._portal_ensure_token(), str(wizard.body)]',
        )
        assert 'pay_now' not in body
        with odoo.serving(database.server, database.name, port):
            url = f'http://127.0.0.1:{port}'
            page = requests.get(f'{url}/my/invoices/{invoice}?access_token={token}', timeout=30)
            assert page.status_code == 200 and 'account_pay_now' not in page.text
            assert requests.post(f'{url}/pay_now/webhook/1', timeout=30).status_code == 404

    def test_it_can_be_installed_again(self, database, refusals, sandbox):
        database.run('-i', settings.MODULE)
        names = database.shell(
            connect(sandbox),
            result="[[one.name, one.company_id.id, one.pay_now_status] for one in"
            " env['payment.provider'].search([('module_id.name', '=', 'account_pay_now')])]",
        )
        companies = {company for _name, company, _status in names}
        assert len(names) == 4 and len(companies) == 2, "both, once in each company"
        assert sorted(status for *_, status in names) == ['connected'] * 2 + ['not_connected'] * 2


class TestUsed:
    """A database in which the module was set up, changed to people's liking, and used."""

    @pytest.fixture(scope='class')
    @classmethod
    def database(cls, server, sandbox):
        with databases.temporary(server, databases.module(server)) as name:
            database = Database(server, name)
            database.shell(COMPANIES, connect(sandbox), CHECKOUT, PAY, CHECKOUT, HABITS)
            yield database

    def test_an_update_keeps_everything(self, database):
        before = database.records()
        assert len(before['pay_now_reminder']) == 2
        assert len(before['pay_now_transaction_item']) == 2
        database.run('-u', settings.MODULE)
        assert differences(before, database.records()) == []

    def test_an_update_keeps_what_was_stored_as_texts(self, database):
        structure = database.structure()
        with database.server.cursor(database.name) as cursor:
            cursor.execute(BEFORE_CODES)
        database.run('-u', settings.MODULE)
        assert database.structure() == structure, "as where the module was installed today"
        assert database.shell(READ_CODES, result='read') == {
            'reminders': ["Paiement bloqué"],
            'runs': ["The mail server is gone"] * 2,
            'transactions': [['draft', False, 'lapsed'], ['done', 'card_declined', False]],
            'discrepancy': ["Noté en français"],
            'provider': ["Clés refusées", "Clés refusées", "A bank account", "Lecture refusée"],
            'items': [[True] * 6] * 2,
            'links': [True],
            'groups': [],
            'new_notices': [0, 0],
        }

    def test_it_is_not_removed_once_payments_were_made(self, database, sandbox):
        structure, counts, records = database.structure(), database.counts(), database.records()
        refusals = database.shell(
            REMOVE, "refusals = [remove(), remove('account_payment')]", result='refusals'
        )
        for refusal in refusals:
            assert "My Company: 1, the last one on" in refusal
            assert "disconnect the providers instead" in refusal
        # Nothing has changed, here and at the provider.
        state = "SELECT state FROM ir_module_module WHERE name = %s"
        assert database.query(state, settings.MODULE) == [('installed',)]
        assert database.structure() == structure
        assert differences(counts, database.counts()) == []
        assert differences(records, database.records()) == []
        assert sandbox.account_state()['webhooks']

    def test_a_neutralized_copy_takes_no_payment_and_reminds_nobody(self, database):
        # Ours alone, though Odoo's own switches scheduled actions off as well.
        with database.server.cursor(database.name) as cursor:
            cursor.execute((settings.CHECKOUT / 'data/neutralize.sql').read_text())
        providers = database.query(
            "SELECT to_jsonb(row) FROM payment_provider row WHERE code LIKE 'pay\\_now\\_%'"
        )
        assert providers
        for (provider,) in providers:
            assert (provider['state'], provider['pay_now_status']) == ('disabled', 'not_connected')
            kept = {name for name in provider if isinstance(provider[name], str)}
            assert not set(filter(SECRETS.search, kept))
        for question in (
            "FROM ir_cron WHERE active AND cron_name LIKE 'Pay Now%'",
            "FROM payment_transaction WHERE pay_now_checkout_url IS NOT NULL",
            "FROM res_company WHERE pay_now_reminder_auto",
            "FROM pay_now_reminder WHERE state IN ('draft', 'queued')",
        ):
            assert database.query(f"SELECT count(*) {question}") == [(0,)], question
