# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from urllib.parse import quote

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from odoo import http
from odoo.http import request

from odoo.addons.account_pay_now.controllers import page

#: What no other address of ours fits.
REST = ['/pay_now', '/pay_now/<path:_rest>']


class PayNowUnknown(http.Controller):
    """Addresses that lead nowhere, or are opened in another way than they are meant to be."""

    @http.route(
        REST,
        type='http',
        auth='public',
        # Nothing is done here.
        csrf=False,
        save_session=False,
        readonly=True,
        max_content_length=1 << 10,
    )
    @page.takes()
    def unknown(self):
        """Lead to the page that an address belongs to, as the address of a form that was sent.

        Only the form of the address is looked at: it tells nothing of what there is.

        :raise NotFound: it belongs to none.
        :raise MethodNotAllowed: the address is one for something else.
        """
        path = request.httprequest.path
        if request.httprequest.method in ('GET', 'HEAD') and (parent := self._page_of(path)):
            # As it was sent: a line end in it would end the header.
            return request.redirect(quote(parent), code=303)
        if self._is_known(path, 'GET') or self._is_known(path, 'POST'):
            raise MethodNotAllowed()
        raise page.not_found()

    def _page_of(self, path):
        """Return the nearest address above, of those that can be opened.

        :param str path: what was asked for.
        :return: a path, or None.
        :rtype: str | None
        """
        while '/' in path.strip('/'):
            path = path.rstrip('/').rpartition('/')[0]
            if self._is_known(path, 'GET'):
                return path
        return None

    def _is_known(self, path, method):
        try:
            rule, _values = (
                request.env['ir.http']
                .routing_map()
                .bind('')
                .match(path, method=method, return_rule=True)
            )
        except HTTPException:
            return False
        return rule.rule not in REST
