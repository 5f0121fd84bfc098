# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The hosted page a payer sees: plain HTML, in English or French."""

from html import escape

TEXTS = {
    'en': {
        'test': "TEST MODE – no real money",
        'pay': "Pay by card",
        'declined': "Pay by a card that is declined",
        'sepa': "SEPA debit (settles later)",
        'sepa_fail': "SEPA debit (fails later)",
        'back': "Cancel and go back",
        'over': "This checkout can no longer be paid.",
    },
    'fr': {
        'test': "MODE TEST – aucun argent réel",
        'pay': "Payer par carte",
        'declined': "Payer avec une carte refusée",
        'sepa': "Prélèvement SEPA (réglé plus tard)",
        'sepa_fail': "Prélèvement SEPA (échoue plus tard)",
        'back': "Annuler et revenir",
        'over': "Ce paiement n'est plus possible.",
    },
}
STYLE = """
body{font:16px/1.5 sans-serif;margin:0;background:#f6f8fa;color:#1a1f36}
main{max-width:420px;margin:24px auto;background:#fff;padding:24px;border-radius:8px}
.test{background:#ffde92;text-align:center;padding:6px;font-weight:bold}
button,a.back{display:block;width:100%;box-sizing:border-box;padding:12px;margin:10px 0;border:0;
border-radius:6px;background:#0a57d0;color:#fff;font:inherit;text-align:center;text-decoration:none}
button.other{background:#4f566b} a.back{background:none;color:#1a1f36;text-decoration:underline}
.amount{font-size:32px;font-weight:bold} .error{color:#b3093c}
"""


def _page(lang, body):
    texts = TEXTS[lang]
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>Checkout</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body><div class="test">{texts["test"]}</div>'
        f'<main>{body}</main></body></html>'
    )


def language(session):
    """Return the page's language for a session."""
    return 'fr' if (session['locale'] or '').startswith('fr') else 'en'


def render(account, session, label, error=''):
    """Return the page of an open session.

    :param str label: what is paid for.
    :param str error: the last refusal, shown to the payer.
    """
    lang = language(session)
    texts = TEXTS[lang]
    amount = f"{session['amount_total'] / 100:.2f} {session['currency'].upper()}"
    buttons = ''.join(
        f'<button name="method" value="{method}" class="{"" if method == "card" else "other"}">'
        f'{escape(texts[key])}</button>'
        for method, key in (
            ('card', 'pay'),
            ('declined', 'declined'),
            ('sepa', 'sepa'),
            ('sepa_fail', 'sepa_fail'),
        )
    )
    back = (
        f'<a class="back" href="{escape(session["cancel_url"])}">{escape(texts["back"])}</a>'
        if session['cancel_url']
        else ''
    )
    return _page(
        lang,
        f'<p>{escape(account.name)}</p><p>{escape(label)}</p><p class="amount">{amount}</p>'
        f'<p class="error" role="alert">{escape(error)}</p>'
        f'<form method="post">{buttons}</form>{back}',
    )


def over(session):
    """Return the page of a session that is complete or expired."""
    lang = language(session)
    return _page(lang, f'<p class="error">{escape(TEXTS[lang]["over"])}</p>')
