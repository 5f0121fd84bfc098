# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A network for invoices that is not installed here, with the names that Odoo's module has."""

from unittest.mock import patch

from odoo import api, fields, models
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
        cls.env.cr.execute("""
            ALTER TABLE account_move
              ADD COLUMN pdp_move_state varchar,
              ADD COLUMN pdp_reported numeric,
              ADD COLUMN pdp_lifecycle_residual numeric
        """)

        class AccountMove(models.Model):
            _module = None
            _inherit = 'account.move'

            pdp_move_state = fields.Selection([(one, one) for one in STATES], copy=False)
            pdp_reported = fields.Monetary(copy=False)
            pdp_lifecycle_residual = fields.Monetary(
                compute='_compute_pdp_lifecycle_residual', store=True, copy=False
            )

            @api.depends(
                'line_ids.matched_debit_ids.debit_move_id',
                'line_ids.matched_credit_ids.credit_move_id',
                'pdp_move_state',
                'pdp_reported',
                'payment_state',
            )
            def _compute_pdp_lifecycle_residual(self):
                """What was collected and is not reported to the tax office yet."""
                for move in self:
                    other = 'out_invoice' if move.move_type == 'out_refund' else 'out_refund'
                    collected = move.direction_sign * sum(
                        line.balance
                        for line in move._get_reconciled_amls()
                        if line.move_id.move_type != other
                    )
                    told = move.pdp_reported or (
                        move.pdp_move_state and move.payment_state in ('paid', 'partial')
                    )
                    move.pdp_lifecycle_residual = told and collected - move.pdp_reported

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
    def report(cls):
        """Report to the platform what was collected; return the amounts, by document."""
        moves = cls.env['account.move'].search(
            [('pdp_move_state', '!=', False), ('pdp_lifecycle_residual', '!=', 0)]
        )
        amounts = {move: move.pdp_lifecycle_residual for move in moves}
        for move, amount in amounts.items():
            move.write({'pdp_reported': move.pdp_reported + amount, 'pdp_move_state': 'paid'})
        return amounts

    @classmethod
    def hand_over(cls, moves_data):
        """The network takes what is sent by it, or refuses all of it."""
        for move, data in moves_data.items():
            if 'pdp' not in data['sending_methods']:
                continue
            move.pdp_move_state = 'error' if cls.refused else 'processing'
            if cls.refused:
                data['error'] = {'error_title': "The network does not answer"}
