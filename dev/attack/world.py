# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What is attacked: documents, people and secrets of a database, and whether it is as before.

Runs inside Odoo, in its shell or in a test, and knows of the module only what anybody can see.
"""

import hashlib

ROLES = {
    'portal': 'base.group_portal',
    'employee': 'base.group_user',
    'salesman': 'base.group_user,sales_team.group_sale_salesman',
    'bookkeeper': 'base.group_user,account.group_account_invoice',
    'manager': 'base.group_user,account.group_account_manager',
}
#: What changes while nobody does anything, or is counted: no state of the company.
VOLATILE = {
    'base_registry_signaling',
    'bus_bus',
    'ir_cron',
    'ir_logging',
    'mail_presence',
    'pay_now_rate',
    'res_device_log',
    'res_users_log',
}
ASSETS = "url LIKE '/web/assets/%'"


def make(env, company, provider):
    """Make documents of the attacker and of a victim, and users; return what is known of them."""
    env = env(su=True)
    company, provider = company.with_env(env), provider.with_env(env)
    people = {}
    for name in ('attacker', 'victim'):
        partner = env['res.partner'].create({'name': name, 'email': f'{name}@example.com'})
        people[name] = _documents(env, company, provider, partner)
    users = {'public': env.ref('base.public_user').id}
    for role, groups in ROLES.items():
        users[role] = _user(env, company, role, groups, people['attacker']['partner']).id
    env.flush_all()
    return {**people, 'users': users, 'provider': provider.id, 'secrets': secrets(env, people)}


def _documents(env, company, provider, partner):
    """Return a customer's invoice with its page, and a payment that was begun."""
    moves = env['account.move'].create(
        [
            {
                'move_type': 'out_invoice',
                'company_id': company.id,
                'partner_id': partner.id,
                'invoice_date': '2026-01-10',
                'invoice_date_due': '2026-02-10',
                'invoice_payment_term_id': False,
                'invoice_line_ids': [
                    (0, 0, {'name': "Bread", 'quantity': 1, 'price_unit': 50.0, 'tax_ids': []})
                ],
            }
            for _number in range(3)
        ]
    )
    moves.action_post()
    urls = moves._pay_now_urls()
    items = moves.line_ids.filtered(lambda line: line.display_type == 'payment_term')
    tx = env['payment.transaction']._pay_now_create(provider, partner, items[-1:])
    return {
        'partner': partner.id,
        'moves': moves.ids,
        'items': items.ids,
        'pages': [f'/pay_now/{url.partition("/pay_now/")[2]}' for url in urls.values()],
        'tx': tx.id,
        'result': tx._pay_now_path('result'),
    }


def _user(env, company, role, groups, partner_id):
    group_ids = [env.ref(name).id for name in groups.split(',')]
    vals = {
        'name': role,
        'login': f'attack-{role}',
        'password': f'attack-{role}',
        'group_ids': [(6, 0, group_ids)],
        'company_id': company.id,
        'company_ids': [(6, 0, company.ids)],
    }
    if role == 'portal':
        vals['partner_id'] = partner_id
    users = env['res.users'].with_context(no_reset_password=True, mail_create_nolog=True)
    return users.create(vals)


def secrets(env, people):
    """Return what no answer may hold: keys and passwords, and tokens of other documents.

    :return: `{'keys': [...], 'tokens': [...]}`; whoever keeps the books may see the tokens.
    """
    keys = set()
    for name, field in env['payment.provider']._fields.items():
        secret = field.groups == 'base.group_system' and field.type == 'char' and field.store
        if secret and name.startswith('pay_now_'):
            keys.update(env['payment.provider'].sudo().search([]).mapped(name))
    env.cr.execute("SELECT password FROM res_users WHERE password IS NOT NULL")
    keys.update(value for (value,) in env.cr.fetchall())
    keys.add(env['ir.config_parameter'].sudo().get_param('database.secret'))
    tokens = {page.rsplit('/', 1)[1] for page in people['victim']['pages']}
    tokens.add(people['victim']['result'].rsplit('/', 1)[1])
    # A short value stands in any page.
    return {'keys': sorted(k for k in keys if k and len(k) > 12), 'tokens': sorted(tokens)}


def checksums(cursor):
    """Return a checksum of each table."""
    cursor.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name"
    )
    found = {}
    for (table,) in cursor.fetchall():
        if table in VOLATILE:
            continue
        where = f'WHERE ({ASSETS}) IS NOT TRUE' if table == 'ir_attachment' else ''
        cursor.execute(
            f'SELECT md5(row::text) FROM "{table}" AS row {where} ORDER BY 1'  # noqa: S608
        )
        digest = hashlib.sha256(repr(cursor.fetchall()).encode())
        found[table] = digest.hexdigest()
    return found


def changed(before, after):
    """Return the tables that are not as they were."""
    return sorted(table for table in before | after if before.get(table) != after.get(table))
