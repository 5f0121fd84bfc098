# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The hosted pages of every provider: plain HTML, in English or French."""

from html import escape

TEST = {'en': "TEST MODE – no real money", 'fr': "MODE TEST – aucun argent réel"}
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


def page(lang, body, title="Checkout", style=''):
    """Return a whole page.

    :param str lang: `en` or `fr`.
    :param str body: HTML.
    :param str style: of this provider's pages.
    """
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}{style}</style></head><body><div class="test">{TEST[lang]}</div>'
        f'<main>{body}</main></body></html>'
    )


def language(locale):
    """Return the language of a page for a payer's locale."""
    return 'fr' if (locale or '').startswith('fr') else 'en'


def buttons(texts, first):
    """Return one button for each way to pay.

    :param dict texts: way -> what the button says.
    :param str first: the way that stands out.
    """
    return ''.join(
        f'<button name="method" value="{way}" class="{"" if way == first else "other"}">'
        f'{escape(text)}</button>'
        for way, text in texts.items()
    )
