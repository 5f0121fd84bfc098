# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.addons.payment import reset_payment_provider, setup_provider

from . import const


def post_init_hook(env):
    """Create the payment methods of our providers and the ready reminder levels."""
    for code in const.PROVIDER_CODES:
        setup_provider(env, code)
    env['res.company'].search([])._pay_now_create_reminder_levels()


def uninstall_hook(env):
    """Give the provider records back to `payment`; refused while payments of ours exist."""
    for code in const.PROVIDER_CODES:
        reset_payment_provider(env, code)
