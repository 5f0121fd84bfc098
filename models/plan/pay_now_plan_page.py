# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.plan.pay_now_plan import LIVE
from odoo.addons.account_pay_now.utils import PayerError


class PayNowPlan(models.Model):
    """The page of an accepted plan: it asks for exactly what is due of it, or for all of the rest.

    Once the plan is over, its page is as any other: of what is open of its items.
    """

    _inherit = 'pay.now.plan'

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_payer(self):
        """Override of `pay.now.page.mixin`: who asked, as long as it is one of the customer's."""
        contact, customer = self.contact_id, self._pay_now_customer()
        return contact if contact.commercial_partner_id == customer else customer

    def _pay_now_linked_lines(self):
        """Override of `pay.now.page.mixin`: what stands for the plan's items in the books now."""
        return self.item_ids._lines()

    def _pay_now_document_fields(self):
        """Override of `pay.now.page.mixin`: how the plan stands, and who asked."""
        return [*super()._pay_now_document_fields(), 'state', 'amount', 'contact_id']

    def _pay_now_credit_scope(self, lines=None):
        """Override of `pay.now.page.mixin`: what is agreed deducts nothing."""
        if self.state == 'accepted':
            return Domain.FALSE
        return Domain('move_id.partner_id', '=', self._pay_now_payer().id) & Domain(
            'company_id', '=', self.company_id.id
        )

    def _pay_now_answer_kinds(self):
        """Override of `pay.now.page.mixin`: whoever keeps to a plan promises no other day."""
        if self.state != 'accepted':
            return super()._pay_now_answer_kinds()
        return [kind for kind in super()._pay_now_answer_kinds() if kind == 'problem']

    def _pay_now_page_template(self):
        """Override of `pay.now.page.mixin`: no items to tick, but the parts."""
        if self.state == 'accepted' and self._pay_now_still_asks():
            return 'account_pay_now.plan_page'
        return super()._pay_now_page_template()

    def _pay_now_still_asks(self):
        """Tell whether something of the plan is open in the books and posted."""
        return bool(self._own_items()._pay_now_still_open())

    def _pay_now_can_be_paid(self):
        """Tell whether what is asked for now can be paid online.

        :rtype: bool
        """
        _open_lines, payable, reasons = self._pay_now_page_items()
        return self._pay_now_payable_at_once(payable, reasons) and bool(
            self._pay_now_choices(payable)
        )

    def _pay_now_payable_at_once(self, payable, reasons):
        """Tell whether all that is open of the plan can be paid: a part is of all of its items."""
        return bool(payable) and not reasons and len(payable._pay_now_groups()) == 1

    def _pay_now_choices(self, payable):
        """Return the amounts that can be chosen: what is asked for now, and all of the rest.

        :param account.move.line payable: the items of the plan that can be paid.
        :return: dicts of `amount`, `value` (as it would be typed), `text` and `providers`, of those
            that somebody takes.
        :rtype: list
        """
        currency = self.company_id.currency_id
        offered = self.company_id._pay_now_providers()
        rest = payable._pay_now_amount_to_pay()
        asked = min(self._asked_now(), rest)
        amounts = [asked]
        if currency.compare_amounts(rest, asked):
            amounts.append(rest)
        choices = []
        for amount in amounts:
            takers = offered.filtered(
                lambda one, amount=amount: not one._pay_now_amount_problem(amount, currency)
            )
            if takers:
                choices.append(
                    {
                        'amount': amount,
                        'value': self._pay_now_plain_amount(amount, currency),
                        'text': self._write_amount(amount),
                        'is_rest': amount == rest,
                        'providers': takers,
                    }
                )
        return choices

    def _pay_now_page_values(self, chosen=None, amount=None):
        """Override of `pay.now.page.mixin` to add the parts, and what can be paid of them."""
        values = super()._pay_now_page_values(chosen, amount)
        if self.state != 'accepted':
            return values
        _open_lines, payable, reasons = self._pay_now_page_items()
        choices = []
        if self._pay_now_payable_at_once(payable, reasons):
            choices = self._pay_now_choices(payable)
        providers = self.env['payment.provider'].union(*(one['providers'] for one in choices))
        return {
            **values,
            'part_rows': self._part_rows(),
            'payable': payable,
            'choices': choices,
            'typed': amount or (choices and choices[0]['value']),
            'providers': providers,
            'is_on_its_way': 'in_progress' in reasons.values(),
        }

    def _pay_now_page_transfers(self, open_lines, payable, ticked):
        """Override of `pay.now.page.mixin`: there is nothing to tick."""
        if self.state != 'accepted':
            return super()._pay_now_page_transfers(open_lines, payable, ticked)
        transfers = self._pay_now_transfers_of(open_lines)
        return {
            'transfers': [self._pay_now_shown_transfer(one) for one in transfers],
            'nothing_chosen': False,
            'transfer_first': self._pay_now_transfer_first(transfers),
        }

    def _pay_now_transfers_of(self, lines, accounts=None):
        """Override of `pay.now.page.mixin`: what is asked for now, of the oldest items first."""
        transfers = super()._pay_now_transfers_of(lines, accounts)
        if self.state != 'accepted':
            return transfers
        asked, parts = self._asked_now(), []
        for transfer in transfers:
            amount = self.currency_id.round(min(asked, transfer['amount']))
            if self.currency_id.compare_amounts(amount, 0) > 0:
                asked -= amount
                parts.append({**transfer, 'amount': amount})
        return parts

    def _pay_now_qr_path(self, account, lines):
        """Override of `pay.now.page.mixin`: of what is asked for as it is drawn, of all items."""
        if self.state != 'accepted':
            return super()._pay_now_qr_path(account, lines)
        return f'{self._pay_now_path()}/qr?account={account.id}'

    def _pay_now_left(self):
        """Override of `pay.now.page.mixin`: whoever has paid a part need not pay the rest now."""
        left = super()._pay_now_left()
        return {**left, 'can_pay': False} if left and self.state == 'accepted' else left

    def _pay_now_chosen_parts(self, lines, amount):
        """Override of `pay.now.page.mixin`: exactly what is asked for, or all of the rest.

        Whether customers may otherwise pay a part of their choice has no say here; the oldest of
        the plan's items are paid first, as of any part.

        :raise PayerError: it is not what is asked for by the books of this moment.
        """
        if self.state != 'accepted':
            return super()._pay_now_chosen_parts(lines, amount)
        _open_lines, payable, reasons = self._pay_now_page_items()
        stands = lines == payable and self._pay_now_payable_at_once(payable, reasons)
        compare = self.company_id.currency_id.compare_amounts
        for one in self._pay_now_choices(payable) if stands and amount is not None else ():
            if not compare(one['amount'], amount):
                return lines._pay_now_parts(None if one['is_rest'] else amount)
        raise PayerError(
            self.env._("The amounts have changed meanwhile. Please check them and try again.")
        )

    # === BUSINESS METHODS - TOLD ELSEWHERE === #

    def _is_told(self):
        """Tell whether the pay page still tells of the plan.

        :rtype: bool
        """
        if self.state in LIVE:
            return True
        told_until = self.ended_on and self.ended_on + timedelta(days=const.PLAN_TOLD_DAYS)
        return self.state in ('refused', 'ended') and bool(
            told_until and told_until >= self.company_id._pay_now_today()
        )

    def _title_for_customer(self):
        """Return how the plan stands, for its customer.

        :rtype: str
        """
        return {
            'asked': self.env._("You have asked for a payment plan"),
            'accepted': self.env._("Your payment plan"),
            'refused': self.env._("Your payment plan was refused"),
            'ended': self.env._("Your payment plan has ended"),
            'done': self.env._("Your payment plan is paid"),
        }[self.state]

    def _text_for_customer(self, whole):
        """Return what comes next, for its customer.

        :param bool whole: whether whoever reads it may read of all of the plan.
        :rtype: str
        """
        if self.state == 'asked':
            return self.env._("We will answer by e-mail. Until then you get no reminder of it.")
        if self.state == 'accepted':
            if not whole:
                return self.env._("Some of these items are paid in parts, as agreed.")
            return self.env._("You get an e-mail when a part is due.")
        if self.state == 'ended' and self.end_reason == 'missed':
            return self.env._("A part was not paid in time. What is open is to be paid now.")
        return self.env._("What is open is to be paid as before.")

    # === BUSINESS METHODS - PORTAL === #

    def _pay_now_open_path(self):
        """Return the path of the plan's page, the mailed one, as long as it opens.

        :rtype: str | bool
        """
        self.ensure_one()
        plan = self.sudo()
        return plan._pay_now_check_token(plan.pay_now_token) and plan._pay_now_path()

    @api.model
    def _pay_now_portal_rows(self, partner):
        """Return what the portal lists: as with reminders, all contacts of a customer see it.

        :param res.partner partner: who is logged in.
        :return: dicts of `plan`, `title`, `text`, `refusal`, `left` (an amount) and `url`, the page
            where something can be paid.
        :rtype: list
        """
        customer = partner.commercial_partner_id
        found = self.search(
            Domain('partner_id.commercial_partner_id', '=', customer.id)
            & Domain('state', '!=', 'done')
        )
        return [
            {
                'plan': plan,
                'title': plan._title_for_customer(),
                'text': plan._text_for_customer(whole=True),
                'refusal': plan.state == 'refused' and plan.refusal,
                'left': plan._write_amount(plan._amount_left(plan._own_items())),
                'url': plan.state == 'accepted' and plan._pay_now_open_path(),
            }
            for plan in found
            if plan._is_told() and plan._own_items()
        ]
