# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.pay_now_discrepancy_findings import AtProvider, names


class PayNowDiscrepancy(models.Model):
    """What the provider says and what the books hold: compared, and closed when right."""

    _inherit = 'pay.now.discrepancy'

    # === BUSINESS METHODS - COMPARISON === #

    @api.model
    def _compare(self, provider, listed):
        """Compare the payments of a provider with the books.

        The provider is only asked about payments that its list does not name, or about some of
        them where it gives no list.

        :param payment.provider provider: whose payments they are.
        :param list listed: `gateways.base.Movement` of payments, None where it gives no list.
        :return: how many payments were looked at.
        :rtype: int
        :raise GatewayUnavailable: the provider does not answer.
        """
        company = provider.company_id
        self = self.sudo().with_company(company).with_context(lang=company._pay_now_lang())
        by_tx = self._listed_by_transaction(provider, listed or ())
        booked = self._booked_lately(provider)
        listed_txs = self.env['payment.transaction'].union(*by_tx)
        before = self.search(self._open_domain(provider))
        todo = (booked | before.transaction_id) - listed_txs
        if listed is None:
            todo |= self._unbooked_lately(provider)
        answers = self._ask(todo)
        looked_at = listed_txs.union(*answers)
        ours = booked | looked_at | before.transaction_id
        books = self._read_books(ours)
        findings = self._find_booked_twice(books)
        for tx in looked_at:
            findings += self._find_differences(tx, by_tx.get(tx, ()), answers.get(tx), books)
        findings += self._find_paid_twice(ours)
        (before - self._report_findings(findings))._close_right(looked_at, books)
        return len(looked_at)

    @api.model
    def _compared_dates(self):
        """Return from when to when payments are compared; instants, so that no zone matters.

        :rtype: tuple(datetime.datetime, datetime.datetime)
        """
        now = fields.Datetime.now()
        return (
            now - timedelta(days=const.COMPARISON_DAYS),
            now - timedelta(minutes=const.COMPARISON_GRACE_MINUTES),
        )

    @api.model
    def _listed_by_transaction(self, provider, listed):
        """Return the payments in a provider's list that carry a reference of ours.

        :param list listed: `gateways.base.Movement`.
        :return: `{transaction: [movements]}`
        :rtype: dict
        """
        _first, newest = self._compared_dates()
        database = self.env['ir.config_parameter'].get_param('database.uuid')
        payments = self.env['pay.now.movement']._payments_of(provider, listed)
        by_tx = defaultdict(list)
        for line in listed:
            tx = payments.get(line.id)
            made_at = utils.naive_utc(line.created_at)
            if not tx or made_at > newest:
                continue
            # The same reference in other books, or from before these books, is not ours.
            if not names(tx, line) and (
                (line.database and line.database != database)
                or made_at < tx.create_date - timedelta(minutes=const.COMPARISON_SKEW_MINUTES)
            ):
                continue
            by_tx[tx].append(line)
        return by_tx

    @api.model
    def _booked_lately(self, provider):
        """Return the payments of the last days that are confirmed in the books."""
        first, last = self._compared_dates()
        return self.env['payment.transaction'].search(
            Domain('provider_id', '=', provider.id)
            & Domain('operation', '!=', 'refund')
            & Domain('state', '=', 'done')
            & Domain('pay_now_paid_at', '>=', first)
            & Domain('pay_now_paid_at', '<=', last)
        )

    @api.model
    def _ask(self, transactions):
        """Ask the provider about payments that its list does not name.

        Those asked about longest ago come first: what one comparison leaves, another one does.

        :param payment.transaction transactions: whom to ask about.
        :return: `{transaction: AtProvider}`
        :rtype: dict
        """
        first = fields.Datetime.to_datetime('1970-01-01')
        todo = transactions.sorted(lambda tx: (tx.pay_now_compared_at or first, tx.id))
        todo = todo[: const.COMPARISON_QUESTIONS]
        answers = {}
        for tx in todo:
            payment = tx._pay_now_fetch()
            answers[tx] = (
                AtProvider(payment.state, payment.amount, payment.commission, payment.currency)
                if payment
                else AtProvider(None, 0, None, tx.currency_id.name)
            )
            if payment and payment.settlement_currency not in ('', payment.currency):
                answers[tx] = answers[tx]._replace(fee=None)
        # Others may work on some of them at this moment.
        todo.try_lock_for_update().pay_now_compared_at = fields.Datetime.now()
        return answers

    @api.model
    def _unbooked_lately(self, provider):
        """Return the checkouts of the last days that nobody paid as far as the books know."""
        first, last = self._compared_dates()
        return self.env['payment.transaction'].search(
            Domain('provider_id', '=', provider.id)
            & Domain('operation', '!=', 'refund')
            & Domain('state', '!=', 'done')
            & Domain('provider_reference', '!=', False)
            & Domain('create_date', '>=', first)
            & Domain('create_date', '<=', last)
        )

    # === BUSINESS METHODS - REPORTING === #

    @api.model
    def _open_domain(self, provider):
        return (
            Domain('transaction_id.provider_id', '=', provider.id)
            & Domain('kind', 'in', const.COMPARED_KINDS)
            & Domain('state', '=', 'open')
        )

    @api.model
    def _report_findings(self, findings):
        """Open what is new and keep what is known: dismissed, too, as long as it is the same.

        :param list findings: what is wrong now.
        :return: the discrepancies of the findings.
        :rtype: pay.now.discrepancy
        """
        known = defaultdict(self.browse)
        for one in self.search(
            Domain('transaction_id', 'in', [finding.transaction.id for finding in findings])
            & Domain('kind', 'in', const.COMPARED_KINDS)
            & Domain('state', 'in', ('open', 'dismissed'))
        ):
            known[one.transaction_id, one.kind] |= one
        found, new = self.browse(), {}
        for finding in findings:
            before = known[finding.transaction, finding.kind]
            same = before.filtered(lambda one, key=finding.key: one.comparison_key == key)
            current = same[:1] or before.filtered(lambda one: one.state == 'open')
            if not current:
                new.setdefault((finding.transaction, finding.kind), self._values_of(finding))
            elif not same:
                current.write(self._values_of(finding))
            found |= current
        return found | self.create(list(new.values()))

    @api.model
    def _values_of(self, finding):
        """Return the values of the discrepancy of a finding.

        :rtype: dict
        """
        values = self._prepare(
            finding.transaction, finding.kind, finding.code, finding.amount, finding.details
        )
        return {
            **values,
            'comparison_key': finding.key,
            'payment_refs': ','.join(finding.refs),
        }

    def _close_right(self, looked_at, books):
        """Close what is no longer so, of what could be looked at again.

        :param payment.transaction looked_at: the payments that the provider said something of.
        :param Books books: what counts as booked.
        """
        self.filtered(lambda one: one._is_right(looked_at, books)).write(
            {'state': 'done', 'note': self.env._("Came right by itself: both say the same now.")}
        )

    def _is_right(self, looked_at, books):
        """Tell whether what is not found any more is right, not just out of sight."""
        self.ensure_one()
        if self.payment_refs:
            refs = self.payment_refs.split(',')
            booked = self.env['payment.transaction'].search(
                Domain('provider_id', '=', self.transaction_id.provider_id.id)
                & Domain('pay_now_payment_ref', 'in', refs)
            )
            return all(self._read_books(tx).payments for tx in booked) and len(booked) == len(refs)
        if self.kind == 'missing_here' and books.payments.get(self._name_of(self.transaction_id)):
            return True
        return self.kind in ('booked_twice', 'superseded') or self.transaction_id in looked_at
