# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
import re
from urllib.parse import quote

from werkzeug.exceptions import HTTPException, InternalServerError

from odoo import models
from odoo.exceptions import ConcurrencyError
from odoo.http import Response, SessionExpiredException, request
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.account_pay_now import public_values, utils

_logger = logging.getLogger(__name__)

#: The document that an address is of, and the secret that opens it.
DOCUMENT = re.compile(r'/pay_now/([a-z]+)/([1-9][0-9]{0,8})/([^/]+)')
MODELS = {
    'account': 'pay.now.account',
    'invoice': 'account.move',
    'plan': 'pay.now.plan',
    'reminder': 'pay.now.reminder',
    'statement': 'pay.now.customer.statement',
    **dict.fromkeys(('checkout', 'return', 'cancel', 'result'), 'payment.transaction'),
}


#: What the whole addresses of ours get. Nothing of them, which open pages by themselves, reaches
#: other sites, search engines or caches; no other site shows them in a frame of its own.
HEADERS = {
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'X-Robots-Tag': 'noindex, nofollow',
}
#: What a page may load: our files, and the company's logo. A form leads on to the provider.
POLICY = (
    "default-src 'none'; style-src 'self'%(style)s; script-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self' https:%(sandbox)s; base-uri 'none';"
    " frame-ancestors 'none'"
)


class IrHttp(models.AbstractModel):
    """What is shown when something goes wrong at an address of ours: never the framework's page."""

    _inherit = 'ir.http'

    @classmethod
    def _match(cls, path_info):
        """Override of `http_routing`: no address of ours ends in the framework.

        What the router takes for none of ours, as for a line end in it, is an unknown one.
        """
        if cls._pay_now_is_ours():
            adapter = cls.routing_map(request.env['ir.http']).bind('')
            try:
                adapter.match(path_info, method=request.httprequest.method)
            except HTTPException:
                path_info = '/pay_now'
        return super()._match(path_info)

    @classmethod
    def _dispatch(cls, endpoint):
        """Override of `base`: a field of that name would be taken for the controller itself."""
        if cls._pay_now_is_ours():
            request.params.pop('self', None)
        return super()._dispatch(endpoint)

    @classmethod
    def _post_dispatch(cls, response):
        """Override of `base` for the headers of all that is answered at our addresses."""
        result = super()._post_dispatch(response)
        if cls._pay_now_is_ours():
            cls._pay_now_add_headers(response)
        return result

    @classmethod
    def _pay_now_is_ours(cls):
        return request.httprequest.path.lstrip('/').partition('/')[0] == 'pay_now'

    @classmethod
    def _pay_now_add_headers(cls, response):
        """Keep an answer from others; a page of ours may have said which style it brings."""
        nonce = getattr(response, 'pay_now_nonce', None)
        # The sandbox's pages, on this machine.
        sandbox = utils.is_loopback(request.httprequest.host_url)
        policy = POLICY % {
            'style': f" 'nonce-{nonce}'" if nonce else '',
            'sandbox': ' http://127.0.0.1:* http://localhost:*' if sandbox else '',
        }
        response.headers.update(HEADERS)
        response.headers['Content-Security-Policy'] = policy

    @classmethod
    def _handle_error(cls, exception):
        """Override of `http_routing` to answer by a page of ours, in the customer's language."""
        path = request.httprequest.path
        if (
            not cls._pay_now_is_ours()
            # Providers read the status, and nothing else.
            or (path.startswith('/pay_now/webhook/') and request.httprequest.method == 'POST')
            or request.dispatcher.routing_type != 'http'
            or isinstance(exception, SessionExpiredException)
        ):
            return super()._handle_error(exception)
        if isinstance(exception, (ConcurrencyError, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY)):
            # Tried again several times already: others do the same.
            code = 429
        else:
            answer = request.dispatcher.handle_error(exception)
            if not isinstance(answer, HTTPException) or answer.code < 400:
                return answer
            code = answer.code
        try:
            request.env.cr.rollback()
            return cls._pay_now_error_answer(code)
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
            answer = request.redirect(quote(request.httprequest.path), code=303)
        else:
            lang = cls._pay_now_error_lang()
            page = 'unknown_page' if code in (403, 404, 405) else 'error_page'
            values = {
                'html_lang': lang.replace('_', '-'),
                'html_dir': request.env['res.lang']._get_data(code=lang).direction,
                'too_large': code == 413,
                'broken': code >= 500,
                'busy': code == 429,
            }
            qweb = request.env['ir.qweb'].with_context(lang=lang)
            html = qweb._render(f'account_pay_now.{page}', values, minimal_qcontext=True)
            # Which of its rules a request broke is of no use to whoever reads it.
            status = code if code in (403, 404, 405, 429) or code >= 500 else 400
            answer = Response(html, status=status, content_type='text/html; charset=utf-8')
            if code == 429:
                answer.headers['Retry-After'] = '10'
        # A session that was lost is not begun anew by an error.
        request.session.can_save = False
        # Not what other modules add to their pages: the request may not even have been read.
        request.dispatcher.post_dispatch(answer)
        cls._pay_now_add_headers(answer)
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
        """Return the language chosen on the page; else of whom the address belongs to, or one that
        the browser asks for.

        :return: the code of an installed language.
        :rtype: str
        """
        installed = [code for code, _name in request.env['res.lang'].get_installed()]
        lang = public_values.lang(request.httprequest.args.get('lang'))
        if lang in installed:
            return lang
        if found := DOCUMENT.match(request.httprequest.path):
            kind, record_id, token = found.groups()
            env = request.env(user=cls._get_public_users()[0], su=True)
            record = env[MODELS[kind]].browse(int(record_id)).exists() if kind in MODELS else None
            if record and record._pay_now_check_token(public_values.token(token)):
                lang = record.partner_id.lang or record.partner_id.commercial_partner_id.lang
        if lang not in installed:
            wanted = request.httprequest.accept_languages.values()
            lang = utils.accepted_lang(wanted, installed)
        return lang or request.env.lang or installed[0]
