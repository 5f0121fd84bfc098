# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the public pages share."""

from werkzeug.exceptions import NotFound

from odoo.http import request

#: Nothing of an address, which opens a page by itself, reaches other sites or search engines.
PRIVATE = {'Referrer-Policy': 'no-referrer', 'X-Robots-Tag': 'noindex, nofollow'}


def set_language(partner):
    """Show the page in the customer's language.

    :param res.partner partner: the customer (sudo).
    """
    _set_installed(partner.lang or partner.commercial_partner_id.lang)


def _set_installed(lang):
    if lang in {code for code, _name in request.env['res.lang'].get_installed()}:
        request.update_context(lang=lang)


def render(template, company, no_store=False, status=200, **values):
    """Render a public page: the company's name, logo and colours, nothing from third parties.

    :param str template: XML id of the page.
    :param res.company company: whose page it is.
    :param bool no_store: keep it out of caches.
    :param int status: HTTP status.
    :return: the response.
    """
    # The pages need nothing of what Odoo's own layouts do: not the user, nor the user's company.
    request.update_context(minimal_qcontext=True)
    company = company.sudo().with_context(lang=request.env.lang)
    response = request.render(
        template,
        {
            'company': company,
            'identity': company._pay_now_identity(),
            **company._pay_now_button_colors(),
            'html_lang': (request.env.lang or 'en').replace('_', '-'),
            **values,
        },
    )
    response.status_code = status
    response.headers.update(PRIVATE)
    if no_store:
        response.headers['Cache-Control'] = 'no-store'
    return response


def not_found():
    """Return what a wrong, lapsed or revoked address gets: one page for all, about nobody.

    :return: to be raised.
    :rtype: werkzeug.exceptions.NotFound
    """
    # Whose it would be is nobody's business: the browser says the language.
    _set_installed(request.best_lang)
    lang = (request.env.lang or 'en').replace('_', '-')
    html = request.render('account_pay_now.unknown_page', {'html_lang': lang}, lazy=False)
    headers = {'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', **PRIVATE}
    return NotFound(response=request.make_response(html, headers=list(headers.items()), status=404))
