# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# Odoo collects the modules named test_… that it finds here, those of the packages too.
from . import (
    test_authority,
    test_authority_attacks,
    test_belonging,
    test_belonging_history,
    test_belonging_table,
    test_beside,
    test_copies,
    test_eligibility,
    test_flows,
    test_forged_links,
    test_invoice_mail,
    test_invoice_pdf,
    test_language_screens,
    test_mail_addresses,
    test_mail_watch,
    test_public_methods,
    test_screens,
    test_to_handle,
    test_undone,
    test_untranslated,
    test_walks,
    test_words,
)
from .collection import *
from .demo import *
from .discrepancy import *
from .dispute import *
from .einvoice import *
from .interest import *
from .notice import *
from .pay_page import *
from .payment import *
from .payout import *
from .plan import *
from .provider import *
from .refund import *
from .reminder import *
from .setup import *
from .statement import *
from .transfer import *
