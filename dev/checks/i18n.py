# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Keeps ``i18n/`` in step with the source: new terms appear, translations stay."""

import polib

from .. import settings
from ..env import console, databases, odoo
from . import languages, wording

#: The command line of Odoo's own export takes none of our options.
EXPORT = '''
from odoo.tools.translate import trans_export

with open(%r, 'wb') as target:
    trans_export(False, [%r], target, 'po', env)
'''
FOLDER = settings.CHECKOUT / 'i18n'


def export(server):
    """Export the terms and merge them into the file of each language.

    :return: 0, or 1 while a language lacks a term that it needs.
    """
    template = FOLDER / f'{settings.MODULE}.pot'
    FOLDER.mkdir(exist_ok=True)
    with databases.temporary(server, databases.module(server)) as name:
        odoo.shell(server, name, EXPORT % (str(template), settings.MODULE), 'i18n')
    terms = polib.pofile(str(template))
    needed = {entry.msgid for entry in languages.required(terms, settings.CHECKOUT)}
    missing = 0
    for lang, (language, plurals) in languages.LANGUAGES.items():
        entries = merge(FOLDER / f'{lang}.po', terms, lang)
        entries.metadata |= {'Language-Team': language, 'Language': lang, 'Plural-Forms': plurals}
        entries.save()
        open_terms = [
            entry
            for entry in entries
            if languages.entry_problem(entry, lang == languages.WHOLE or entry.msgid in needed)
        ]
        for entry in open_terms:
            console.say(f"   no {language}: {entry.msgid!r}")
        console.say(f"{language}: {len(entries)} terms, {len(open_terms)} to translate")
        missing += len(open_terms)
    return 1 if missing else 0


def merge(path, terms, lang):
    """Return a translation file with the terms of the template, and no others.

    :param pathlib.Path path: the file, whether there is one or not.
    :param polib.POFile terms: the template.
    :param str lang: the language; French is written as French prints it.
    :rtype: polib.POFile
    """
    entries = polib.pofile(str(path)) if path.exists() else polib.POFile()
    entries.fpath = str(path)
    entries.metadata = dict(terms.metadata)
    entries.merge(terms)
    for entry in entries.obsolete_entries():
        entries.remove(entry)
    if lang == 'fr':
        for entry in entries:
            entry.msgstr = wording.french(entry.msgstr)
    return entries
