# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Pure helpers: text, codes, addresses. Nothing here touches the database."""

import ipaddress
import re
import unicodedata
from urllib.parse import parse_qsl, urlsplit

SAGE_CODE_PATTERN = re.compile(r'^[A-Za-z0-9\-_./]{1,32}$')
LOOPBACK_HOSTS = ('127.0.0.1', 'localhost', '::1')
#: Local parts of addresses that nobody reads, in English and French.
NO_REPLY_PATTERN = re.compile(
    r'^(mailer-daemon|bounces?|(no|do[-_.]?not|ne[-_.]?pas)[-_.]?(reply|respond|repondre))(?![a-z])',
    re.IGNORECASE,
)
#: Endings of names that no public name server knows.
PRIVATE_SUFFIXES = (
    '.localhost',
    '.local',
    '.localdomain',
    '.lan',
    '.home',
    '.internal',
    '.intranet',
)


def clean_sage_code(value):
    """Remove the white space pasted along with a Sage customer code.

    :param str value: what was typed or pasted.
    :return: the code, or an empty string.
    :rtype: str
    """
    return re.sub(r'\s+', '', value or '')


def is_sage_code(value):
    """Tell whether a cleaned value can be a Sage customer code.

    :param str value: the cleaned value.
    :rtype: bool
    """
    return bool(SAGE_CODE_PATTERN.match(value))


def is_loopback(url):
    """Tell whether an address stays on this machine (the providers' sandbox).

    :param str url: an http(s) address.
    :rtype: bool
    """
    return urlsplit(url or '').hostname in LOOPBACK_HOSTS


def redirect_form_values(url):
    """Take an address apart for a form that is sent with GET, which drops its query.

    :param str url: where the payer goes.
    :return: `{'api_url': without the query, 'url_params': [(name, value), …]}`.
    :rtype: dict
    """
    parts = urlsplit(url)
    return {
        'api_url': parts._replace(query='').geturl(),
        'url_params': parse_qsl(parts.query, keep_blank_values=True),
    }


def is_private_address(url):
    """Tell whether an address cannot be opened from the Internet, as far as it shows.

    :param str url: an http(s) address.
    :rtype: bool
    """
    try:
        host = (urlsplit(url or '').hostname or '').rstrip('.')
    except ValueError:
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        # A name of one word is one of the local network.
        return '.' not in host or host.endswith(PRIVATE_SUFFIXES)


def provider_reference_text(value, length=60):
    """Reduce a text to the alphabet both providers accept in references.

    :param str value: any text, e.g. invoice names.
    :param int length: most characters kept.
    :return: only `A-Z a-z 0-9 - _ .`, never empty.
    :rtype: str
    """
    ascii_text = unicodedata.normalize('NFKD', value or '').encode('ascii', 'ignore').decode()
    return re.sub(r'[^A-Za-z0-9_.]+', '-', ascii_text).strip('-')[:length].strip('-') or 'payment'


def is_no_reply(email):
    """Tell whether an address says of itself that nobody reads it.

    :param str email: a normalized address.
    :rtype: bool
    """
    return bool(NO_REPLY_PATTERN.match(email or ''))


def group_by_four(number):
    """Write a bank account number in groups of four, as it is read aloud and typed.

    :param str number: the number without spaces.
    :rtype: str
    """
    return ' '.join(number[start : start + 4] for start in range(0, len(number), 4))
