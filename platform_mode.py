# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Platform mode: one set of credentials of an integrator, entered once on the server.

They are read from the section `[pay_now]` of Odoo's configuration file, or from the environment
(`PAY_NOW_STRIPE_SECRET_KEY`…), which comes first. They are in no database, and no object handed
out from here has an attribute that leads to them.
"""

import configparser
import functools
import logging
import os
from pathlib import Path
from types import SimpleNamespace

from odoo.tools import config

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.gateways import PLATFORM_GATEWAYS
from odoo.addons.account_pay_now.gateways.base import Credentials
from odoo.addons.account_pay_now.gateways.errors import GatewayAuthError

_logger = logging.getLogger(__name__)

SECTION = 'pay_now'
#: Provider code -> option -> field of `Credentials`; the first ones cannot be done without.
OPTIONS = {
    const.STRIPE: {
        'stripe_secret_key': 'key',
        'stripe_webhook_secrets': 'webhook_secrets',
    },
    const.PAYPAL: {
        'paypal_client_id': 'key',
        'paypal_client_secret': 'secret',
        'paypal_partner_id': 'partner_id',
        'paypal_bn_code': 'partner_code',
        'paypal_webhook_id': 'webhook_id',
        'paypal_environment': 'test_mode',
    },
}
NEEDED = {
    const.STRIPE: ('stripe_secret_key',),
    const.PAYPAL: ('paypal_client_id', 'paypal_client_secret', 'paypal_partner_id'),
}
#: The address of a sandbox, on this machine only.
API_BASES = {const.STRIPE: 'stripe_api_base', const.PAYPAL: 'paypal_api_base'}
KNOWN = {*API_BASES.values(), *OPTIONS[const.STRIPE], *OPTIONS[const.PAYPAL]}
#: Of a gateway, what a company's own set-up has no business with.
SERVER_ONLY = ('register_webhook', 'remove_webhook')


# === WHAT IS ENTERED === #


def _options():
    """Return what is entered: option -> value."""
    path = Path(config['config'] or '')
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0
    options = dict(_file_options(path, stamp)) if stamp else {}
    for name in KNOWN:
        if value := os.environ.get(f'PAY_NOW_{name.upper()}'):
            options[name] = value.strip()
    return options


@functools.lru_cache(maxsize=4)
def _file_options(path, _stamp):
    """Read our section of Odoo's configuration file, again once it has changed."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(path)
    except (configparser.Error, OSError, UnicodeDecodeError):
        # Not the error itself: it shows the line.
        _logger.error("The section [%s] of %s cannot be read.", SECTION, path)
        return {}
    options = dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}
    for name in sorted(set(options) - KNOWN):
        _logger.warning("Unknown option in the section [%s] of %s: %s", SECTION, path, name)
    return {name: value.strip() for name, value in options.items()}


def _credentials(code):
    """Return the platform's credentials, and the address of its sandbox.

    :return: (Credentials, api base or None), or None where nothing is entered.
    """
    options = _options()
    missing = [name for name in NEEDED[code] if not options.get(name)]
    if missing:
        if len(missing) < len(NEEDED[code]):
            _logger.warning("Platform mode is off, not entered: %s", ', '.join(missing))
        return None
    values = {field: options.get(name) or '' for name, field in OPTIONS[code].items()}
    if code == const.STRIPE:
        values['webhook_secrets'] = tuple(values['webhook_secrets'].split())
        live = values['key'].startswith(('sk_live_', 'rk_live_'))
        values['test_mode'] = not live
    else:
        values['test_mode'] = values['test_mode'] == 'sandbox'
    api_base = options.get(API_BASES[code]) or None
    if api_base and not (values['test_mode'] and utils.is_loopback(api_base)):
        _logger.warning(
            "Platform mode is off: %s can only be on this machine (127.0.0.1), and only with test"
            " credentials.",
            API_BASES[code],
        )
        return None
    return Credentials(**values), api_base


# === WHAT IS HANDED OUT === #


def available(code):
    """Tell whether platform credentials of a provider are entered.

    :param str code: of the provider.
    :rtype: bool
    """
    return bool(_credentials(code))


def in_sandbox(code):
    """Tell whether the platform is the sandbox's on this machine.

    :param str code: of the provider.
    :rtype: bool
    """
    found = _credentials(code)
    return bool(found and found[1])


def is_test(code):
    """Tell whether the platform's credentials only pretend to take money.

    :param str code: of the provider.
    :rtype: bool
    """
    found = _credentials(code)
    return bool(found and found[0].test_mode)


def can_verify(code):
    """Tell whether what proves notifications is entered.

    :param str code: of the provider.
    :rtype: bool
    """
    found = _credentials(code)
    return bool(found and (found[0].webhook_secrets or found[0].webhook_id))


def gateway(code, account=''):
    """Return the gateway of the platform: the protocol's methods, and nothing behind them.

    :param str code: of the provider.
    :param str account: of the merchant to act for.
    :return: what there is of `gateways.protocol.PlatformGateway` without `SERVER_ONLY`.
    :raise GatewayAuthError: `no_platform` when nothing is entered (any more).
    """
    made = _gateway(code, account)
    return SimpleNamespace(
        **{
            name: getattr(made, name)
            for name in dir(made)
            if not name.startswith('_') and name not in SERVER_ONLY
        }
    )


def register_webhook(code, base_url):
    """Register the platform's endpoint for the notifications of all its merchants.

    For whoever runs the server, in `odoo-bin shell`: Stripe returns the secret here and never
    again, to be entered as `stripe_webhook_secrets`; the id is PayPal's `paypal_webhook_id`.

    :param str code: of the provider.
    :param str base_url: where this Odoo is reached from the Internet.
    :rtype: gateways.base.Webhook
    """
    return _gateway(code).register_webhook(base_url.rstrip('/') + webhook_path(code))


def webhook_path(code):
    """Return where the platform's notifications arrive.

    :param str code: of the provider.
    :rtype: str
    """
    return f'/pay_now/webhook/platform/{const.SHORT_NAMES[code].lower()}'


def _gateway(code, account=''):
    found = _credentials(code)
    if not found:
        raise GatewayAuthError("The server has no platform credentials.", 'no_platform')
    credentials, api_base = found
    return PLATFORM_GATEWAYS[code](credentials, api_base=api_base, account=account or None)
