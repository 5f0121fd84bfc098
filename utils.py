# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Pure helpers: text, codes, addresses. None touches the database."""

import hashlib
import hmac
import ipaddress
import re
import unicodedata
from urllib.parse import parse_qsl, urlsplit

from markupsafe import Markup

from odoo.exceptions import ValidationError
from odoo.tools import email_normalize, formataddr
from odoo.tools.mail import email_normalize_all, email_split_tuples

from odoo.addons.base.models.ir_mail_server import extract_rfc2822_addresses


class PayerError(ValidationError):
    """Why a payer cannot go on, in the payer's language.

    The only errors whose words a public page shows: what Odoo or another module raises is written
    for people of the company.
    """


class TooOften(PayerError):
    """Something is done so often with an address that somebody plays with it.

    :param str message: in the payer's language.
    :param datetime until: when it can be done again (UTC).
    """

    def __init__(self, message, until):
        super().__init__(message)
        self.until = until


SAGE_CODE_PATTERN = re.compile(r'^[A-Za-z0-9\-_./]{1,32}$')
LOOPBACK_HOSTS = ('127.0.0.1', 'localhost', '::1')
#: Local parts of addresses that nobody reads, in English and French.
NO_REPLY_PATTERN = re.compile(
    r'^(mailer-daemon|bounces?|(no|do[-_.]?not|ne[-_.]?pas)[-_.]?(reply|respond|repondre))(?![a-z])',
    re.IGNORECASE,
)
#: What ends or hides the lines of a header: C0, C1, and Unicode's own line ends.
CONTROL_CHARACTERS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]+')
#: What separates, quotes or surrounds the addresses of a header.
ADDRESS_MARKS = re.compile(r'[,;:<>@()\[\]"\\]+')
#: A name that fits into one line of a header, where Python keeps the quotes around it.
LONGEST_QUOTED_NAME = 40
#: What a mail has on one side only.
SIDES = re.compile(r'((?:\salign="|text-align:\s*))(left|right)\b')
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


def is_address_of(url, domains, hosts=()):
    """Tell whether an address is on a host of some domains, by https on its usual port.

    :param str url: an address from outside.
    :param tuple domains: e.g. `stripe.com`, which stands for its hosts, too.
    :param tuple hosts: further ones, to the letter.
    :rtype: bool
    """
    try:
        parts = urlsplit(url or '')
        port = parts.port
    except ValueError:
        return False
    # What browsers read otherwise than we do.
    if parts.scheme != 'https' or port not in (None, 443) or '@' in parts.netloc or '\\' in url:
        return False
    host = parts.hostname or ''
    return bool(host) and (
        host in hosts or any(host == domain or host.endswith(f'.{domain}') for domain in domains)
    )


def host_of(url):
    """Return the host that an address names, empty where it names none.

    :param str url: an address from outside.
    :rtype: str
    """
    try:
        return urlsplit(url or '').hostname or ''
    except ValueError:
        return ''


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


def is_in_share(partner_id, company_id, percent):
    """Tell whether chance puts a customer of a company into a share of all: always the same answer.

    By the hash of both ids, as SQL has it: `('x' || left(md5(partner || '-' || company),
    7))::bit(28)::int % 10000 < percent * 100`. Whoever is in a share is in each larger one.

    :param int partner_id: the customer.
    :param int company_id: the company.
    :param float percent: how large the share is.
    :rtype: bool
    """
    text = f'{partner_id}-{company_id}'.encode()
    digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
    return int(digest[:7], 16) % 10000 < percent * 100


def same_secret(known, given):
    """Compare a secret with what came in an address, in constant time.

    :param str known: the secret; nothing fits none.
    :param str given: any text at all.
    :rtype: bool
    """
    # As bytes: text with other letters is refused by an error, which tells that there is a secret.
    return bool(known) and hmac.compare_digest(
        known.encode(), (given or '').encode(errors='replace')
    )


def accepted_lang(wanted, installed):
    """Choose the language that a browser likes best of those there are.

    :param wanted: its languages, the best first, e.g. fr-CA, fr.
    :param installed: codes of languages, e.g. fr_FR.
    :return: a code, or None where none of them is known.
    :rtype: str | None
    """
    for tag in wanted:
        code = tag.replace('-', '_').lower()
        near = [one for one in installed if one.lower().partition('_')[0] == code.partition('_')[0]]
        if near:
            return next((one for one in near if one.lower() == code), near[0])
    return None


def mirrored(html):
    """Turn a part of a mail round, for languages that are written from right to left.

    Mails have no style sheet that knows the direction, and Outlook knows `left` and `right` only.

    :param markupsafe.Markup html: what was rendered as for a language from left to right.
    :rtype: markupsafe.Markup
    """
    sides = {'left': 'right', 'right': 'left'}
    return type(html)(
        SIDES.sub(lambda match: f'{match[1]}{sides[match[2]]}', str(html)),
    )


def is_no_reply(email):
    """Tell whether an address says of itself that nobody reads it.

    :param str email: a normalized address.
    :rtype: bool
    """
    return bool(NO_REPLY_PATTERN.match(email or ''))


