# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How a provider record is connected: with keys of its own, or by the platform's credentials.

Both connections answer the same questions. Which one a record has is decided in one place,
`payment.provider._pay_now_connection`; whoever asks need not know.
"""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import urls

from odoo.addons.account_pay_now import const, platform_mode, utils
from odoo.addons.account_pay_now.gateways import DEMO_GATEWAYS, GATEWAYS
from odoo.addons.account_pay_now.gateways.base import Credentials
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayAuthError,
    GatewayAway,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
)
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)

#: What is to be done about a webhook: nothing, look whether it is intact, register it.
LEAVE, VERIFY, REGISTER = 'leave', 'verify', 'register'


#: The fields of a provider record that notifications are proven with.
PROVING_FIELDS = {
    'code',
    'pay_now_api_base',
    'pay_now_api_key',
    'pay_now_api_secret',
    'pay_now_demo',
    'pay_now_former_webhook_ref',
    'pay_now_former_webhook_until',
    'pay_now_platform_state',
    'pay_now_test_keys',
    'pay_now_webhook_ref',
    'pay_now_webhook_secret',
}


@dataclass(frozen=True)
class Kept:
    """What the notifications of one provider record are proven with, remembered by a worker.

    A former webhook is remembered with its end, which each notification is held against.
    """

    code: str
    api_base: str
    test_mode: bool
    key: str = field(repr=False)
    secret: str = field(repr=False)
    webhook_ref: str
    former_webhook_ref: str
    former_webhook_until: datetime | None
    webhook_secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, provider):
        """Return what a provider record with keys of its own has now.

        :param payment.provider provider: one record.
        """
        provider = provider.sudo()
        return cls(
            code=provider.code,
            api_base=provider.pay_now_api_base or '',
            test_mode=provider.pay_now_test_keys,
            key=provider.pay_now_api_key or '',
            secret=provider.pay_now_api_secret or '',
            webhook_ref=provider.pay_now_webhook_ref or '',
            former_webhook_ref=provider.pay_now_former_webhook_ref or '',
            former_webhook_until=provider.pay_now_former_webhook_until or None,
            webhook_secrets=tuple((provider.pay_now_webhook_secret or '').split()),
        )

    def webhook_credentials(self):
        """Return what notifications are proven with now, as values of `Credentials`.

        :rtype: dict
        """
        both = self.former_webhook_until and self.former_webhook_until > fields.Datetime.now()
        return {
            'webhook_id': self.webhook_ref,
            'former_webhook_id': self.former_webhook_ref if both else '',
            'webhook_secrets': self.webhook_secrets[: None if both else 1],
        }

    def gateway(self, **tried):
        """Return the gateway.

        :param tried: other values of `gateways.base.Credentials` than the stored ones.
        :return: an object of the protocol `gateways.protocol.Gateway`.
        """
        stored = {
            'key': self.key,
            'secret': self.secret,
            **self.webhook_credentials(),
            'test_mode': self.test_mode,
        }
        return GATEWAYS[self.code](
            Credentials(**{**stored, **tried}), api_base=self.api_base or None
        )


def plan_webhook(ref, kept_url, address, in_sandbox):
    """Decide what is to be done about the webhook of a connection with keys of its own.

    :param str ref: the id of the webhook at the provider, if one is registered.
    :param str kept_url: its address, as kept.
    :param str address: the address that this Odoo would register now.
    :param bool in_sandbox: whether the provider is a sandbox, which notifies any address.
    :return: one of `LEAVE`, `VERIFY` and `REGISTER`, and the address that it is about.
    :rtype: tuple(str, str)
    """
    url = kept_url or address
    if not url.startswith('https://') and address.startswith('https://'):
        # Since then Odoo has got an address that is notified.
        url = address
    if ref and url == kept_url:
        return VERIFY, url
    if url.startswith('https://') or in_sandbox:
        return REGISTER, url
    return LEAVE, url


def is_intact(webhook, ref):
    """Tell whether a webhook found at the provider is the one that is kept, and works.

    Gone, disabled or curtailed at the provider's dashboard, it is not.

    :param gateways.base.Webhook webhook: what the provider has at the address, if anything.
    :param str ref: the id that is kept.
    :rtype: bool
    """
    return bool(webhook and webhook.enabled and webhook.complete and webhook.id == ref)


@dataclass(frozen=True)
class Place:
    """Which database this is, and where: a copy, or one that was moved, is another one."""

    uuid: str
    host: str
    name: str

    @classmethod
    def of(cls, env):
        """Return the place of this database.

        :param odoo.api.Environment env: of it.
        """
        read = env['ir.config_parameter'].sudo().get_param
        return cls(
            uuid=read('database.uuid') or '',
            host=urlsplit(read('web.base.url') or '').hostname or '',
            name=env.cr.dbname,
        )

    def as_values(self):
        """Return the values of a provider record whose home this is.

        :rtype: dict
        """
        return {
            'pay_now_home_uuid': self.uuid,
            'pay_now_home_hosts': self.host,
            'pay_now_home_names': self.name,
        }

    def joined_values(self, provider):
        """Return the values of a provider record whose home this is, too.

        :param payment.provider provider: one record.
        :rtype: dict
        """
        values = self.as_values()
        if provider.pay_now_home_uuid == self.uuid:
            # An address that was confirmed once is not asked about again.
            for name in ('pay_now_home_hosts', 'pay_now_home_names'):
                known = dict.fromkeys([*(provider[name] or '').split(), values[name]])
                values[name] = ' '.join(filter(None, known))
        return values

    def differs_from(self, provider):
        """Return what tells this place from the home of a provider record.

        :param payment.provider provider: one record.
        :return: `uuid`, `host` or `name`; False at home, and where no home is known.
        :rtype: str | bool
        """
        if not provider.pay_now_home_uuid:
            return False
        if provider.pay_now_home_uuid != self.uuid:
            return 'uuid'
        hosts = (provider.pay_now_home_hosts or '').split()
        if hosts and self.host and self.host not in hosts:
            return 'host'
        return self.name not in (provider.pay_now_home_names or '').split() and 'name'


class OwnKeys:
    """The connection of a provider record with keys of its own.

    :param payment.provider provider: one record.
    """

    def __init__(self, provider):
        self.provider = provider

    # === GATEWAY === #

    def can_be_asked(self):
        """Tell whether there are credentials to ask the provider with.

        :rtype: bool
        """
        return bool(self.provider.sudo().pay_now_api_key) and not self.is_away()

    def is_followed(self):
        """Tell whether the account is still followed once it is disconnected.

        :rtype: bool
        """
        return bool(self.provider.sudo().pay_now_api_key)

    def is_live(self):
        """Tell whether the connection is to real money.

        :rtype: bool
        """
        return not self.provider.pay_now_test_keys and not self.in_sandbox()

    def is_away(self):
        """Tell whether this is another database than the one a live connection was made for.

        What it is told apart by is one of `Place.differs_from`.

        :rtype: str | bool
        """
        provider = self.provider.sudo()
        # Nearly always at home: asked first.
        difference = Place.of(provider.env).differs_from(provider)
        return difference and self.is_live() and difference

    def in_sandbox(self):
        """Tell whether the provider is the sandbox on this machine.

        :rtype: bool
        """
        return utils.is_loopback(self.provider.sudo().pay_now_api_base)

    def is_own_page(self, _url):
        """Tell whether an address is a page of this Odoo that stands for the provider's.

        :param str _url: where a payer is to be sent.
        :rtype: bool
        """
        return False

    def gateway(self, **tried):
        """Return a gateway with the credentials of the connection.

        :param tried: other values of `gateways.base.Credentials` than the stored ones.
        :return: an object of the protocol `gateways.protocol.Gateway`.
        :raise GatewayAuthError: there are none that may be used.
        :raise GatewayAway: this is a copy of the database, or it was moved.
        """
        if not tried.get('key') and self.is_away():
            raise GatewayAway
        return Kept.of(self.provider).gateway(**tried)

    def webhook_credentials(self):
        """Return what notifications are proven with now, as values of `Credentials`.

        :rtype: dict
        """
        return Kept.of(self.provider).webhook_credentials()

    # === KEYS === #

    def check_keys_can_change(self):
        """Refuse to change keys where there are none, and in a copy of the database.

        :return: None
        :raise UserError: what to do instead.
        """
        if self.is_away():
            raise UserError(self.provider._pay_now_away_label())

    # === WEBHOOK === #

    def webhook_address(self):
        """Return the address the provider is asked to notify.

        :rtype: str
        """
        provider = self.provider
        return urls.urljoin(provider.get_base_url(), f'/pay_now/webhook/{provider.id}')

    def webhook_is_ours(self):
        """Tell whether the webhook is this record's to remove: a copied database has another's.

        :rtype: bool
        """
        address = self.webhook_address()
        return self.provider.pay_now_webhook_url in (address, f'{address}/2')

    def register_webhook(self, gateway, url=''):
        """Register the webhook; without one the sweep books everything a little later.

        :param gateway: of the account.
        :param str url: its address; by default the one of this Odoo.
        :return: the endpoint, or False when the provider refuses our address.
        :rtype: gateways.base.Webhook | bool
        :raise GatewayError: anything else that the provider answered.
        """
        try:
            return gateway.register_webhook(url or self.webhook_address())
        except GatewayRefused as error:
            if error.code == 'url_invalid':
                return False
            raise

    def ensure_webhook(self, gateway):
        """Make sure that the webhook is there, enabled, and notified of everything.

        :param gateway: of the account.
        :return: why that is not possible (see `problems`), or False.
        :rtype: dict | bool
        :raise GatewayUnavailable: the provider does not answer.
        """
        provider = self.provider
        ref = provider.pay_now_webhook_ref
        step, url = plan_webhook(
            ref,
            provider.pay_now_webhook_url,
            self.webhook_address(),
            bool(provider.sudo().pay_now_api_base),
        )
        if step == VERIFY:
            found = gateway.find_webhook(url)
            provider._pay_now_remove_unknown_webhook(gateway)
            step = LEAVE if is_intact(found, ref) else REGISTER
        if step == LEAVE:
            return False
        try:
            webhook = self.register_webhook(gateway, url)
        except GatewayUnavailable:
            raise
        except GatewayError as error:
            return provider._pay_now_error_problem('webhook', error)
        if webhook:
            provider._pay_now_take_over_webhook(webhook)
        return False

    def renew_webhook(self):
        """Register the other address, and keep the former one for some hours.

        :return: None
        :raise GatewayError: nothing has changed then.
        :raise UserError: it is not this record's to renew.
        """
        gateway = self.provider._pay_now_gateway()
        webhook = gateway.register_webhook(self.provider._pay_now_other_webhook_url())
        self.provider._pay_now_keep_renewed_webhook(webhook)

    def unregister_webhooks(self):
        """Remove the webhooks at the provider; one that is gone is fine.

        :return: whether one is left there, for a person to remove.
        :rtype: bool
        """
        provider = self.provider
        refs = provider._pay_now_webhook_refs()
        if not refs:
            return False
        if not self.webhook_is_ours():
            return True
        try:
            gateway = provider._pay_now_gateway()
            for ref in refs:
                gateway.remove_webhook(ref)
        except GatewayError as error:
            _logger.warning("A webhook of %s was not removed: %s", provider.name, error.message)
            return True
        return False


class Platform(OwnKeys):
    """The connection of a provider record for whose account the platform acts.

    The platform's webhook is registered on the server, once for all its merchants: it is looked
    for here, and left as it is.
    """

    # === GATEWAY === #

    def can_be_asked(self):
        """See `OwnKeys`: the platform's credentials do as well as keys."""
        return platform_mode.available(self.provider.code) and not self.is_away()

    def is_followed(self):
        """See `OwnKeys`: what the platform acts for is followed without keys."""
        return bool(self.provider.pay_now_account)

    def in_sandbox(self):
        """See `OwnKeys`: the platform may be the sandbox's."""
        return platform_mode.in_sandbox(self.provider.code)

    def is_live(self):
        """See `OwnKeys`: the credentials of the server decide."""
        return not platform_mode.is_test(self.provider.code) and not self.in_sandbox()

    def gateway(self, **_tried):
        """See `OwnKeys`: what there is of `gateways.protocol.PlatformGateway`."""
        provider = self.provider
        if self.is_away():
            raise GatewayAway
        # Credentials may be changed on the server at any time: real money meets no test.
        if provider.state == ('enabled' if platform_mode.is_test(provider.code) else 'test'):
            raise GatewayAuthError(
                "The server has credentials of the other environment.", 'no_platform'
            )
        return platform_mode.gateway(provider.code, provider.sudo().pay_now_platform_account)

    # === KEYS === #

    def check_keys_can_change(self):
        """See `OwnKeys`: there are no keys to change."""
        raise UserError(
            self.provider.env._("Disconnect first, then connect with keys of your own.")
        )

    # === WEBHOOK === #

    def webhook_address(self):
        """See `OwnKeys`: a platform is notified about all its merchants at one address."""
        provider = self.provider
        return urls.urljoin(provider.get_base_url(), platform_mode.webhook_path(provider.code))

    def webhook_is_ours(self):
        """See `OwnKeys`: the platform's endpoint is not a company's to remove."""
        return False

    def register_webhook(self, gateway, url=''):
        """See `OwnKeys`: the platform's endpoint, where its notifications can be verified."""
        if not platform_mode.can_verify(self.provider.code):
            return False
        return gateway.find_webhook(self.webhook_address()) or False

    def ensure_webhook(self, gateway):
        """See `OwnKeys`: what the platform has is noted."""
        webhook = self.register_webhook(gateway)
        self.provider.sudo().write(
            {
                'pay_now_webhook_ref': webhook and webhook.id,
                'pay_now_webhook_url': self.webhook_address(),
            }
        )
        return False

    def renew_webhook(self):
        """See `OwnKeys`: the platform's secret is renewed on the server."""
        raise UserError(self.provider.env._("Whoever runs this server renews its secrets."))

    def unregister_webhooks(self):
        """See `OwnKeys`: the platform's endpoint is not a company's to remove."""
        return False


