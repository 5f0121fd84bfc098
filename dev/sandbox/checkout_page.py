# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The hosted page a payer sees: plain HTML, in English or French."""

from html import escape

from . import money

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
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f8fa;color:#1a1f36}
.test{background:#ffde92;text-align:center;padding:8px;font-weight:600;font-size:14px}
main{max-width:440px;margin:32px auto;background:#fff;padding:28px;border-radius:12px;
box-shadow:0 2px 12px rgba(26,31,54,.1)}
.merchant{color:#4f566b;margin:0 0 4px} .label{margin:0} .amount{font-size:34px;font-weight:700}
p.amount{margin:8px 0 20px} .error{color:#b3093c;font-weight:600} .error:empty{display:none}
button,a.back{display:block;width:100%;min-height:48px;padding:12px;margin:10px 0;border:0;
border-radius:8px;background:#0a57d0;color:#fff;font:inherit;font-weight:600;text-align:center;
text-decoration:none;cursor:pointer}
button.other{background:#fff;color:#1a1f36;border:1px solid #c1c9d2;font-weight:400}
button:focus-visible,a:focus-visible{outline:3px solid #7aa7f0;outline-offset:2px}
a.back{background:none;color:#1a1f36;text-decoration:underline;font-weight:400}
@media(max-width:480px){main{margin:0;border-radius:0;box-shadow:none;min-height:90vh}}
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
    amount = money.text(session['amount_total'], session['currency'])
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
        f'<p class="merchant">{escape(account.name)}</p><p class="label">{escape(label)}</p>'
        f'<p class="amount">{amount}</p>'
        f'<p class="error" role="alert">{escape(error)}</p>'
        f'<form method="post">{buttons}</form>{back}',
    )


def over(session):
    """Return the page of a session that is complete or expired."""
    lang = language(session)
    return _page(lang, f'<p class="error">{escape(TEXTS[lang]["over"])}</p>')
