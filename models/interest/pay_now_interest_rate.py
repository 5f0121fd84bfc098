# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class PayNowInterestRate(models.Model):
    """What late payments of companies cost, from a day on: interest a year, and a fixed sum.

    Those of no company are the law's, for all companies of the country. A company that has any
    rate of its own for its country, as its terms of sale have it, goes by its own alone. For a day
    without a rate nothing is reckoned: a rate is never guessed.
    """

    _name = 'pay.now.interest.rate'
    _description = "Interest for late payment"
    _inherit = ['pay.now.authority.mixin']
    _order = 'country_id, company_id, date_from desc'
    _rec_name = 'date_from'
    _pay_now_written_by = dict.fromkeys(
        ('company_id', 'country_id', 'date_from', 'date_to', 'rate', 'fixed_sum', 'currency_id'),
        True,
    )

    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        ondelete='cascade',
        default=lambda self: self.env.company.root_id,
        help="Whose terms they are. Empty: the law, for all companies of the country.",
    )
    country_id = fields.Many2one(
        comodel_name='res.country',
        required=True,
        ondelete='restrict',
        default=lambda self: self.env.company._pay_now_law_country(),
        help="Where the company that sells is.",
    )
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(string="Until", help="The last day. Empty: until the next rate begins.")
    rate = fields.Float(string="Interest a year (%)", digits=(6, 2), required=True)
    fixed_sum = fields.Monetary(
        string="Fixed sum an invoice", help="For the costs of recovery, once for each late invoice."
    )
    currency_id = fields.Many2one(
        comodel_name='res.currency',
        required=True,
        default=lambda self: self.env.company.currency_id,
    )

    _not_negative = models.Constraint(
        'CHECK (rate >= 0 AND fixed_sum >= 0)', "Interest and fixed sum are not negative."
    )
    _once = models.UniqueIndex(
        '(country_id, COALESCE(company_id, 0), date_from)', "There is a rate from that day on."
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('date_from', 'date_to')
    def _check_days(self):
        for one in self:
            if one.date_to and one.date_to < one.date_from:
                raise ValidationError(self.env._("The first day comes after the last one."))

    # === BUSINESS METHODS === #

    @api.model
    def _of(self, company):
        """Return the rates of a company, the oldest first: its own, else those of the law.

        :param res.company company: a branch goes by its company's.
        :rtype: pay.now.interest.rate (sudo)
        """
        company = company.sudo()
        found = self.sudo().search(
            Domain('country_id', '=', company._pay_now_law_country().id)
            & Domain('company_id', 'in', [*company.parent_ids.ids, False]),
            order='date_from, id',
        )
        own = found.filtered('company_id')
        # The nearest one that has any, as a branch of its own.
        for one in company.parent_ids[::-1]:
            if mine := own.filtered(lambda rate, one=one: rate.company_id == one):
                return mine
        return found

    def _periods(self):
        """Return the rates with their last days, the oldest first.

        :return: `(first day, last day, rate)`, no last day where it holds on.
        :rtype: list of tuple
        """
        periods = []
        for number, one in enumerate(self):
            later = self[number + 1].date_from if number + 1 < len(self) else None
            last = one.date_to or None
            if later and (not last or last >= later):
                last = fields.Date.subtract(later, days=1)
            periods.append((one.date_from, last, one))
        return periods

    @api.model
    def _on(self, company, day):
        """Return the rate of a company on a day.

        :param res.company company: whose.
        :param datetime.date day: the day.
        :return: none where no rate is known for it.
        :rtype: pay.now.interest.rate (sudo)
        """
        for first, last, rate in self._of(company)._periods():
            if first <= day and (not last or day <= last):
                return rate
        return self.sudo().browse()
