# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Half a year of a mill and its customers: who buys what, and how each of them pays."""

from dataclasses import dataclass

#: What is sold, and the price of one.
PRODUCTS = (
    ("Farine de blé T65, sac de 25 kg", 24.50),
    ("Farine de seigle T130, sac de 25 kg", 29.80),
    ("Farine de sarrasin, sac de 10 kg", 21.40),
    ("Semoule de blé dur, sac de 20 kg", 26.90),
    ("Levain de blé, seau de 5 kg", 18.75),
)
#: Invoices of the half year, in days from today; each falls due 30 days later.
MONTHS = (-175, -145, -115, -85, -55, -25)
DUE_DAYS = 30


@dataclass(frozen=True)
class Habit:
    """How a customer pays.

    :param str partner: the end of the customer's external id.
    :param str by: `stripe`, `paypal`, `sepa`, `transfer`, or empty for who does not pay.
    :param tuple days: from the due date, the earliest and the latest; negative: before it.
    :param tuple invoiced: days from today of the invoices.
    """

    partner: str
    by: str
    days: tuple = (-3, 2)
    invoiced: tuple = MONTHS


HABITS = (
    Habit('epis', 'stripe', (-12, -2)),
    Habit('gare', 'paypal', (4, 14)),
    Habit('port', 'sepa', (-8, 6)),
    Habit('violette', 'stripe', (1, 9), MONTHS[:-2]),
    Habit('lilas', 'transfer', (8, 25), MONTHS[:-2]),
    Habit('kleber', 'paypal', (-5, 5), MONTHS[:-2]),
    Habit('marche', 'stripe', (-6, 3), MONTHS[:-1]),
    Habit('dumas', 'stripe', (-2, 4), MONTHS[:-1]),
    Habit('colbert', 'transfer', (2, 12), MONTHS[:-2]),
    # Who is reminded, and has paid before.
    Habit('cedre', 'stripe', (5, 15), MONTHS[:3]),
    Habit('marchal', 'paypal', (9, 20), MONTHS[:2]),
    Habit('lefevre', '', invoiced=()),
    Habit('berthe', 'transfer', (5, 12), MONTHS[:3]),
)
#: Invoices that are left open, as `(partner, days from today that they fall due)`.
OPEN = (
    ('epis', 12),
    ('gare', 9),
    ('violette', -9),
    ('lilas', -16),
    ('kleber', -11),
    ('cedre', -13),
    ('cedre', 17),
    ('marchal', -41),
    ('lefevre', -64),
    ('lefevre', -34),
    ('berthe', -22),
    ('colbert', 3),
    ('marche', 6),
    ('dumas', -6),
    ('port', 2),
)
#: Reminders that were sent: partner, and how many days ago, in the order in which they left.
REMINDED = (('lefevre', 52), ('lefevre', 31), ('marchal', 34), ('marchal', 15), ('cedre', 6))
#: What customers said instead of paying: partner, kind, days from today, and their words.
ANSWERS = (
    ('violette', 'promise', 4, ""),
    ('lilas', 'paid', -2, ""),
    ('kleber', 'problem', None, "Deux sacs de farine de seigle sont arrivés déchirés."),
)
#: Who asks to pay in parts, how many, and how often.
PLANS = (('dumas', 3, 'monthly'),)
#: Who got a statement of account, and how many days ago.
STATEMENTS = (('lefevre', 5),)
#: Who has transferred an invoice that is not matched yet, and how many days ago.
TRANSFERS = (('port', 1),)
#: The account that customers transfer to: the example that French banks print.
BANK, BIC, IBAN = "Banque du Canal", 'AGRIFRPP', 'FR7630006000011234567890189'
#: Days from today of the payouts to the bank, by provider.
PAYOUTS = {
    'pay_now_stripe': (-120, -106, -92, -78, -64, -50, -36, -22, -8),
    'pay_now_paypal': (-98, -67, -37, -9),
}
