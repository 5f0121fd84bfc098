# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.account_pay_now.gateways.base import PayoutSchedule
from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: A Monday.
TODAY = datetime(2026, 6, 15, 12, 0)


@tagged('post_install', '-at_install')
class TestPayoutSchedule(PayNowCommon):
    """When the providers pay out: kept with the provider, worded for its reader, and what follows
    for the money that is still there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(TODAY))
        cls.load_language('fr_FR')
        cls.connect()

    def set_schedule(self, *values):
        """Let the account say how it is paid out, and the regular check read it."""
        schedule = PayoutSchedule(*values) if values else None
        self.gateway.account = replace(self.gateway.account, payout_schedule=schedule)
        self.provider.sudo()._pay_now_check()
        self.env.invalidate_all()

    def text(self, lang='en_US'):
        return self.provider.with_context(lang=lang).pay_now_schedule_text

    def assert_kept(self, interval, delay, days):
        self.assertRecordValues(
            self.provider.sudo(),
            [
                {
                    'pay_now_payout_interval': interval,
                    'pay_now_payout_delay': delay,
                    'pay_now_payout_days': days,
                    'pay_now_problem': False,
                }
            ],
        )

    # === WHAT IS KEPT === #

    def test_read_with_the_account(self):
        self.assert_kept(False, 0, False)
        self.assertFalse(self.text())
        self.set_schedule('weekly', 4, (2, 4))
        self.assert_kept('weekly', 4, [2, 4])
        # Keys that may not read it any more: not known, and nothing else.
        self.set_schedule()
        self.assert_kept(False, 0, False)
        self.assertFalse(self.text())

    def test_kept_while_the_provider_does_not_answer(self):
        self.set_schedule('daily', 7)
        self.gateway.down = True
        self.provider.sudo()._pay_now_check()
        self.assert_kept('daily', 7, False)

    def test_read_as_keys_change(self):
        schedule = PayoutSchedule('manual', 7)
        self.gateway.account = replace(self.gateway.account, payout_schedule=schedule)
        self.provider._pay_now_change_keys('sk_test_other')
        self.assert_kept('manual', 7, False)

    # === WHAT IS SAID === #

    def test_words(self):
        daily, monthly = "Stripe vire les fonds chaque jour", "Stripe vire les fonds chaque mois"
        for values, english, french in (
            (('daily',), "Stripe pays out daily", daily),
            (
                ('daily', 1),
                "Stripe pays out daily, 1 day after the payment",
                f"{daily}, 1 jour après le paiement",
            ),
            (
                ('daily', 7),
                "Stripe pays out daily, 7 days after the payment",
                f"{daily}, 7 jours après le paiement",
            ),
            (
                ('weekly', 7, (1,)),
                "Stripe pays out weekly on Monday",
                "Stripe vire les fonds chaque semaine (lundi)",
            ),
            (
                ('weekly', 7, (1, 4)),
                "Stripe pays out weekly on Monday and Thursday",
                "Stripe vire les fonds chaque semaine (lundi et jeudi)",
            ),
            (
                ('monthly', 7, (15,)),
                "Stripe pays out monthly, on day 15",
                f"{monthly}, le 15",
            ),
            (
                ('monthly', 7, (1, 15)),
                "Stripe pays out monthly, on days 1 and 15",
                f"{monthly}, les 1 et 15",
            ),
            (
                ('monthly', 7, (31,)),
                "Stripe pays out monthly, on day 31 (the last day of shorter months)",
                f"{monthly}, le 31 (le dernier jour des mois plus courts)",
            ),
            (
                ('monthly', 7, (15, 30)),
                "Stripe pays out monthly, on days 15 and 30 (the last day of shorter months)",
                f"{monthly}, les 15 et 30 (le dernier jour des mois plus courts)",
            ),
            (
                ('manual', 7),
                "Stripe pays out only when you ask for it",
                "Stripe ne vire les fonds qu’à votre demande",
            ),
        ):
            with self.subTest(values=values):
                self.set_schedule(*values)
                self.assertEqual(self.text(), english)
                self.assertEqual(self.text('fr_FR'), french)

    def test_paypal_keeps_it(self):
        self.connect_paypal()
        self.assertEqual(
            self.paypal.pay_now_schedule_text, "PayPal keeps the money until you withdraw it"
        )
        self.assertFalse(self.paypal.sudo()._pay_now_expected_payout(TODAY.date()))

    def test_on_the_card(self):
        journal = self.provider.sudo().journal_id
        for values, expected in (
            (('weekly', 7, (1,)), "Stripe pays out weekly on Monday"),
            ((), ""),
        ):
            self.set_schedule(*values)
            data = journal.with_user(self.env.user)._get_journal_dashboard_data_batched()
            self.assertEqual(data[journal.id]['pay_now']['schedule'], expected)

    # === WHEN THE MONEY COMES === #

    def pay(self, available_at=None):
        """Return a payment of today, listed where it is said from when on it is available."""
        tx = self.checkout(self.lines(self.make_invoice(100)))
        self.gateway.pay(tx, commission='1.40')
        tx._synchronize()
        tx._post_process()
        if available_at:
            self.list(tx, available_at)
        return tx

    def list(self, tx, available_at):
        line = replace(self.gateway.movement_of(tx), available_at=available_at)
        self.env['pay.now.movement'].sudo()._store(self.provider, [line])._look_again()
        self.env.invalidate_all()

    def rows(self):
        self.env.invalidate_all()
        found = self.env['pay.now.money.report'].search([('provider_id', '=', self.provider.id)])
        return [(row.state, row.date, row.expected_on) for row in found]

    def test_in_the_report(self):
        """Available on Saturday the 20th; on Wednesday the 24th it is."""
        self.set_schedule('daily', 7)
        self.pay(datetime(2026, 6, 20, tzinfo=timezone.utc))
        saturday = date(2026, 6, 20)
        self.assertEqual(self.rows(), [('later', saturday, date(2026, 6, 22))])
        self.set_schedule('weekly', 7, (5,))
        self.assertEqual(self.rows(), [('later', saturday, date(2026, 6, 26))])
        self.set_schedule('monthly', 7, (31,))
        self.assertEqual(self.rows(), [('later', saturday, date(2026, 6, 30))])
        self.set_schedule()
        self.assertEqual(self.rows(), [('later', saturday, False)])
        with freeze_time('2026-06-24 12:00:00'):
            self.set_schedule('daily', 7)
            self.assertEqual(self.rows(), [('available', False, date(2026, 6, 24))])
            self.set_schedule('weekly', 7, (2,))
            self.assertEqual(self.rows(), [('available', False, date(2026, 6, 30))])
            self.set_schedule('manual', 7)
            self.assertEqual(self.rows(), [('available', False, False)])

    def test_sorted_and_grouped_by_it(self):
        """The database reckons by the rule of the providers' own page."""
        Report = self.env['pay.now.money.report']
        days = [TODAY.date() + timedelta(days=number) for number in range(200)]
        for values in (
            ('daily', 7),
            ('weekly', 7, (1, 4)),
            ('weekly', 7, (6,)),
            ('weekly', 7),
            ('monthly', 7, (15, 30)),
            ('monthly', 7, (31,)),
            ('manual', 7),
            (),
        ):
            self.set_schedule(*values)
            self.env.flush_all()
            found = dict(
                self.env.execute_query(
                    SQL(
                        "SELECT part.day, (%s) FROM unnest(%s::date[]) part (day),"
                        " payment_provider provider WHERE provider.id = %s",
                        Report._expected_day(),
                        days,
                        self.provider.id,
                    )
                )
            )
            rule = self.provider.sudo()._pay_now_expected_payout
            self.assertEqual(found, {day: rule(day) or None for day in days}, values)
        self.set_schedule('weekly', 7, (5,))
        self.pay(datetime(2026, 6, 20, tzinfo=timezone.utc))
        self.pay(datetime(2026, 6, 25, tzinfo=timezone.utc))
        self.pay(datetime(2026, 7, 2, tzinfo=timezone.utc))
        own = [('provider_id', '=', self.provider.id)]
        ordered = Report.search(own, order='expected_on desc').mapped('expected_on')
        self.assertEqual(ordered, [date(2026, 7, 3), date(2026, 6, 26), date(2026, 6, 26)])
        grouped = Report._read_group(own, ['expected_on:day'], ['amount:sum'])
        self.assertEqual(
            [(day, round(amount, 2)) for day, amount in grouped],
            [(date(2026, 6, 26), 197.20), (date(2026, 7, 3), 98.60)],
        )

    def test_of_what_is_on_its_way(self):
        """The payout itself says when it is at the bank."""
        self.set_schedule('daily', 7)
        tx = self.pay(datetime(2026, 6, 16, tzinfo=timezone.utc))
        self.assertEqual(tx.pay_now_expected_payout, date(2026, 6, 16))
        arrival = datetime(2026, 6, 18, 12, tzinfo=timezone.utc)
        line = self.gateway.movement_of(tx)
        self.gateway.pay_out('po_1', [line], state='pending', arrives_at=arrival)
        self.env['pay.now.payout'].sudo()._synchronize(self.provider, ['po_1'])
        self.env['pay.now.movement'].sudo()._sweep(self.provider.sudo())
        self.assertEqual(self.rows(), [('on_way', date(2026, 6, 18), False)])
        self.assertTrue(tx.pay_now_payout_id)
        self.assertFalse(tx.pay_now_expected_payout)

    def test_of_a_payment(self):
        """Paid on Monday the 15th: 7 days later is a Monday, 4 days a Friday, 5 a Saturday."""
        tx = self.pay()
        tx.pay_now_paid_at = TODAY
        self.assertFalse(tx.pay_now_expected_payout)
        for delay, day in ((7, 22), (4, 19), (5, 22)):
            self.set_schedule('daily', delay)
            self.assertEqual(tx.pay_now_expected_payout, date(2026, 6, day))
        # Where the provider says from when on, that counts.
        self.list(tx, datetime(2026, 6, 24, tzinfo=timezone.utc))
        self.assertEqual(tx.pay_now_expected_payout, date(2026, 6, 24))
        # It has left since, in a payout that is not known.
        with freeze_time('2026-06-25 12:00:00'):
            self.env.invalidate_all()
            self.assertFalse(tx.pay_now_expected_payout)
        self.set_schedule('manual', 7)
        self.assertFalse(tx.pay_now_expected_payout)

    def test_of_what_was_not_paid(self):
        self.set_schedule('daily', 7)
        tx = self.checkout(self.lines(self.make_invoice(100)))
        self.assertFalse(tx.pay_now_expected_payout)