class Demo(OwnKeys):
    """The connection of a provider record whose provider is played, in a database with demo data.

    No key, no network, no money: what the provider knows is kept in `pay.now.demo.object`. All else
    takes it for a connection in test mode.
    """

    # === GATEWAY === #

    def can_be_asked(self):
        """See `OwnKeys`: wherever there is demo data."""
        return self.provider._pay_now_has_demo_data()

    def is_followed(self):
        """See `OwnKeys`: always, there are no keys to forget."""
        return True

    def is_live(self):
        """See `OwnKeys`: never."""
        return False

    def in_sandbox(self):
        """See `OwnKeys`: it is one, of this very Odoo."""
        return True

    def page(self):
        """Return the address of the checkouts, to be followed by their id and token.

        :rtype: str
        """
        provider = self.provider
        return urls.urljoin(provider.get_base_url(), f'/pay_now/demo/{provider.id}')

    def is_own_page(self, url):
        """See `OwnKeys`: the checkouts of the demonstration."""
        return url.startswith(f'{self.page()}/')

    def gateway(self, **_tried):
        """See `OwnKeys`: the one that is played.

        :raise GatewayAuthError: this is no database with demo data.
        """
        if not self.can_be_asked():
            raise GatewayAuthError("This database has no demo data.", 'no_demo_data')
        provider = self.provider.sudo()
        credentials = Credentials(key='', **Kept.of(provider).webhook_credentials())
        store = provider.env['pay.now.demo.object']._store(provider)
        return DEMO_GATEWAYS[provider.code](credentials, store, self.page())

    # === KEYS === #

    def check_keys_can_change(self):
        """See `OwnKeys`: there are no keys to change."""
        raise UserError(
            self.provider.env._(
                "This connection is a demonstration: it has no keys. Press “Connect another"
                " account” to connect with yours."
            )
        )
