# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the public pages share."""

from werkzeug.exceptions import NotFound

from odoo.http import request

from odoo.addons.account_pay_now import const, utils

#: How an address names a record, to be read by `record_id`: what is longer fits no address of ours,
#: and what is no number no record. A number of the router's own has no end.
ID = 'string(maxlength=9)'


def forget_session():
    """Go on as nobody: the token of the address opens a page, and nothing else does.

    Whoever is logged in in this browser lends no rights, name or language to what is done here.
    """
    lang = utils.accepted_lang(request.httprequest.accept_languages.values(), _installed())
    request.update_env(
        user=request.env['ir.http']._get_public_users()[0],
        context={'lang': lang or request.env.lang},
    )


def set_language(partner):
    """Show the page in the customer's language.

    :param res.partner partner: the customer (sudo).
    """
    lang = partner.lang or partner.commercial_partner_id.lang
    if lang in _installed():
        request.update_context(lang=lang)


def language():
    """Return how a page says which language it is in, and how that is written.

    :return: `html_lang` and `html_dir`.
    :rtype: dict
    """
    lang = request.env.lang or 'en_US'
    return {
        'html_lang': lang.replace('_', '-'),
        'html_dir': request.env['res.lang']._get_data(code=lang).direction or 'ltr',
    }


def _installed():
    return [code for code, _name in request.env['res.lang'].get_installed()]


def text(value):
    """Return what was typed into a field of a form.

    :param value: what came for it: text, a file, or nothing.
    :rtype: str
    """
    # The database takes no text with the character zero.
    return value.replace('\0', '') if isinstance(value, str) else ''


def record_id(value):
    """Return the id that an address or a field of a form holds.

    :param value: what came for it.
    :return: zero for anything that is no id.
    :rtype: int
    """
    value = text(value)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


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
            **language(),
            **values,
        },
    )
    response.status_code = status
    response.headers.update(const.PRIVATE_HEADERS)
    if no_store:
        response.headers['Cache-Control'] = 'no-store'
    return response


def not_found():
    """Return what a wrong, lapsed or revoked address gets: one page for all, about nobody.

    :return: to be raised; `ir.http` has its page.
    :rtype: werkzeug.exceptions.NotFound
    """
    return NotFound()