def header_text(value):
    """Write a text as one line that may stand in a header, whoever wrote it.

    What looks like an encoded word (RFC 2047) would be decoded, and may hold a line end again.

    :param str value: e.g. a subject.
    :rtype: str
    """
    return CONTROL_CHARACTERS.sub(' ', value or '').replace('=?', '= ?').strip()


def header_name(value):
    """Write a name so that it can stand before an address, and adds none.

    Python drops the quotes of what is long or not ASCII as it folds a header: there, what would
    then separate or mark addresses is blanked.

    :param str value: of a contact, a user or a company.
    :rtype: str
    """
    name = header_text(value)
    if len(name) > LONGEST_QUOTED_NAME or not name.isascii():
        name = ' '.join(ADDRESS_MARKS.sub(' ', name).split())
    return name


def email_addresses(value):
    """Return the addresses that Odoo's mail server sends to, of what an e-mail field holds.

    :param str value: e.g. "a@example.com; b@example.com".
    :return: as the mail server gets them: each once, domains in ASCII (IDNA).
    :rtype: list[str]
    """
    found = {}
    for address in email_normalize_all(header_text(value)):
        try:
            sent = formataddr(('', address), charset='ascii')
        except UnicodeError:  # idna's errors are
            continue
        # Whatever the mail server would read as nothing, or as something else.
        if extract_rfc2822_addresses(sent) == [sent]:
            found[sent] = True
    return list(found)


def contact_addresses(partner):
    """Return the addresses that a contact is written to at: its own, else its customer's.

    :param res.partner partner: the contact.
    :rtype: list[str]
    """
    return email_addresses(partner.email) or email_addresses(partner.commercial_partner_id.email)


def single_email(value):
    """Return the address that somebody typed, or that is chosen.

    :param str value: what was typed.
    :return: normalized; empty if it is none that mails reach, or more than one.
    :rtype: str
    """
    address = email_normalize(header_text(value))
    return address if address and email_addresses(address) else ''


def email_header(name, value):
    """Write whom a mail is to, or from: every address of an e-mail field, under one name.

    :param str name: of a contact, a user or a company, as it is stored.
    :param str value: what its e-mail field holds.
    :return: empty if there is no address that mails reach.
    :rtype: str
    """
    return ', '.join(_header_parts([(name, value)]))


def email_header_list(value):
    """Write a header of addresses once more, with nothing in it but them and their names.

    :param str value: e.g. what a template says.
    :return: one text for each address.
    :rtype: list[str]
    """
    return _header_parts(email_split_tuples(header_text(value)))


def _header_parts(pairs):
    """Return each address under its name, of pairs of a name and an e-mail field."""
    parts = [(header_name(name), one) for name, value in pairs for one in email_addresses(value)]
    if len(parts) > 1:
        # Python encodes the comma after a name that is not ASCII, where a line ends there.
        parts = [(name if name.isascii() else '', address) for name, address in parts]
    return [formataddr(part) for part in parts]


def masked_emails(value):
    """Write e-mail addresses so that only whoever knows them recognises them.

    :param str value: what an e-mail field holds.
    :return: e.g. "v…@e…", empty without an address.
    :rtype: str
    """
    return ', '.join(
        '@'.join(f'{part[:1]}…' for part in one.rpartition('@')[::2])
        for one in email_addresses(value)
    )


def empty_list_help(title, text):
    """Return what a list says where there is nothing in it.

    :param str title: that there is nothing.
    :param str text: what comes here, and what to do.
    :rtype: markupsafe.Markup
    """
    return Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>') % (title, text)


def group_by_four(number):
    """Write a bank account number in groups of four, as it is read aloud and typed.

    :param str number: the number without spaces.
    :rtype: str
    """
    return ' '.join(number[start : start + 4] for start in range(0, len(number), 4))


def hex_color(value):
    """Return a colour as six hexadecimal digits.

    :param str value: what somebody typed, e.g. #abc.
    :return: e.g. #aabbcc, or None for anything else.
    :rtype: str | None
    """
    match = re.fullmatch(r'#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})', (value or '').strip())
    if not match:
        return None
    digits = match[1].lower()
    return '#' + (digits if len(digits) == 6 else ''.join(digit * 2 for digit in digits))


def contrast(one, other):
    """Return how well two colours stand apart (WCAG 2.1, "contrast ratio").

    :param str one: a colour as `hex_color` gives it.
    :param str other: another one.
    :return: from 1 (the same) to 21 (black on white).
    :rtype: float
    """

    def luminance(color):
        channels = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
        red, green, blue = (
            value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
            for value in channels
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable_text(background, wanted=None):
    """Return a text colour that can be read on a background (WCAG 2.1 AA asks for 4.5).

    :param str background: a colour as `hex_color` gives it.
    :param str wanted: taken where it can be read.
    :return: `wanted`, else white or black, whatever stands out more.
    :rtype: str
    """
    if wanted and contrast(background, wanted) >= 4.5:
        return wanted
    return max('#ffffff', '#000000', key=lambda color: contrast(background, color))
