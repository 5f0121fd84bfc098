# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import hashlib
from datetime import timedelta

import psycopg2
from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.fields import Command
from odoo.tools import mute_logger
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.plan.pay_now_plan import LIVE
from odoo.addons.account_pay_now.utils import PayerError

#: How far apart the parts are.
STEPS = {
    'weekly': relativedelta(weeks=1),
    'fortnightly': relativedelta(weeks=2),
    'monthly': relativedelta(months=1),
}


class PayNowPageMixin(models.AbstractModel):
    """What the page of a document says of payment plans, and how the customer asks for one."""

    _inherit = 'pay.now.page.mixin'

    # === BUSINESS METHODS - PAYMENT PLANS SHOWN === #

    def _pay_now_plan_values(self, typed=None, show=False):
        """Return what the page shows of payment plans, besides `_pay_now_page_values`.

        :param dict typed: the form, as it was sent.
        :param bool show: whether the parts are to be computed from it.
        :return: `plans` that there are, and `plan_offer`, empty where none can be asked for.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'plans': self._pay_now_told_plans(),
            'plan_offer': self._pay_now_plan_offer(typed or {}, show),
        }

    def _pay_now_told_plans(self):
        """Return what the page tells of the payment plans of its items.

        Parts and amounts, and the way to the plan's own page, only where all of it is about items
        of this page: whoever has the address of an invoice learns nothing of others.

        :return: dicts of `title`, `text`, `rows` and `url`.
        :rtype: list
        """
        lines = self._pay_now_lines()
        found = lines.move_id.pay_now_plan_item_ids.plan_id
        # Of all that the document was about: what is cancelled, or given away, was in the plan.
        moves = self._pay_now_linked_lines().move_id if found else lines.move_id
        told = []
        for plan in found.sorted('id', reverse=True) if found else ():
            items = plan._own_items()
            mine = items & lines
            if not mine._pay_now_still_open() or not plan._is_told():
                continue
            whole = items <= lines and all(
                one.move_id and one.move_id in moves for one in plan.item_ids
            )
            told.append(
                {
                    'title': plan._title_for_customer(),
                    'text': plan._text_for_customer(whole),
                    'refusal': whole and plan.state == 'refused' and plan.refusal,
                    'rows': plan._part_rows() if whole and plan.state in LIVE else [],
                    'url': whole and plan.state == 'accepted' and plan._pay_now_open_path(),
                }
            )
        return told

    def _pay_now_page_template(self):
        """Return which template shows the page.

        :return: an XML id.
        :rtype: str
        """
        return 'account_pay_now.pay_page'

    # === BUSINESS METHODS - PAYMENT PLANS ASKED FOR === #

    def _pay_now_plan_offer(self, typed, show):
        """Return what the customer may ask for, and the parts that would be.

        :param dict typed: the form, as it was sent.
        :param bool show: whether the parts are to be computed from it.
        :return: `counts`, `rhythms`, `count`, `rhythm`, `rows`, `seen`, `total`; empty where no
            plan can be asked for.
        :rtype: dict
        :raise PayerError: in the customer's language, where the parts are to be computed.
        """
        items = self._pay_now_plannable()
        company = self.company_id
        minimum = company.pay_now_plan_minimum
        if not items or company.currency_id.compare_amounts(self._pay_now_sum(items), minimum) < 0:
            if show:
                raise PayerError(self.env._("A payment plan cannot be asked for here."))
            return {}
        rows, seen, total = [], '', 0.0
        if show:
            lines = self._pay_now_planned_lines(typed['item'])
            total = self._pay_now_sum(lines)
            parts = self._pay_now_plan_parts(lines, typed['plan_parts'], typed['plan_rhythm'])
            seen = self._pay_now_plan_seen(parts)
            rows = [
                {
                    'label': self.env._("Part %(number)s of %(total)s", number=n, total=len(parts)),
                    'due': self.env._("Due on %s", format_date(self.env, day)),
                    'amount': formatLang(self.env, amount, currency_obj=company.currency_id),
                }
                for n, (day, amount) in enumerate(parts, start=1)
            ]
        return {
            'counts': list(range(2, company.pay_now_plan_parts + 1)),
            'rhythms': self._pay_now_rhythms(),
            'count': typed.get('plan_parts') or 2,
            'rhythm': typed.get('plan_rhythm') or 'monthly',
            'rows': rows,
            'seen': seen,
            'total': formatLang(self.env, total, currency_obj=company.currency_id),
        }

    def _pay_now_rhythms(self):
        """Return how often the parts may come, in the customer's language.

        :return: pairs of a code of `const.PLAN_RHYTHMS` and a text.
        :rtype: list
        """
        texts = {
            'weekly': self.env._("Every week"),
            'fortnightly': self.env._("Every two weeks"),
            'monthly': self.env._("Every month"),
        }
        return [(code, texts[code]) for code, _name in const.PLAN_RHYTHMS]

    def _pay_now_plannable(self):
        """Return the items that a payment plan can be asked for on this page.

        :rtype: account.move.line
        """
        company = self.company_id
        # Whoever has no address could not be told of it, nor of its parts.
        if (
            not company.pay_now_plans
            or self._name == 'pay.now.plan'
            or self.env['res.company']._pay_now_trial()
            or not utils.contact_addresses(self._pay_now_payer())
        ):
            return self.env['account.move.line']
        payable = self._pay_now_page_items()[1]
        plans = payable._pay_now_live_plan_items()
        return payable.filtered(
            lambda line: line not in plans and line.currency_id == company.currency_id
        )

    def _pay_now_planned_lines(self, chosen):
        """Return the items that a plan is asked for.

        :param set chosen: ids of the ticked items.
        :rtype: account.move.line
        :raise PayerError: in the customer's language.
        """
        plannable = self._pay_now_plannable()
        if not self.company_id.pay_now_plans or not (plannable or chosen):
            raise PayerError(self.env._("A payment plan cannot be asked for here."))
        if not chosen:
            raise PayerError(self.env._("Please tick the items that it is about."))
        lines = plannable.filtered(lambda line: line.id in chosen)
        if chosen - set(lines.ids):
            raise PayerError(
                self.env._(
                    "Credit notes, items of another payment plan and what cannot be paid online"
                    " cannot be paid in parts. Please untick them."
                )
            )
        if len(lines._pay_now_groups()) > 1:
            raise PayerError(self.env['payment.transaction']._pay_now_groups_problem())
        return lines

    def _pay_now_sum(self, lines):
        return self.company_id.currency_id.round(sum(lines.mapped('amount_residual')))

    @api.model
    def _pay_now_plan_seen(self, parts):
        """Return what the form keeps of the parts that the customer has seen.

        :param list parts: see `_pay_now_plan_parts`.
        :rtype: str
        """
        text = ' '.join(f'{day} {amount:.6f}' for day, amount in parts)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _pay_now_plan_parts(self, lines, count, rhythm):
        """Compute the parts of a plan, within the limits of the company.

        :param account.move.line lines: the items.
        :param int count: how many parts were asked for.
        :param str rhythm: a code of `const.PLAN_RHYTHMS`.
        :return: pairs of a day and an amount in the company's currency, the first one of today.
        :rtype: list
        :raise PayerError: in the customer's language.
        """
        company, currency = self.company_id, self.company_id.currency_id
        total, most = self._pay_now_sum(lines), company.pay_now_plan_parts
        if not 2 <= count <= most:
            raise PayerError(self.env._("Please choose from 2 to %s parts.", most))
        if rhythm not in STEPS:
            raise PayerError(self.env._("Please choose how often you will pay."))
        if currency.compare_amounts(total, company.pay_now_plan_minimum) < 0:
            minimum = formatLang(self.env, company.pay_now_plan_minimum, currency_obj=currency)
            raise PayerError(self.env._("Paying in parts is possible from %s.", minimum))
        today = company._pay_now_today()
        days = [today + STEPS[rhythm] * number for number in range(count)]
        last = today + timedelta(days=company.pay_now_plan_days)
        if days[-1] > last:
            raise PayerError(
                self.env._(
                    "The last part would be due after %s. Please choose fewer parts, or pay more"
                    " often.",
                    format_date(self.env, last),
                )
            )
        least = max(
            total * company.pay_now_plan_first_percent / 100, company.pay_now_plan_first_amount
        )
        amounts = self._pay_now_plan_amounts(total, count, least, currency)
        if not amounts:
            raise PayerError(self.env._("This is too little for so many parts."))
        return list(zip(days, amounts, strict=True))

    @api.model
    def _pay_now_plan_amounts(self, total, count, least, currency):
        """Divide an amount into parts that are alike, but for the first one and what is left over.

        :param float total: what is divided.
        :param int count: into how many parts.
        :param float least: of the first part.
        :param res.currency currency: what amounts are rounded by.
        :return: the amounts, the sum of which is the total; empty where that cannot be.
        :rtype: list
        """
        if count < 1:
            return []
        first = currency.round(max(total / count, least))
        rest = currency.round(total - first)
        each = currency.round(rest / (count - 1)) if count > 1 else 0.0
        amounts = [first, *[each] * (count - 2)]
        if count > 1:
            amounts.append(currency.round(total - sum(amounts)))
        return amounts if all(currency.compare_amounts(one, 0) > 0 for one in amounts) else []

    def _pay_now_ask_plan(self, chosen, count, rhythm, seen):
        """Ask for a payment plan. The same asked twice is asked once.

        :param set chosen: ids of the ticked items.
        :param int count: how many parts.
        :param str rhythm: a code of `const.PLAN_RHYTHMS`.
        :param str seen: what was shown, see `_pay_now_plan_seen`.
        :rtype: pay.now.plan
        :raise PayerError: in the customer's language.
        """
        self.ensure_one()
        # What is refused anyway stands in nobody's way.
        rate = self.env['pay.now.rate']._hold(self, 'answer')
        self._pay_now_lock(self._pay_now_lines().move_id)
        if same := self._pay_now_asked_before(chosen, count, rhythm):
            return same
        lines = self._pay_now_planned_lines(chosen)
        parts = self._pay_now_plan_parts(lines, count, rhythm)
        if seen != self._pay_now_plan_seen(parts):
            raise PayerError(self.env._("Please look at the parts once more before you send them."))
        self._pay_now_check_plans(lines)
        rate._spend(self)
        vals = {'rhythm': rhythm, **self._pay_now_plan_vals(lines, parts)}
        plan = self._pay_now_create_plan(vals)
        plan._note_on_invoices()
        plan._make_activity()
        return plan

    def _pay_now_create_plan(self, vals):
        """Create a plan of items that nobody asks another plan for at the same moment.

        :param dict vals: its values.
        :rtype: pay.now.plan
        :raise ConcurrencyError: it was asked for on another page; the request is done again, and
            sees that.
        """
        # Whoever asks follows nothing in Odoo.
        Plan = self.env['pay.now.plan'].with_context(
            mail_create_nosubscribe=True, mail_create_nolog=True
        )
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                return Plan.create(vals)
        except psycopg2.errors.UniqueViolation as error:
            raise ConcurrencyError("a plan was asked for a moment ago") from error

    def _pay_now_plan_vals(self, lines, parts):
        """Return the values of a plan, with what its items are now.

        :param account.move.line lines: the items.
        :param list parts: see `_pay_now_plan_parts`.
        :rtype: dict
        """
        return {
            'company_id': self.company_id.id,
            'partner_id': self._pay_now_customer().id,
            'contact_id': self._pay_now_payer().id,
            'amount': self._pay_now_sum(lines),
            'part_ids': [Command.create({'date': day, 'amount': part}) for day, part in parts],
            'item_ids': [
                Command.create(
                    {
                        'line_id': line.id,
                        'move_id': line.move_id.id,
                        'amount': line.amount_residual,
                        'line_amount': line.amount_currency,
                    }
                )
                for line in lines
            ],
        }

    def _pay_now_asked_before(self, chosen, count, rhythm):
        """Return the plan that waits for an answer and is about exactly this.

        :rtype: pay.now.plan
        """
        plans = self._pay_now_lines().move_id.pay_now_plan_item_ids.plan_id
        return plans.filtered(
            lambda plan: (
                plan.state == 'asked'
                and set(plan._own_items().ids) == chosen
                and (len(plan.part_ids), plan.rhythm) == (count, rhythm)
                and plan._pay_now_customer() == self._pay_now_customer()
            )
        )[:1]

    def _pay_now_check_plans(self, lines):
        """Refuse to be asked again and again for the same items.

        :param account.move.line lines: the items.
        :raise PayerError: somebody has to talk to the customer.
        """
        customer = self._pay_now_customer()
        for line in lines:
            before = line.move_id.pay_now_plan_item_ids.filtered(
                lambda item, line=line: (
                    item.line_id == line and item.plan_id._pay_now_customer() == customer
                )
            )
            if len(before) >= const.PLANS_MAX:
                raise PayerError(
                    self.env._("You have asked for these items before. Please contact us.")
                )
