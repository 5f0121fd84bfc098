# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's hosted page, which a payer sees."""

from html import escape

from ..common import pages
from . import money

BUTTONS = {
    'en': {
        'card': "Pay by card",
        'apple_pay': "Apple Pay",
        'bancontact': "Bancontact",
        'ideal': "iDEAL",
        'unknown': "A method nobody knows yet",
        'declined': "Pay by a card that is declined",
        'sepa': "SEPA debit (settles later)",
        'sepa_fail': "SEPA debit (fails later)",
    },
    'fr': {
        'card': "Payer par carte",
        'apple_pay': "Apple Pay",
        'bancontact': "Bancontact",
        'ideal': "iDEAL",
        'unknown': "Un moyen que personne ne connaît encore",
        'declined': "Payer avec une carte refusée",
        'sepa': "Prélèvement SEPA (réglé plus tard)",
        'sepa_fail': "Prélèvement SEPA (échoue plus tard)",
    },
}
BACK = {'en': "Cancel and go back", 'fr': "Annuler et revenir"}
OVER = {
    'en': "This checkout can no longer be paid.",
    'fr': "Ce paiement n’est plus possible.",
}


def render(account, session, label, error=''):
    """Return the page of an open session.

    :param str label: what is paid for.
    :param str error: the last refusal, shown to the payer.
    """
    lang = pages.language(session['locale'])
    amount = money.text(session['amount_total'], session['currency'])
    back = (
        f'<a class="back" href="{escape(session["cancel_url"])}">{escape(BACK[lang])}</a>'
        if session['cancel_url']
        else ''
    )
    return pages.page(
        lang,
        f'<p class="merchant">{escape(account.name)}</p><p class="label">{escape(label)}</p>'
        f'<p class="amount">{amount}</p>'
        f'<p class="error" role="alert">{escape(error)}</p>'
        f'<form method="post">{pages.buttons(BUTTONS[lang], "card")}</form>{back}',
    )


def over(session):
    """Return the page of a session that is complete or expired."""
    lang = pages.language(session['locale'])
    return pages.page(lang, f'<p class="error">{escape(OVER[lang])}</p>')
