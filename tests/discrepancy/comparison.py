# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from odoo import fields
from odoo.tests import new_test_user

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.tests.common import PayNowCommon


class ComparisonCommon(PayNowCommon):
    """Payments of some hours ago, compared as the scheduled action compares them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.accountant = new_test_user(
            cls.env,
            'pay_now_books',
            groups='account.group_account_invoice,base.group_user',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def ago(self, **period):
        return datetime.now(timezone.utc) - timedelta(**period)

    def opened(self, amount=300, hours=5, provider=None):
        """Return a checkout that was opened some hours ago."""
        tx = self.checkout(self.lines(self.make_invoice(amount)), provider=provider)
        created = fields.Datetime.now() - timedelta(hours=hours)
        self.env.cr.execute(
            'UPDATE payment_transaction SET create_date = %s WHERE id = %s', (created, tx.id)
        )
        tx.invalidate_recordset(['create_date'])
        return tx

    def received(self, tx, hours=4, commission='4.60'):
        """The payer pays; return the movement in the provider's list."""
        gateway = self.gateway_of(tx.provider_id)
        gateway.pay(tx, commission=commission, paid_at=self.ago(hours=hours))
        payment = gateway.payments[tx.provider_reference]
        return gateway.move(
            f'txn_{tx.provider_reference}',
            payment.amount - (payment.commission or 0),
            'payment',
            payment.commission or 0,
            charge_id=payment.charge_id,
            payment_id=payment.payment_id,
            reference=payment.reference,
            created_at=self.ago(hours=hours),
        )

    def relist(self, line, gateway=None, **values):
        """Change a movement in the provider's list."""
        gateway = gateway or self.gateway
        new = replace(line, **values)
        gateway.movements[gateway.movements.index(line)] = new
        return new

    def booked(self, amount=300, hours=4, commission='4.60', provider=None):
        """Return a payment that is booked, and its movement in the provider's list."""
        tx = self.opened(amount, hours + 1, provider)
        line = self.received(tx, hours, commission)
        tx._synchronize()
        return tx, line

    def compare(self, provider=None):
        """Compare as the scheduled action does, a day later."""
        provider = (provider or self.provider).sudo()
        self.assertFalse(provider._pay_now_compare_safely())
        return self.found()

    def found(self, state='open', kinds=const.COMPARED_KINDS):
        return self.env['pay.now.discrepancy'].search(
            [('state', '=', state), ('kind', 'in', kinds)], order='id'
        )

    def only(self, kind, **values):
        """Return the only thing found."""
        found = self.found()
        self.assertEqual(found.mapped('kind'), [kind])
        for name, value in values.items():
            self.assertEqual(found[name], value, name)
        return found

    def as_accountant(self, records):
        return records.with_user(self.accountant)
