# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's approval page, which a payer sees."""

from decimal import Decimal
from html import escape

from ..common import pages
from . import payments

BUTTONS = {
    'en': {
        'paypal': "Log in and pay",
        'card': "Pay by card, without an account",
        'venmo': "Venmo",
        'mybank': "MyBank",
        'declined': "Pay with a bank that declines",
        'echeck': "Pay by e-check (arrives later)",
    },
    'fr': {
        'paypal': "Se connecter et payer",
        'card': "Payer par carte, sans compte",
        'venmo': "Venmo",
        'mybank': "MyBank",
        'declined': "Payer avec une banque qui refuse",
        'echeck': "Payer par chèque électronique (arrive plus tard)",
    },
}
CANCEL = {'en': "Cancel and return to %s", 'fr': "Annuler et retourner sur %s"}
TITLE = {'en': "Pay with PayPal", 'fr': "Payer avec PayPal"}
OVER = {
    'en': "This payment has been approved already, or is no longer possible.",
    'fr': "Ce paiement a déjà été approuvé ou n’est plus possible.",
}
ERRORS = {
    'fr': {
        payments.DECLINED: "Votre banque a refusé ce paiement. Choisissez un autre moyen de"
        " paiement.",
    },
}
STYLE = """
body{background:#f5f7fa} button{background:#003087;border-radius:24px}
h1{font-size:20px;margin:0 0 12px;color:#003087}
button.cancel{background:none;color:#1a1f36;text-decoration:underline;font-weight:400}
"""


def render(account, order, note):
    """Return the page of an order that can be approved."""
    lang = pages.language(note['locale'])
    unit = order['purchase_units'][0]
    merchant = note['brand_name'] or account.name
    error = ERRORS.get(lang, {}).get(note['failure'], note['failure'])
    cancel = escape(CANCEL[lang] % merchant)
    about = unit.get('description') or unit.get('invoice_id') or ''
    return pages.page(
        lang,
        f'<h1>{escape(TITLE[lang])}</h1>'
        f'<p class="merchant">{escape(merchant)}</p><p class="label">{escape(about)}</p>'
        f'<p class="amount">{_amount(unit["amount"], lang)}</p>'
        f'<p class="error" role="alert">{escape(error)}</p>'
        f'<form method="post">{pages.buttons(BUTTONS[lang], "paypal")}'
        f'<button class="cancel" name="method" value="cancel">{cancel}</button></form>',
        TITLE[lang],
        STYLE,
    )


def _amount(amount, lang):
    """Return an amount as a payer reads it."""
    value, currency = f"{Decimal(amount['value']):,}", amount['currency_code']
    if lang == 'fr':
        value = value.replace(',', '&#8239;').replace('.', ',')
    return f'{value}&nbsp;{escape(currency)}'


def over(locale=''):
    """Return the page of an order that cannot be approved."""
    lang = pages.language(locale)
    error = f'<p class="error">{escape(OVER[lang])}</p>'
    return pages.page(lang, error, TITLE[lang], STYLE)
