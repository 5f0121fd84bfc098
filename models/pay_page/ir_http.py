# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
import re

from werkzeug.exceptions import HTTPException, InternalServerError

from odoo import models
from odoo.http import Response, SessionExpiredException, request

from odoo.addons.account_pay_now import const, utils

_logger = logging.getLogger(__name__)

#: The document that an address is of, and the secret that opens it.
DOCUMENT = re.compile(r'/pay_now/([a-z]+)/([1-9][0-9]{0,8})/([^/]+)')
MODELS = {
    'account': 'pay.now.account',
    'invoice': 'account.move',
    'reminder': 'pay.now.reminder',
    **dict.fromkeys(('checkout', 'return', 'cancel', 'result'), 'payment.transaction'),
}


class IrHttp(models.AbstractModel):
    """What is shown when something goes wrong at an address of ours: never the framework's page."""

    _inherit = 'ir.http'

    @classmethod
    def _handle_error(cls, exception):
        """Override of `http_routing` to answer by a page of ours, in the customer's language."""
        path = request.httprequest.path
        if (
            path.lstrip('/').partition('/')[0] != 'pay_now'
            # Providers read the status, and nothing else.
            or (path.startswith('/pay_now/webhook/') and request.httprequest.method == 'POST')
            or request.dispatcher.routing_type != 'http'
            or isinstance(exception, SessionExpiredException)
        ):
            return super()._handle_error(exception)
        answer = request.dispatcher.handle_error(exception)
        if not isinstance(answer, HTTPException) or answer.code < 400:
            return answer
        try:
            request.env.cr.rollback()
            return cls._pay_now_error_answer(answer.code)
        except Exception:
            # Without its database, a page is worth less than the status.
            _logger.exception("The page of an error could not be shown")
            return InternalServerError()

    @classmethod
    def _pay_now_error_answer(cls, code):
        """Return what is shown for an HTTP status.

        :param int code: the status.
        :return: a page that says the same whatever there is at the address; a form of a log-in that
            has ended leads back to where a new one is.
        :rtype: odoo.http.Response
        """
        method = request.httprequest.method
        if code == 400 and method == 'POST' and 'GET' in cls._pay_now_methods():
            answer = request.redirect(request.httprequest.path, code=303)
        else:
            lang = cls._pay_now_error_lang()
            page = 'unknown_page' if code in (403, 404, 405) else 'error_page'
            values = {
                'html_lang': lang.replace('_', '-'),
                'html_dir': request.env['res.lang']._get_data(code=lang).direction,
                'too_large': code == 413,
                'broken': code >= 500,
            }
            qweb = request.env['ir.qweb'].with_context(lang=lang)
            html = qweb._render(f'account_pay_now.{page}', values, minimal_qcontext=True)
            answer = Response(html, status=code, content_type='text/html; charset=utf-8')
            answer.headers.update(const.PRIVATE_HEADERS)
            answer.headers['Cache-Control'] = 'no-store'
        # A session that was lost is not begun anew by an error.
        request.session.can_save = False
        # Not what other modules add to their pages: the request may not even have been read.
        request.dispatcher.post_dispatch(answer)
        return answer

    @classmethod
    def _pay_now_methods(cls):
        """Return how the address of the request may be opened.

        :rtype: set
        """
        adapter = cls.routing_map(request.env['ir.http']).bind('')
        rule, _values = adapter.match(
            request.httprequest.path, method=request.httprequest.method, return_rule=True
        )
        return rule.methods or set()

    @classmethod
    def _pay_now_error_lang(cls):
        """Return the language of whom the address belongs to; else one that the browser asks for.

        :return: the code of an installed language.
        :rtype: str
        """
        installed = [code for code, _name in request.env['res.lang'].get_installed()]
        lang = None
        if found := DOCUMENT.match(request.httprequest.path):
            kind, record_id, token = found.groups()
            env = request.env(user=cls._get_public_users()[0], su=True)
            record = env[MODELS[kind]].browse(int(record_id)).exists() if kind in MODELS else None
            if record and record._pay_now_check_token(token):
                lang = record.partner_id.lang or record.partner_id.commercial_partner_id.lang
        if lang not in installed:
            wanted = request.httprequest.accept_languages.values()
            lang = utils.accepted_lang(wanted, installed)
        return lang or request.env.lang or installed[0]
