# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Keeps ``i18n/`` in step with the source: new terms appear, translations stay."""

import polib

from .. import settings
from ..env import console, databases, odoo
from . import wording

#: The command line of Odoo's own export takes none of our options.
EXPORT = '''
from odoo.tools.translate import trans_export

with open(%r, 'wb') as target:
    trans_export(False, [%r], target, 'po', env)
'''
FOLDER = settings.CHECKOUT / 'i18n'
#: What Odoo's export leaves empty in the header.
HEADER = {
    'Language-Team': 'French',
    'Language': 'fr',
    'Plural-Forms': 'nplurals=2; plural=(n > 1);',
}


def export(server):
    """Export the terms and merge them into the French file.

    :return: 0, or 1 while a term has no French.
    """
    template = FOLDER / f'{settings.MODULE}.pot'
    FOLDER.mkdir(exist_ok=True)
    with databases.temporary(server, databases.module(server)) as name:
        odoo.shell(server, name, EXPORT % (str(template), settings.MODULE), 'i18n')
    terms = polib.pofile(str(template))
    path = FOLDER / 'fr.po'
    french = polib.pofile(str(path)) if path.exists() else polib.POFile()
    french.metadata = {**terms.metadata, **HEADER}
    french.merge(terms)
    for entry in french.obsolete_entries():
        french.remove(entry)
    for entry in french:
        entry.msgstr = wording.french(entry.msgstr)
    french.save(str(path))
    open_terms = french.untranslated_entries() + french.fuzzy_entries()
    for entry in open_terms:
        console.say(f"   no French: {entry.msgid!r}")
    console.say(f"{len(french)} terms, {len(open_terms)} without French")
    return 1 if open_terms else 0
