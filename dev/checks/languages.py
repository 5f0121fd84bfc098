# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Which texts each language needs, and what is wrong with how they are translated.

French has every text. The other languages have what customers read, and what whoever sets the
module up reads; the daily work of accountants is in English there until somebody translates it.
"""

import collections
import functools
import re

import polib
from lxml import etree

from .. import settings

#: What each language is called, and how it counts.
LANGUAGES = {
    "de": ("German", "nplurals=2; plural=(n != 1);"),
    "es": ("Spanish", "nplurals=2; plural=(n != 1);"),
    "fr": ("French", "nplurals=2; plural=(n > 1);"),
    "it": ("Italian", "nplurals=2; plural=(n != 1);"),
    "nl": ("Dutch", "nplurals=2; plural=(n != 1);"),
    "pt": ("Portuguese", "nplurals=2; plural=(n != 1);"),
}
#: The language that has every text.
WHOLE = "fr"
#: Where texts are written that customers read: files, or folders of them.
CUSTOMERS = (
    "controllers/",
    "data/mail_template_data.xml",
    "data/payment_provider_data.xml",
    "models/account_move.py",
    "models/account_move_line.py",
    "models/pay_page/",
    "models/plan/pay_now_page_mixin.py",
    "models/plan/pay_now_plan_mail.py",
    "models/plan/pay_now_plan_page.py",
    "models/payment/payment_transaction.py",
    "models/payment/payment_transaction_again.py",
    "models/payment/payment_transaction_allocation.py",
    "models/payment/payment_transaction_checkout.py",
    "models/payment/payment_transaction_ending.py",
    "models/provider/payment_provider.py",
    "models/provider/payment_provider_amounts.py",
    "models/reminder/pay_now_reminder_interest.py",
    "models/reminder/pay_now_reminder_letter.py",
    "models/reminder/pay_now_reminder_mail.py",
    "report/pay_now_letter_reports.xml",
    "report/pay_now_letter_templates.xml",
    "report/pay_now_statement_reports.xml",
    "report/pay_now_statement_templates.xml",
    "report/report_customer_statement.py",
    "views/mail_templates.xml",
    "views/onboarding_templates.xml",
    "views/pay_page_templates.xml",
    "views/payment_templates.xml",
    "views/portal_templates.xml",
    "views/report_invoice_templates.xml",
)
#: The same of the set-up: its wizards, the settings, the levels of reminders, the providers.
SET_UP = (
    "data/web_tour_data.xml",
    "models/interest/pay_now_interest_rate.py",
    "models/plan/res_company.py",
    "models/provider/connection.py",
    "models/provider/payment_provider_accounting.py",
    "models/provider/payment_provider_books.py",
    "models/provider/payment_provider_clearing.py",
    "models/provider/payment_provider_commission.py",
    "models/provider/payment_provider_connection.py",
    "models/provider/payment_provider_health.py",
    "models/provider/payment_provider_home.py",
    "models/provider/payment_provider_platform.py",
    "models/provider/payment_provider_reconnect.py",
    "models/provider/payment_provider_webhook.py",
    "models/reminder/pay_now_reminder_level.py",
    "models/reminder/pay_now_reminder_run_forecast.py",
    "models/reminder/res_company.py",
    "models/res_company.py",
    "models/setup/",
    "models/statement/res_company.py",
    "static/src/js/tours/pay_now_setup.js",
    "views/payment_provider_views.xml",
    "views/pay_now_interest_rate_views.xml",
    "views/pay_now_reminder_level_views.xml",
    "views/res_config_settings_views.xml",
    "wizard/pay_now_connect",
    "wizard/pay_now_options",
    "wizard/pay_now_setup",
    "wizard/pay_now_trial",
)
#: Models whose fields the screens of the set-up show.
SET_UP_MODELS = (
    "pay_now_connect",
    "pay_now_notices",
    "pay_now_options",
    "pay_now_options_line",
    "pay_now_reminder_level",
    "pay_now_setup",
    "pay_now_trial",
    "payment_provider",
    "res_company",
    "res_config_settings",
)
#: Menus, and the titles of what they open.
MENUS = (
    "model:ir.actions.act_window,name:",
    "model:ir.actions.report,name:",
    "model:ir.ui.menu,name:",
)
CODE = f"code:addons/{settings.MODULE}/"
FIELD = re.compile(r"model:ir\.model\.fields,\w+:\w+\.field_(\w+?)__(\w+)")
SELECTION = re.compile(r"model:ir\.model\.fields\.selection,name:\w+\.selection__(\w+?)__(\w+?)__")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sdifr]|\{\{.*?\}\}|\bt-[\w-]+=(?:\".*?\"|'.*?')", re.S)
TAG = re.compile(r"</?\w[^>\s]*")


def required(entries, root):
    """Return the terms that every language has, in the order of the template.

    :param entries: the terms of the template, each with its occurrences.
    :param pathlib.Path root: the folder of the module.
    :rtype: list
    """
    records = {
        name
        for source in (*CUSTOMERS, *SET_UP)
        for path in _xml_files(root, source)
        for name in _ids(path)
    }
    shown = {
        name for source in SET_UP for path in _xml_files(root, source) for name in _fields(path)
    }
    is_needed = functools.partial(_is_needed, records=records, shown=shown)
    return [one for one in entries if any(is_needed(where) for where, _line in one.occurrences)]


def problems(root):
    """Name what is wrong in the translation files: one is missing, a term, a placeholder, a tag.

    :param pathlib.Path root: the folder of the module.
    """
    template = polib.pofile(str(root / f"i18n/{settings.MODULE}.pot"))
    needed = {entry.msgid for entry in required(template, root)}
    known = {entry.msgid for entry in template}
    found = []
    for lang in LANGUAGES:
        path = root / f"i18n/{lang}.po"
        if not path.is_file():
            found.append(f"{path.name}: missing")
            continue
        entries = [entry for entry in polib.pofile(str(path)) if not entry.obsolete]
        terms = {entry.msgid for entry in entries}
        found += [f"{path.name}: {text[:60]!r} is missing" for text in sorted(known - terms)]
        found += [f"{path.name}: {text[:60]!r} is no term" for text in sorted(terms - known)]
        for entry in entries:
            if one := entry_problem(entry, lang == WHOLE or entry.msgid in needed):
                found.append(f"{path.name}:{entry.linenum}: {entry.msgid[:60]!r} {one}")
    return found


def entry_problem(entry, is_needed):
    """Return what is wrong with the translation of a term, or nothing.

    :param polib.POEntry entry: the term with its translation.
    :param bool is_needed: the language is not complete without this term.
    """
    if "fuzzy" in entry.flags:
        return "is only guessed"
    if not entry.msgstr:
        return "is not translated" if is_needed else ""
    for what, pattern in (("placeholders", PLACEHOLDER), ("tags", TAG)):
        if _counted(pattern, entry.msgid) != _counted(pattern, entry.msgstr):
            return f"has other {what} in the translation"
    return ""


def _counted(pattern, text):
    return collections.Counter(pattern.findall(text))


def _is_needed(where, records, shown):
    """Return whether a term is needed for being at this place.

    :param str where: the place, as Odoo's export writes it.
    :param set records: XML ids of what customers read and of the set-up.
    :param set shown: names of the fields in the set-up.
    """
    if where.startswith(CODE):
        return where.removeprefix(CODE).startswith((*CUSTOMERS, *SET_UP))
    if match := SELECTION.match(where) or FIELD.match(where):
        model, name = match.groups()
        return model in SET_UP_MODELS and name in shown
    return where.startswith(MENUS) or where.rpartition(".")[2] in records


def _xml_files(root, source):
    """Return the XML files of a source, which is a file, a folder or how a file's name begins."""
    return [path for path in root.glob(f"{source}*") if path.suffix == ".xml"]


def _ids(path):
    """Return the ids of what a data file defines."""
    tree = etree.parse(path)
    return tree.xpath("//record[@id]/@id | //template[@id]/@id")


def _fields(path):
    """Return the names of the fields that the views of a file show or label."""
    tree = etree.parse(path)
    return tree.xpath("//record//field//field/@name | //record//label/@for")
