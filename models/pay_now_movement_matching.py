# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import defaultdict, namedtuple

from odoo import api, models
from odoo.fields import Domain

from odoo.addons.account_pay_now.gateways import GATEWAYS

#: What the books know of a movement: its state, its transaction, and the journal items on the
#: clearing account that book it.
Match = namedtuple('Match', ('state', 'transaction', 'lines'))
#: What is looked at again whenever something new may be known.
UNDECIDED = ('waiting', 'foreign')


class PayNowMovement(models.Model):
    """Which entries of ours a provider's movements stand for. A few queries for any number."""

    _inherit = 'pay.now.movement'

    # === BUSINESS METHODS - LISTING === #

    @api.model
    def _sweep(self, provider):
        """List the movements of the balance and keep those that the books do not know (yet).

        :param payment.provider provider: whose turn was taken.
        """
        found = list(
            provider._pay_now_gateway().list_movements(provider._pay_now_list_since(days=1))
        )
        stored = set(
            self.search(
                Domain('provider_id', '=', provider.id)
                & Domain('movement_ref', 'in', [line.id for line in found])
            ).mapped('movement_ref')
        )
        found = [line for line in found if line.id not in stored]
        self._hear_of_reversals(provider, found)
        matches = self._identify(provider, found)
        unknown = [line for line in found if matches[line.id].state in UNDECIDED]
        self._store(provider, unknown)._write_matches(matches)
        self.search([('provider_id', '=', provider.id), ('state', 'in', UNDECIDED)])._look_again()

    @api.model
    def _hear_of_reversals(self, provider, found):
        """Let disputes follow from the report of payments that the provider took back.

        :param payment.provider provider: whose turn was taken.
        :param list found: `gateways.base.Movement`.
        """
        told = [line for line in found if line.reversal]
        ours = self._payments_of(provider, told)
        payments = self.env['payment.transaction'].union(*ours.values())
        known = set(payments.pay_now_dispute_ids.mapped('reversal_ref'))
        refs = [one.source_id for one in told if one.id in ours and one.source_id not in known]
        if refs:
            self.env['pay.now.dispute']._synchronize(provider, refs)

    def _look_again(self):
        """Identify movements anew; what somebody decided stays as it is.

        :return: what was found, by movement id.
        :rtype: dict
        """
        matches = {}
        for provider, movements in self.grouped('provider_id').items():
            found = self._identify(provider, movements._read_again())
            movements._write_matches(found)
            matches.update(found)
        return matches

    def _write_matches(self, matches):
        by_values = defaultdict(self.browse)
        for movement in self:
            match = matches[movement.movement_ref]
            state = match.state if movement.state in (*UNDECIDED, 'ours') else movement.state
            if (state, match.transaction) != (movement.state, movement.transaction_id):
                by_values[state, match.transaction.id] |= movement
        for (state, transaction_id), movements in by_values.items():
            movements.write({'state': state, 'transaction_id': transaction_id})

    def _not_booked(self):
        """Return how much of a movement is not on the clearing account."""
        self.ensure_one()
        match = self._identify(self.provider_id, self._read_again())[self.movement_ref]
        return self.net - sum(match.lines.mapped('balance'))

    # === BUSINESS METHODS - MATCHING === #

    @api.model
    def _identify(self, provider, found):
        """Find the entries of ours that movements stand for.

        :param payment.provider provider: whose balance moved.
        :param list found: `gateways.base.Movement`.
        :return: `{movement id: Match}`
        :rtype: dict
        """
        payments = self._payments_of(provider, found)
        refunds = self._refunds_of(provider, found)
        payouts = self._payouts_of(provider, found)
        booked = {
            movement.movement_ref: movement
            for movement in self.search(
                Domain('provider_id', '=', provider.id)
                & Domain('movement_ref', 'in', [line.id for line in found])
                & Domain('move_id', '!=', False)
            )
        }
        clearing = provider.pay_now_clearing_account_id
        none = self.env['payment.transaction']
        paid = none.union(*payments.values())
        # Read all of them at once, not one by one below.
        (paid.payment_id.move_id | paid.pay_now_commission_move_id).line_ids.mapped('account_id')
        matches = {}
        for line in found:
            payment = payments.get(line.id, none)
            known, moves = bool(payment), self.env['account.move']
            if line.id in booked:
                known, moves = True, booked[line.id].move_id
            elif line.kind == 'payment':
                moves = payment.payment_id.move_id | payment.pay_now_commission_move_id
            elif line.kind == 'refund' or line.source_id in refunds:
                refund = refunds.get(line.source_id, none)
                known = known or bool(refund)
                moves = refund._pay_now_entries()
            elif line.kind in ('payout', 'payout_failure'):
                payout = payouts.get(line.id) or payouts.get(line.source_id)
                known = bool(payout)
                if payout:
                    moves = payout.move_id if line.kind == 'payout' else payout.reversal_move_id
            items = moves.line_ids.filtered(lambda item: item.account_id == clearing)
            if line.source_id in refunds:
                # A refund and its failure are entries of one payment, each on its own side.
                items = items.filtered(lambda item, net=line.net: (item.balance < 0) == (net < 0))
            matches[line.id] = Match(
                self._state_of(provider, line, known, payment, items), payment, items
            )
        return matches

    @api.model
    def _state_of(self, provider, line, known, payment, items):
        """Return the state of a movement that nobody decided about."""
        if not known:
            return 'foreign'
        if (
            line.kind == 'dispute'
            and not items
            and payment.pay_now_dispute_ids
            and not GATEWAYS[provider.code].names_dispute_movements
        ):
            # Reported under another id than the dispute's own movement, which counts.
            return 'ours'
        missing = float(line.net) - sum(items.mapped('balance'))
        same = line.currency == provider.company_id.currency_id.name
        return 'ours' if same and provider.company_id.currency_id.is_zero(missing) else 'waiting'

    @api.model
    def _payments_of(self, provider, found):
        """Return the payments of ours that movements, or disputes, belong to, by their id."""
        return self.env['payment.transaction']._pay_now_find(
            provider, {one.id: one for one in found}
        )

    @api.model
    def _refunds_of(self, provider, found):
        """Return the refund transactions that movements belong to, by the refund's id."""
        # What PayPal took back may have been booked as a refund at first.
        kinds = ('refund', 'dispute')
        refs = [line.source_id for line in found if line.kind in kinds and line.source_id]
        txs = self.env['payment.transaction'].search(
            Domain('provider_id', '=', provider.id)
            & Domain('operation', '=', 'refund')
            & Domain('provider_reference', 'in', refs)
        )
        return {tx.provider_reference: tx for tx in txs}

    @api.model
    def _payouts_of(self, provider, found):
        """Return the payouts that movements are of, by the id of the movement or the payout."""
        lines = [line for line in found if line.kind in ('payout', 'payout_failure')]
        refs = [ref for line in lines for ref in (line.id, line.source_id) if ref]
        fields = ('movement_ref', 'failure_movement_ref', 'payout_ref')
        payouts = self.env['pay.now.payout'].search(
            Domain('provider_id', '=', provider.id)
            & Domain.OR(Domain(field, 'in', refs) for field in fields)
        )
        return {payout[field]: payout for payout in payouts for field in fields if payout[field]}
