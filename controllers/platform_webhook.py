# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from werkzeug.exceptions import Forbidden, NotFound

from odoo import http
from odoo.http import request

from odoo.addons.account_pay_now import const, platform_mode, public_values
from odoo.addons.account_pay_now.controllers import page
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
        auth='public',
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
        body = request.httprequest.get_data()
        try:
            event = platform_mode.gateway(code).verify_event(body, request.httprequest.headers)
        except (SignatureError, GatewayUnavailable, GatewayAuthError) as error:
            if error.code == 'livemode_mismatch':
                return request.make_response('', status=200)
            _logger.warning("Notification for the platform refused: %s", error.message)
            raise Forbidden() from None
        # What is sent about an account may be somebody's personal data, or another merchant's.
        payload = '' if event.subject == 'account' else body.decode()
        Event = request.env['pay.now.event'].sudo()
        for provider in request.env['payment.provider']._pay_now_route(code, event):
            if Event._store(provider, event, 'webhook', payload):
                Event._wake_workers()
                provider._pay_now_note_event()
        return request.make_response('', status=200)
