# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the public pages share."""

import secrets
from urllib.parse import urlencode

from werkzeug.exceptions import NotFound

from odoo import fields
from odoo.http import request
from odoo.tools.misc import format_time

from odoo.addons.account_pay_now import public_values, utils

#: How an address names a record, to be read by `public_values.record_id`: what is longer fits no
#: address of ours, and what is no number no record. A number of the router's own has no end.
ID = f'string(maxlength={public_values.ID_DIGITS})'


def forget_session():
    """Go on as nobody: the token of the address opens a page, and nothing else does.

    Whoever is logged in in this browser lends no rights, name or language to what is done here.
    """
    lang = utils.accepted_lang(request.httprequest.accept_languages.values(), _installed())
    request.update_env(
        user=request.env['ir.http']._get_public_users()[0],
        context={'lang': lang or request.env.lang},
    )


def set_language(partner, *chosen):
    """Show the page in the language that was chosen there, else in the customer's.

    :param res.partner partner: the customer (sudo).
    :param str chosen: codes of languages, the first that is installed; how it is shown, no more.
    """
    installed = _installed()
    lang = next((one for one in chosen if one in installed), None)
    lang = lang or partner.lang or partner.commercial_partner_id.lang
    if lang in installed:
        request.update_context(lang=lang)


def in_language(path, lang, **params):
    """Return an address that keeps the language somebody chose on a page: nothing else does.

    :param str path: of a page of ours.
    :param str lang: as it was read, empty where none was chosen.
    :param params: more of the query.
    :rtype: str
    """
    query = {**params, **({'lang': lang} if lang else {})}
    return f'{path}?{urlencode(query)}' if query else path


def languages(path, action=''):
    """Return the languages that a page can be shown in, for whoever reads another one.

    :param str path: of the page.
    :param str action: of its form, which keeps what was ticked and typed.
    :return: dicts of `code`, `name`, `url` and `action`; empty where there is but one.
    :rtype: list
    """
    found = request.env['res.lang'].get_installed()
    return [
        {
            'code': code,
            'html_lang': code.replace('_', '-'),
            # Odoo says "French / Français".
            'name': name.rpartition('/')[2].strip(),
            'url': in_language(path, code),
            'action': action and in_language(action, code),
        }
        for code, name in found
        if len(found) > 1
    ]


def language():
    """Return how a page says which language it is in, and how that is written.

    :return: `lang`, `html_lang` and `html_dir`.
    :rtype: dict
    """
    lang = request.env.lang or 'en_US'
    return {
        'lang': lang,
        'html_lang': lang.replace('_', '-'),
        'html_dir': request.env['res.lang']._get_data(code=lang).direction or 'ltr',
    }


def _installed():
    return [code for code, _name in request.env['res.lang'].get_installed()]


def takes(**readers):
    """Decorate the method of a route: what strangers send reaches it as read, and nothing else.

    Stands below `http.route`, which passes all that came; what the method does not name is left.

    :param readers: by parameter of the method, a reader of `public_values`.
    :rtype: function
    """

    def decorate(method):
        def endpoint(self, **sent):
            read = {
                name: reader(
                    request.httprequest.form.getlist(name)
                    if getattr(reader, 'many', False)
                    else sent.get(name)
                )
                for name, reader in readers.items()
            }
            return method(self, **read)

        endpoint.__name__, endpoint.__doc__ = method.__name__, method.__doc__
        endpoint.__module__ = method.__module__
        endpoint.pay_now_method = method
        endpoint.pay_now_readers = readers
        return endpoint

    return decorate


def render(template, company, status=200, **values):
    """Render a public page: the company's name, logo and colours, nothing from third parties.

    :param str template: XML id of the page.
    :param res.company company: whose page it is.
    :param int status: HTTP status.
    :return: the response, with the headers that `ir.http` gives all of ours.
    """
    # The pages need nothing of what Odoo's own layouts do: not the user, nor the user's company.
    request.update_context(minimal_qcontext=True)
    company = company.sudo().with_context(lang=request.env.lang)
    nonce = secrets.token_urlsafe(12)
    response = request.render(
        template,
        {
            'nonce': nonce,
            'company': company,
            'identity': company._pay_now_identity(),
            **company._pay_now_button_colors(),
            **language(),
            **values,
        },
    )
    response.status_code = status
    response.pay_now_nonce = nonce
    return response


def too_often(company, error, back_url):
    """Render what somebody sees who does something too often with an address.

    :param res.company company: whose page it is.
    :param utils.TooOften error: what was refused, and until when.
    :param str back_url: where the page of the address is.
    :return: the response.
    """
    zone = str(company._pay_now_zone())
    time = format_time(request.env, error.until, tz=zone, time_format='short')
    seconds = (error.until - fields.Datetime.now()).total_seconds()
    response = render(
        'account_pay_now.limit_page',
        company,
        status=429,
        reason=str(error),
        again=request.env._("You can try again at %s.", time),
        back_url=back_url,
    )
    response.headers['Retry-After'] = str(max(int(seconds), 1))
    return response


def not_found():
    """Return what a wrong, lapsed or revoked address gets: one page for all, about nobody.

    :return: to be raised; `ir.http` has its page.
    :rtype: werkzeug.exceptions.NotFound
    """
    return NotFound()
