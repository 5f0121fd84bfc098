# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.plan.pay_now_plan import LIVE
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowPlan(models.Model):
    """What the customer is written about a plan, and what each day brings."""

    _inherit = 'pay.now.plan'

    plan_html = fields.Html(string="Parts and button", compute='_compute_plan_html', sanitize=False)
    transfer_html = fields.Html(
        string="How to transfer", compute='_compute_plan_html', sanitize=False
    )
    asked_text = fields.Char(string="Asked for now", compute='_compute_texts')
    contact_name = fields.Char(string="Written to", compute='_compute_texts')

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_plan_html(self):
        """Not stored: what the text of a mail shows, by the books of this moment."""
        render = self.env['mail.mail']._pay_now_render
        for plan in self:
            plan.plan_html = render('account_pay_now.mail_plan', plan._mail_values())
            lines = plan._own_items()._pay_now_still_open()
            transfers = plan._pay_now_transfers_of(lines - lines._pay_now_in_progress())
            for one in transfers:
                one['amount_text'] = plan._write_amount(one['amount'])
            plan.transfer_html = bool(transfers) and render(
                'account_pay_now.mail_transfer', {'transfers': transfers}
            )

    @api.depends_context('lang')
    def _compute_texts(self):
        for plan in self:
            plan.asked_text = plan._write_amount(plan._asked_now())
            plan.contact_name = plan._written_to().name

    # === BUSINESS METHODS - MAIL === #

    def _written_to(self):
        """Return whom the customer's mails go to: who asked, as long as it is one of its contacts.

        :rtype: res.partner
        """
        self.ensure_one()
        payer = self._pay_now_payer()
        has_address = payer.active and utils.email_addresses(payer.email)
        return payer if has_address else self._pay_now_customer()

    def _mail_values(self):
        """Return what a mail shows: the parts of the plan, and the button for what is asked now.

        :rtype: dict
        """
        self.ensure_one()
        values = {'rows': self._part_rows(), 'url': False, **self.company_id._pay_now_mail_values()}
        if self.state == 'accepted' and self._pay_now_can_be_paid():
            values.update(url=self._pay_now_url(), amount=self.asked_text)
        return values

    def _part_rows(self):
        """Return the parts as the customer reads them.

        :return: dicts of `label`, `due`, `amount`, `mark` (what is paid or left) and `is_late`.
        :rtype: list
        """
        left, today = self._parts_left(), self.company_id._pay_now_today()
        shown = self.state in ('accepted', 'ended', 'done')
        rows = []
        for number, (part, open_amount) in enumerate(left.items(), start=1):
            mark = False
            if shown and not open_amount:
                mark = self.env._("Already paid")
            elif shown and self.currency_id.compare_amounts(open_amount, part.amount):
                mark = self.env._("%s are left to pay", self._write_amount(open_amount))
            rows.append(
                {
                    'label': self.env._(
                        "Part %(number)s of %(total)s", number=number, total=len(left)
                    ),
                    'due': self.env._("Due on %s", format_date(self.env, part.date)),
                    'amount': self._write_amount(part.amount),
                    'mark': mark,
                    'is_late': bool(shown and open_amount and part.date < today),
                }
            )
        return rows

    def _send_mail(self, xmlid):
        """Hand a mail over to Odoo's mail queue, in the customer's language.

        :param str xmlid: of the template, in this module.
        :return: whether there is somebody to write to.
        :rtype: bool
        """
        self.ensure_one()
        self = self.sudo()
        contact = self._written_to()
        template = self.env.ref(f'account_pay_now.{xmlid}', raise_if_not_found=False)
        if not template or not utils.email_addresses(contact.email):
            self._in_company_language()._note_not_mailed()
            return False
        lang = contact.lang or self._pay_now_customer().lang or self.company_id._pay_now_lang()
        self.env['mail.mail'].sudo().create(
            self.with_context(lang=lang)._prepare_mail(template.with_context(lang=lang), contact)
        )
        self._pay_now_prolong()
        queue = self.env.ref('mail.ir_cron_mail_scheduler_action', raise_if_not_found=False)
        if queue:
            queue.sudo()._trigger()
        return True

    def _note_not_mailed(self):
        """Note that the customer has to be told in another way."""
        self._message_log(
            body=self.env._("The customer has no e-mail address: nothing was written.")
        )

    def _prepare_mail(self, template, contact):
        """Return the values of a mail.

        :param mail.template template: of its text.
        :param res.partner contact: whom it is for.
        :rtype: dict
        """
        company = self.company_id
        # What was shown before is computed anew, by the books and in the language of this moment.
        self.invalidate_recordset(
            ['plan_html', 'transfer_html', 'asked_text', 'contact_name'], flush=False
        )
        body = template._render_field('body_html', self.ids, options={'post_process': True})
        before, after = company.with_context(lang=self.env.lang)._pay_now_mail_layout(template)
        email_to = utils.email_header(contact.name, contact.email)
        return {
            **self.env['mail.mail']._pay_now_envelope(self, email_to),
            'subject': utils.header_text(template._render_field('subject', self.ids)[self.id]),
            'body_html': before + body[self.id] + after,
            # Of the plan's history, where it stays once it was sent.
            'body': body[self.id],
            'is_notification': True,
            'reply_to': company._pay_now_reply_address([self._responsible()]),
            'auto_delete': True,
        }

    # === BUSINESS METHODS - DAYS GO BY === #

    def _follow(self):
        """Do what the day asks for: close or end the plan, or ask for what is due of it, once.

        Nothing else depends on it: what holds reminders back is asked of the books each time.
        """
        self.ensure_one()
        items = self._own_items()
        if self.state not in LIVE:
            return
        # What is open of an invoice in draft will be known later.
        changing = self._is_being_changed()
        if not items:
            self._end('gone')
        elif not changing and not self._amount_left(items):
            # Nobody has to be told: the receipt, or the bank, has said it.
            self._answer('done', ended_on=self.company_id._pay_now_today())
        elif self.state == 'accepted':
            self._follow_parts(is_exceeded=not changing and self._is_exceeded())

    def _follow_parts(self, is_exceeded):
        """End an accepted plan, or ask for its due parts, in the hours in which reminders leave.

        What was never asked for is asked for before it counts as missed.

        :param bool is_exceeded: see `_is_exceeded`.
        """
        due, overdue = self._due_parts(), self._overdue_parts()
        unasked = due.filtered(lambda part: not (part.reminded_at or part.told_at))
        asked_late = overdue - unasked
        if not is_exceeded and unasked and self._is_explained(due):
            unasked.held_on = self.company_id._pay_now_today()
            return
        now = fields.Datetime.now()
        if self.company_id.root_id._pay_now_next_opening(now) > now:
            return
        if is_exceeded:
            self._end('changed')
        elif asked_late and not self._is_explained(asked_late):
            self._end('missed')
        elif unasked:
            self._ask_for(unasked, 'mail_template_plan_part')

    def _ask_for(self, parts, xmlid):
        """Ask for due parts by mail, each once. Where nobody can be written to, a person is told.

        :param pay.now.plan.part parts: which, none where the mail is about something else, too.
        :param str xmlid: of the mail's template, in this module.
        """
        now = fields.Datetime.now()
        if self._send_mail(xmlid):
            parts.reminded_at = now
        elif parts:
            parts.told_at = now
            self._make_activity(
                self._in_company_language().env._("A part is due, and nothing could be mailed")
            )

    @api.model
    def _cron_follow(self):
        """Follow the plans that wait for an answer or are kept to, the longest not followed first.

        One that cannot be followed keeps no others waiting; a plan that somebody has in hand waits
        for the next time. In a copy of the database nobody is written to.
        """
        cron, due = self.env['ir.cron'], self._due_domain()
        cron._commit_progress(remaining=self.search_count(due))
        in_hand, conflicts = self.browse(), 0
        while conflicts < const.MAX_CONFLICTS:
            order = 'followed_at asc nulls first, id'
            waiting = due & Domain('id', 'not in', in_hand.ids)
            plans = self.search(waiting, order=order, limit=const.PLAN_BATCH)
            if not plans:
                break
            try:
                followed = plans._follow_batch()
                in_hand |= plans - followed
                go_on = cron._commit_progress(len(followed), remaining=self.search_count(due))
            except psycopg2.OperationalError:
                # Somebody wrote the same at this moment: again, from what was committed.
                self.env.cr.rollback()
                conflicts += 1
                continue
            if not go_on:
                return
        cron._commit_progress(remaining=0)

    @api.model
    def _due_domain(self):
        """Return the domain of the plans that were not followed for a while.

        :rtype: odoo.fields.Domain
        """
        away = self.env['payment.provider']._pay_now_away().company_id.root_id
        return (
            Domain('state', 'in', LIVE)
            & Domain('company_id.root_id', 'not in', away.ids)
            & (
                Domain('followed_at', '=', False)
                | Domain('followed_at', '<=', fields.Datetime.now() - const.PLAN_PAUSE)
            )
        )

    def _follow_batch(self):
        """Follow those of the plans that nobody has in hand; what fails is noted as followed, too.

        Of that an accountant is told.

        :return: those.
        :rtype: pay.now.plan
        """
        plans = self.try_lock_for_update()
        for plan in plans:
            try:
                with self.env.cr.savepoint():
                    plan._follow()
            except psycopg2.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a template may stumble over
                _logger.exception("The payment plan %s could not be followed", plan.id)
                plan._note_unfollowed(error)
        plans.followed_at = fields.Datetime.now()
        return plans

    # === BUSINESS METHODS - PROBLEMS === #

    @api.model
    def _pay_now_note_mails(self, mails, failure):
        """Tell an accountant of mails to customers that their server did not take: see `mail.mail`.

        The days of grace go on, and the customer knows nothing.
        """
        # Those to the company's people have other recipients.
        for mail in mails.filtered('email_to') if failure else ():
            if plan := self.sudo().browse(mail.res_id).exists():
                plan = plan._in_company_language()
                plan._note_problem(
                    plan.env._(
                        "A mail to %(email)s was not taken: %(reason)s",
                        email=mail.email_to,
                        reason=mail.failure_reason or failure,
                    ),
                    plan.env._("A mail of the payment plan could not be sent"),
                )

    def _note_unfollowed(self, error):
        """Tell an accountant that a plan could not be followed: once, until that is done.

        What keeps it from being followed may keep that from being told: the others go on.

        :param Exception error: what stood in the way.
        """
        try:
            with self.env.cr.savepoint():
                plan = self._in_company_language()
                summary = plan.env._("A payment plan could not be followed")
                if summary not in self.activity_ids.mapped('summary'):
                    plan._note_problem(plan.env._("It could not be followed: %s", error), summary)
        except psycopg2.OperationalError:
            raise
        except Exception:
            _logger.exception("Nobody could be told of the payment plan %s", self.id)

    def _note_problem(self, body, summary):
        """Note a problem with the plan, and ask an accountant to look, where nobody is asked yet.

        :param str body: what happened, in the company's language.
        :param str summary: what there is to do, in the company's language.
        """
        self._message_log(body=body)
        # What somebody else has planned for it is another matter.
        if summary not in self.activity_ids.mapped('summary'):
            self._make_activity(summary)
