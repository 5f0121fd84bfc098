# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from werkzeug.exceptions import Forbidden, NotFound

from odoo import SUPERUSER_ID, http
from odoo.http import request

from odoo.addons.account_pay_now import const, platform_mode, public_values
from odoo.addons.account_pay_now.controllers import page
from odoo.addons.account_pay_now.controllers.webhook import verify
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.gateways.errors import (
    GatewayAuthError,
    GatewayUnavailable,
    SignatureError,
)
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)

CODES = {name.lower(): code for code, name in const.SHORT_NAMES.items()}


class PayNowPlatformWebhook(http.Controller):
    """The address that a provider calls for all the merchants of the platform."""

    @http.route(
        '/pay_now/webhook/platform/<string:name>',
        type='http',
        auth='none',
        # Whoever is nobody only reads, unless it is said.
        readonly=False,
        methods=['POST'],
        csrf=False,
        save_session=False,
        max_content_length=1 << 20,
    )
    @page.takes(name=public_values.choice(*CODES))
    def platform_webhook(self, name):
        """Store an event of the platform with the merchants that it is about.

        Proven on the raw bytes, by the platform's own secret or webhook id. What is about a
        merchant of another database, or of the provider's other environment, is taken and
        forgotten.

        :param str name: of the provider, as in `const.SHORT_NAMES`.
        :return: an empty 200 once the event is stored.
        """
        code = CODES.get(name)
        if not code or not platform_mode.available(code):
            raise NotFound()
        request.env['pay.now.event']._see_commits()
        Provider = request.env(user=SUPERUSER_ID)['payment.provider']
        try:
            event, answer = verify(
                platform_mode.gateway(code), Provider._pay_now_platform_providers(code)
            )
        except (SignatureError, GatewayUnavailable, GatewayAuthError) as error:
            if error.code == 'livemode_mismatch':
                return request.make_response('', status=200)
            _logger.warning("Notification for the platform refused: %s", error.message)
            raise Forbidden() from None
        if answer:
            return answer
        # What is sent about an account may be somebody's personal data, or another merchant's.
        payload = b'' if event.subject == 'account' else request.httprequest.get_data()
        providers = Provider._pay_now_route(code, event)
        if event.subject == base.UNREADABLE:
            # Signed, and nobody's as far as can be read: for whoever runs the server.
            _logger.error("A notification for the platform is not understood: %s", event.id)
        for provider in providers:
            provider.env['pay.now.event']._receive(provider, event, payload)
        return request.make_response('', status=200)
