# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A network for invoices that is not installed here, with the names that Odoo's module has."""

from unittest.mock import patch

from odoo import fields, models
from odoo.orm.model_classes import add_to_registry

from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: Those of `l10n_fr_pdp`, but for what it only keeps of vendor bills.
STATES = (
    *('ready', 'to_send', 'processing', 'done', 'error', 'submitted', 'received'),
    *('made_available', 'in_hand', 'approved', 'contested', 'refused', 'payment_sent', 'paid'),
    *('rejected', 'cancelled'),
)


class NetworkCommon(PayNowCommon):
    """Invoices leave by `pdp`, and what the buyer's platform says is in `pdp_move_state`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.refused = False
        cls.env.cr.execute("ALTER TABLE account_move ADD COLUMN pdp_move_state varchar")

        class AccountMove(models.Model):
            _module = None
            _inherit = 'account.move'

            pdp_move_state = fields.Selection([(one, one) for one in STATES], copy=False)

        class ResPartner(models.Model):
            _module = None
            _inherit = 'res.partner'

            invoice_sending_method = fields.Selection(selection_add=[('pdp', "by Platform")])

        names = ['account.move', 'res.partner']
        # After the definitions were taken away again.
        cls.addClassCleanup(lambda: cls.registry._setup_models__(cls.env.cr, names))
        for definition in (AccountMove, ResPartner):
            model = cls.registry[definition._name]
            cls.addClassCleanup(setattr, model, '_base_classes__', model._base_classes__)
            add_to_registry(cls.registry, definition)
        cls.registry._setup_models__(cls.env.cr, names)
        cls.startClassPatcher(
            patch.object(
                cls.registry['account.move.send'],
                '_call_web_service_after_invoice_pdf_render',
                lambda _send, data: cls.hand_over(data),
            )
        )

    @classmethod
    def hand_over(cls, moves_data):
        """The network takes what is sent by it, or refuses all of it."""
        for move, data in moves_data.items():
            if 'pdp' not in data['sending_methods']:
                continue
            move.pdp_move_state = 'error' if cls.refused else 'processing'
            if cls.refused:
                data['error'] = {'error_title': "The network does not answer"}
