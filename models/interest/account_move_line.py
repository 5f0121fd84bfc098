# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import models

#: Days of a year, of a leap year too.
YEAR = 365


class AccountMoveLine(models.Model):
    """The interest of items that are, or were, paid late, and the fixed sum of their invoices."""

    _inherit = 'account.move.line'

    # === BUSINESS METHODS - INTEREST === #

    def _pay_now_interest(self, until):
        """Return what late payment of the items costs until a day, less what was booked of it.

        From the day after the due date until the item was paid, each day at its own rate, by the
        actual days of a year of 365. What was credited was never owed: it bears none. Items of
        consumers, in other currencies, of debit notes for interest, with a payment on its way, and
        those with a day of which no rate is known are left out: nothing is guessed.

        :param datetime.date until: the last day that counts.
        :return: `{item: dict}` of `days` (late), `interest` and `indemnity` (amounts in the
            company's currency; the indemnity once for each invoice) and `parts`: dicts of `first`,
            `last`, `days`, `amount`, `rate` and `interest`, not rounded.
        :rtype: dict
        """
        found = {}
        booked = self.env['pay.now.interest']._booked(self)
        for company, lines in self.grouped('company_id').items():
            periods = self.env['pay.now.interest.rate']._of(company)._periods()
            lines = lines._pay_now_bearing(until) if periods else self.browse()
            told = set(booked['indemnity'])
            for line in lines._pay_now_oldest_first():
                parts = line._pay_now_interest_parts(until, periods, booked['until'].get(line))
                owed = line._pay_now_late_days(until)
                if parts is None or not owed:
                    continue
                indemnity = 0.0
                first_late = line.date_maturity + timedelta(days=1)
                if line.move_id not in told:
                    indemnity = line._pay_now_indemnity(periods, first_late)
                    told.add(line.move_id)
                currency = company.currency_id
                interest = currency.round(sum(part['interest'] for part in parts))
                if not currency.is_zero(interest + indemnity):
                    found[line] = {
                        'days': owed,
                        'interest': interest,
                        'indemnity': indemnity,
                        'parts': parts,
                    }
        return found

    def _pay_now_without_rate(self, until):
        """Return the late items of which nothing is reckoned, as a day of theirs has no rate.

        :param datetime.date until: the last day that counts.
        :rtype: account.move.line
        """
        found, booked = self.browse(), self.env['pay.now.interest']._booked(self)['until']
        for company, lines in self.grouped('company_id').items():
            periods = self.env['pay.now.interest.rate']._of(company)._periods()
            found |= lines._pay_now_bearing(until).filtered(
                lambda line, periods=periods: (
                    line._pay_now_interest_parts(until, periods, booked.get(line)) is None
                )
            )
        return found

    def _pay_now_bearing(self, until):
        """Return the items that may bear interest on a day.

        :param datetime.date until: the day.
        :rtype: account.move.line
        """
        notes = self.env['pay.now.interest']._debit_notes(self.move_id)
        found = self.filtered(
            lambda line: (
                line.display_type == 'payment_term'
                and line.parent_state == 'posted'
                and line.move_type == 'out_invoice'
                and line.move_id not in notes
                and line.currency_id == line.company_id.currency_id
                and line.date_maturity
                and line.date_maturity < until
                and not line.move_id.commercial_partner_id._pay_now_is_consumer()
            )
        )
        # The day of a payment without an entry is not known yet.
        return found - found._pay_now_in_progress()

    def _pay_now_paid_on(self):
        """Return what of an item was ever owed, and when it was paid.

        :return: the amount owed, and `(day, amount)` of what was paid of it, by day.
        :rtype: tuple(float, list)
        """
        self.ensure_one()
        owed, paid = self.balance, []
        for partial in self.sudo().matched_credit_ids:
            other = partial.credit_move_id
            if other.move_type == 'out_refund':
                owed -= partial.amount
            else:
                paid.append((other.date, partial.amount))
        return owed, sorted(paid)

    def _pay_now_late_days(self, until):
        """Return for how many days an item is late, or was until it was paid.

        :param datetime.date until: the last day that counts.
        :return: zero where it was paid in time.
        :rtype: int
        """
        owed, paid = self._pay_now_paid_on()
        last, currency = until, self.company_id.currency_id
        for day, amount in paid:
            owed -= amount
            if currency.compare_amounts(owed, 0) <= 0:
                last = min(day, until)
                break
        if not paid and currency.compare_amounts(owed, 0) <= 0:
            return 0
        return max((last - self.date_maturity).days, 0)

    def _pay_now_interest_parts(self, until, periods, booked_until=None):
        """Return the interest of one item, by the spans of one amount and one rate.

        :param datetime.date until: the last day that counts.
        :param list periods: see `pay.now.interest.rate._periods`.
        :param datetime.date booked_until: the last day that was booked before.
        :return: see `_pay_now_interest`; None where a day has no rate.
        :rtype: list of dict | None
        """
        owed, paid = self._pay_now_paid_on()
        currency = self.company_id.currency_id
        parts = []
        day = self.date_maturity
        # Until each payment, its day included, then until the end.
        for paid_on, amount in [*paid, (until, 0.0)]:
            last = min(paid_on, until)
            first = max(day, booked_until or day)
            if last > first and currency.compare_amounts(owed, 0) > 0:
                spans = self._pay_now_spans(first + timedelta(days=1), last, periods)
                if spans is None:
                    return None
                for begin, end, rate in spans:
                    days = (end - begin).days + 1
                    parts.append(
                        {
                            'first': begin,
                            'last': end,
                            'days': days,
                            'amount': owed,
                            'rate': rate.rate,
                            'interest': owed * rate.rate / 100 * days / YEAR,
                        }
                    )
            day = max(day, last)
            owed -= amount
        return parts

    @staticmethod
    def _pay_now_spans(first, last, periods):
        """Divide days by the rate that holds on them.

        :param datetime.date first: the first day.
        :param datetime.date last: the last day.
        :param list periods: see `pay.now.interest.rate._periods`.
        :return: `(first day, last day, rate)`; None where a day has no rate.
        :rtype: list of tuple | None
        """
        spans = []
        for begin, end, rate in periods:
            low, high = max(first, begin), min(last, end or last)
            if low <= high:
                spans.append((low, high, rate))
        covered = sum((high - low).days + 1 for low, high, _rate in spans)
        return spans if covered == (last - first).days + 1 else None

    def _pay_now_indemnity(self, periods, day):
        """Return the fixed sum of an item's invoice, as it was on its first late day.

        :param list periods: see `pay.now.interest.rate._periods`.
        :param datetime.date day: the day.
        :return: in the company's currency; zero where it is fixed in another one.
        :rtype: float
        """
        for begin, end, rate in periods:
            if begin <= day and (not end or day <= end):
                return rate.fixed_sum if rate.currency_id == self.company_id.currency_id else 0.0
        return 0.0
