# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a bank statement line says, by whole words: letters run together say nothing."""

import re
import unicodedata

#: What banks write around the name of whoever transfers money; nothing of it names a customer.
# fmt: off
TRANSFER_WORDS = frozenset({
    'AUSZAHLUNG', 'AVIS', 'BONIFICO', 'BY', 'CREDIT', 'CREDITO', 'CT', 'DE', 'DO', 'DU',
    'EMIS', 'EMPFANGEN', 'ENTRANT', 'EUR', 'EUROPE', 'FROM', 'GUTSCHRIFT', 'INST', 'INSTANT',
    'INSTANTANE', 'INTL', 'INWARD', 'LIMITED', 'LTD', 'MOTIF', 'OVERBOEKING',
    'OVERSCHRIJVING', 'PAYOUT', 'PAYOUTS', 'RECEIVED', 'RECU', 'RECUE', 'REF', 'REFERENCE',
    'REJET', 'RETOUR', 'RETURN', 'RETURNED', 'SCT', 'SEPA', 'TRACE', 'TRANSFER',
    'TRANSFERENCIA', 'UBERWEISUNG', 'UEBERWEISUNG', 'VERS', 'VIR', 'VIREMENT', 'VON',
})
# fmt: on


def words(text):
    """Return the words of a text as banks write them: upper case, without accents.

    :param str text: any text, or nothing.
    :rtype: list of str
    """
    plain = unicodedata.normalize('NFKD', text or '')
    plain = ''.join(char for char in plain if not unicodedata.combining(char))
    return re.findall(r'[A-Z0-9]+', plain.upper())


def names(text_words, name):
    """Tell whether words name something, however the bank divides it: whole words together.

    :param list text_words: of `words`.
    :param str name: e.g. a reference.
    :rtype: bool
    """
    wanted = ''.join(words(name))
    if not wanted:
        return False
    for first in range(len(text_words)):
        found = ''
        for word in text_words[first:]:
            found += word
            if found == wanted:
                return True
            if len(found) >= len(wanted):
                break
    return False


def is_reference(text):
    """Tell whether a text is a reference that nobody else writes: long, and with digits.

    :param str text: what the provider says that the bank's statement shows.
    :rtype: bool
    """
    joined = ''.join(words(text))
    return len(joined) > 8 and bool(re.search(r'\d', joined))


def other_words(text_words, *known):
    """Return the words that are neither usual around a transfer nor known.

    Words with a digit are references, of whatever kind; single letters are of abbreviations.

    :param list text_words: of `words`.
    :param str known: names whose words are known.
    :rtype: set of str
    """
    usual = {word for name in known for word in words(name)} | TRANSFER_WORDS
    return {
        word
        for word in text_words
        if word not in usual and len(word) > 1 and not re.search(r'\d', word)
    }
