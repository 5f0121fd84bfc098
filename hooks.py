# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.addons.account_pay_now import const
from odoo.addons.payment import setup_provider


def post_init_hook(env):
    """Create the payment methods of our providers, the ready reminder levels, and the demo data."""
    for code in const.PROVIDER_CODES:
        setup_provider(env, code)
    env['res.company'].search([])._pay_now_create_reminder_levels()
    company = env.ref('account_pay_now.demo_company', raise_if_not_found=False)
    env['pay.now.demo']._prepare(company or env['res.company'])


def uninstall_hook(env):
    """Leave Odoo as it was before; refused while payments of ours exist."""
    env['payment.provider']._pay_now_remove()
    # Before their template, which Odoo deletes while the level still needs it.
    env['pay.now.reminder.level'].with_context(active_test=False).search([]).unlink()
    _remove_what_was_made_by_hand(env)
    _leave_demo_records(env)
    _forget_definitions(env)


def _remove_what_was_made_by_hand(env):
    """Remove what people added that only works with our models: workers, views, filters."""
    crons = env['ir.cron'].with_context(active_test=False)
    crons = crons.search(
        ['|', ('model_id.model', '=like', 'pay.now.%'), ('code', 'like', '_pay_now_')]
    )
    actions = crons.ir_actions_server_id
    crons.unlink()
    actions.unlink()
    for model, field in (('ir.filters', 'model_id'), ('ir.ui.view', 'model')):
        records = env[model].with_context(active_test=False)
        records = records.search([(field, '=like', 'pay.now.%')])
        with_xmlid = records.get_external_id()
        records.filtered(lambda record, known=with_xmlid: not known[record.id]).unlink()


def _leave_demo_records(env):
    """Leave the company of the demo data, whose books Odoo could not delete, under another name.

    The module may come back, with a company of that name.
    """
    if company := env.ref('account_pay_now.demo_company', raise_if_not_found=False):
        company.name = f'{company.name} ({company.id})'
    env['ir.model.data'].search(
        [('module', '=', 'account_pay_now'), ('name', '=like', r'demo\_%')]
    ).unlink()


def _forget_definitions(env):
    """Forget what Odoo notes of our models and fields, and would keep."""
    # The foreign keys of our fields on Odoo's models: they go with their columns.
    env['ir.model.constraint'].search(
        [
            ('module.name', '=', 'account_pay_now'),
            ('type', '=', 'f'),
            ('model.model', 'not like', 'pay.now.'),
        ]
    ).unlink()
    # What our models inherit from theirs, noted once more by the addons that these are of; and what
    # providers inherit because of us, noted by the same addons.
    data = env['ir.model.data']
    notes = data.search(
        [
            ('model', 'in', ('ir.model.inherit', 'ir.model.fields.selection')),
            ('module', '!=', 'account_pay_now'),
            '|',
            ('name', '=like', r'model\_inherit\_\_pay\_now\_%'),
            ('name', '=like', r'selection\_\_pay\_now\_%'),
        ]
    )
    notes |= data.search(
        [
            ('module', 'in', list(set(notes.mapped('module')))),
            '|',
            ('name', '=like', r'model\_inherit\_\_payment\_provider\_\_mail\_%'),
            ('name', '=like', r'selection\_\_payment\_provider\_\_activity\_%'),
        ]
    )
    inherited = env['ir.model.inherit'].browse(
        notes.filtered(lambda note: note.model == 'ir.model.inherit').mapped('res_id')
    )
    notes.unlink()
    kept = data.search([('model', '=', 'ir.model.inherit'), ('res_id', 'in', inherited.ids)])
    noted = kept.filtered(lambda note: note.module != 'account_pay_now').mapped('res_id')
    (inherited.exists() - inherited.browse(noted)).unlink()
