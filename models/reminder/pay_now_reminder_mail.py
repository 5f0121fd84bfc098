# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import secrets

from lxml import etree, html
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.models.reminder.pay_now_sales_mixin import by_engine


class PayNowReminder(models.Model):
    """The mails of reminders: written for a batch at once, the text compiled once per language.

    What a reminder says is kept in fields, so that users place them in their templates. A person
    may change level or mail before it is sent. The invoices leave with it as they are stored, made
    once where they are missing.
    """

    _inherit = 'pay.now.reminder'
    _pay_now_written_by = dict.fromkeys(
        (
            'own_subject',
            'own_body',
        ),
        True,
    )

    amount_due_text = fields.Char(string="Amounts due by currency", compute='_compute_texts')
    item_count_text = fields.Char(
        string="Number of invoices in words", compute='_compute_item_count_text'
    )
    items_html = fields.Html(string="Items and button", compute='_compute_texts', sanitize=False)
    transfer_html = fields.Html(
        string="How to pay by transfer", compute='_compute_texts', sanitize=False
    )
    attachments_text = fields.Char(string="What is attached", compute='_compute_texts')

    own_subject = fields.Char(string="Own subject", copy=False)
    own_body = fields.Html(string="Own text", sanitize='email_outgoing', copy=False)
    own_amount = fields.Monetary(
        string="Amount in the own text", readonly=True, help="Another amount holds the reminder."
    )

    own_payable = fields.Monetary(string="Payable in the own text", readonly=True)

    # === COMPUTE METHODS === #

    @api.depends('item_count')
    @api.depends_context('lang')
    def _compute_item_count_text(self):
        for reminder in self:
            count = reminder.item_count
            reminder.item_count_text = (
                self.env._("1 invoice") if count == 1 else self.env._("%s invoices", count)
            )

    @api.depends_context('lang', 'pay_now_attached')
    @by_engine('read')
    def _compute_texts(self):
        items = {reminder: lines for reminder, (lines, _held) in self._sort_items().items()}
        self._fill_texts(items, self._refusals(items))

    def _fill_texts(self, items, refusals):
        """Write the texts of many mails, from what is known of them.

        :param dict items: `{reminder: the items it is about}`.
        :param dict refusals: `{reminder: {invoice without a button: code}}`.
        """
        render = self.env['mail.mail']._pay_now_render
        texts = self.pool.field_computed[self._fields['items_html']]
        # Not stored: nothing is written, nor checked.
        with self.env.protecting(texts, self):
            for reminder, values in self._mail_values(items, refusals).items():
                # Most companies have no such amount. A letter has no button that it could precede.
                above = values['url'] and reminder.company_id.pay_now_transfer_first
                first = above and reminder._pay_now_transfer_first(
                    self._asked_transfers(values['asked'], values['transfers'])
                )
                values['transfer_first'] = first
                reminder.amount_due_text = values['due_text']
                reminder.items_html = render('account_pay_now.mail_reminder_items', values)
                reminder.transfer_html = (
                    render('account_pay_now.mail_transfer', values)
                    if values['transfers'] and not first
                    else False
                )
                reminder.attachments_text = reminder._attachments_text(len(values['invoices']))

    @api.model
    def _asked_transfers(self, asked, transfers):
        """Return how what the button asks for would be transferred, as its page opens with.

        :param account.move.line asked: what it asks for.
        :param list transfers: of all that is open, see `account.move.line._pay_now_transfers`.
        :rtype: list
        """
        accounts = {move: one['account'] for one in transfers for move in one['lines'].move_id}
        return asked._pay_now_transfers(accounts=accounts)

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base` to keep the level that a person has chosen.

        :raise AccessError: if a person in Sales changes more than the level and the text.
        :raise UserError: if it was sent, or dropped, meanwhile.
        """
        if self._is_sales_only():
            self._check_sales_vals(vals)
        # Whatever the client says: what the module writes, it writes in sudo.
        by_hand = not self.env.su
        if by_hand or {'own_subject', 'own_body'} & vals.keys():
            if any(reminder.state not in ('draft', 'held') for reminder in self):
                raise UserError(self.env._("Only what is not on its way yet can be changed."))
        result = super().write(vals)
        if by_hand and 'level_id' in vals:
            super(PayNowReminder, self.sudo()).write({'is_level_chosen': True})
        return result

    # === ACTION METHODS === #

    @by_engine('write')
    def action_edit(self):
        """Open the mail for changes, at first as its level has it."""
        self.ensure_one()
        if self.state != 'draft':
            raise UserError(self.env._("Only what is not on its way yet can be changed."))
        if not self.own_body:
            lang = self._mail_lang()
            template = self.level_id._template().with_context(lang=lang)
            record = self.with_context(lang=lang)
            self.write(
                {
                    'own_subject': template._render_field('subject', record.ids, set_lang=lang)[
                        self.id
                    ],
                    'own_body': record._render_bodies(template)[self.id],
                    'own_amount': self.amount_due,
                    'own_payable': self.amount_payable,
                }
            )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Edit the letter")
            if self.channel == 'letter'
            else self.env._("Edit the mail"),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'views': [(self.env.ref('account_pay_now.pay_now_reminder_view_edit').id, 'form')],
            'target': 'new',
        }

    @by_engine('write')
    def action_reset_text(self):
        """Go back to the text of the level."""
        self.write({'own_subject': False, 'own_body': False, 'own_amount': 0, 'own_payable': 0})

    # === BUSINESS METHODS - RENDERING === #

    def _render(self):
        """Render the mail of one reminder (see `_render_all`).

        :return: subject, body, and the amounts due.
        :rtype: tuple(str, markupsafe.Markup, str)
        """
        self.ensure_one()
        return self._render_all()[self]

    def _render_all(self, items=None, refusals=None):
        """Render the mails, each in the language of its customer.

        :param dict items: `{reminder: the items it is about}`, where it is known already.
        :param dict refusals: see `_refusals`, given with `items`.
        :return: `{reminder: (subject, body, amounts due)}`
        :rtype: dict
        """
        rendered = {}
        for (level, company, lang), reminders in self.grouped(
            lambda one: (one.level_id, one.company_id, one._mail_lang())
        ).items():
            template = level._template().with_context(lang=lang)
            records = reminders.with_context(lang=lang).with_prefetch(reminders.ids)
            if items is not None:
                records._fill_texts(items, refusals)
            before, after = company.with_context(lang=lang)._pay_now_mail_layout(template)
            for record, (subject, body) in records._render_texts(template, lang).items():
                rendered[record] = (subject, before + body + after, record.amount_due_text)
        return rendered

    def _render_texts(self, template, lang):
        """Render subjects and texts: a person's own ones where there are any.

        :param mail.template template: that of their level.
        :param str lang: the language of their customers, which is that of the context, too.
        :return: `{reminder: (subject, text)}`
        :rtype: dict
        """
        subjects = template._render_field('subject', self.ids, set_lang=lang)
        bodies = self._render_bodies(template)
        return {
            one: (one.own_subject or subjects[one.id], one.own_body or bodies[one.id])
            for one in self
        }

    def _mail_lang(self):
        """Return the language that the customer is written to in."""
        trial = self.env['res.company']._pay_now_trial()
        lang = (trial and trial.lang) or self.contact_id.lang or self.partner_id.lang
        return lang or self.company_id._pay_now_lang()

    def _render_bodies(self, template):
        """Render the text for many reminders at once, compiled once.

        Odoo compiles the text of a template again for each record: ten times the work.

        :param mail.template template: of reminders, in the language that all of these are in.
        :return: `{id: text}`
        :rtype: dict
        """
        if len(self) < 2 or 't-' not in (template.body_html or ''):
            return template._render_field(
                'body_html',
                self.ids,
                set_lang=template.env.context.get('lang'),
                options={'post_process': True},
            )
        mark = f'<!--{secrets.token_hex(16)}-->'
        variables = template._render_eval_context()
        variables.update(
            {
                'pay_now_records': self,
                'pay_now_mark': Markup(mark),
                'pay_now_globals': dict(variables),
            }
        )
        rendered = template.env['ir.qweb']._render(self._text_in_a_loop(template), variables)
        _before, *bodies = rendered.split(mark)
        return template._render_template_postprocess(
            self._name, dict(zip(self.ids, map(Markup, bodies), strict=True))
        )

    @api.model
    def _text_in_a_loop(self, template):
        """Return a text in a loop over the reminders, each of which starts afresh.

        What is set for one record would still be there for the next one.

        :param mail.template template: of the text.
        :rtype: lxml.etree._Element
        """
        root = html.fragment_fromstring(template.body_html, create_parent='div')
        names = {
            value
            for element in root.iter(etree.Element)
            for name in ('t-set', 't-as')
            if (value := element.get(name))
        }
        root.tag = 't'
        root.attrib.update({'t-foreach': 'pay_now_records', 't-as': 'object'})
        first = [root.makeelement('t', {'t-out': 'pay_now_mark'})]
        first += [
            root.makeelement('t', {'t-set': name, 't-value': f'pay_now_globals.get({name!r})'})
            for name in sorted(names - {'object'})
        ]
        first[-1].tail, root.text = root.text, None
        root[:0] = first
        return root

    # === BUSINESS METHODS - MAIL === #

    def _prepare_mails(self, items, refusals, attachments):
        """Return the values of the mails, each with a Message-ID of its own that stays.

        :param dict items: `{reminder: the items it is about}`.
        :param dict refusals: `{reminder: {invoice without a button: code}}`.
        :param dict attachments: `{reminder: the invoices that leave with it}`.
        :return: `{reminder: values}`, and `{reminder: the amounts asked for}`.
        :rtype: tuple(dict, dict)
        """
        vals, asked, replies = {}, {}, {}
        # The text says how many invoices are attached.
        for count, reminders in self.grouped(lambda one: len(attachments[one])).items():
            counted = reminders.with_context(pay_now_attached=count)
            rendered = counted._render_all(items, refusals)
            for reminder in reminders:
                subject, body, asked[reminder] = rendered[reminder]
                vals[reminder] = {
                    **reminder._prepare_envelope(items[reminder], replies),
                    'subject': utils.header_text(subject),
                    'body_html': body,
                    'attachment_ids': [Command.set(attachments[reminder].ids)],
                }
        return vals, asked

    def _prepare_envelope(self, lines, replies):
        """Return who writes to whom.

        :param account.move.line lines: what is open.
        :param dict replies: who gets the answers, as far as it is known (see `_reply_to`).
        :rtype: dict
        """
        email_to = utils.email_header(self.contact_id.name, self.email)
        return {
            **self.env['mail.mail']._pay_now_own_envelope(self, email_to, 'reminder'),
            'reply_to': self._reply_to(lines, replies),
        }

    # === BUSINESS METHODS - PAGE === #

    def _pay_now_page_refusals(self, free):
        """Override of `pay.now.page.mixin`: the page offers no more than the reminder."""
        return self._pay_now_mailed_refusals(free)

    def _pay_now_lines_domain(self):
        """Override of `pay.now.page.mixin` to read nothing for it."""
        return Domain('pay_now_reminder_ids', 'in', self.ids)

    def _pay_now_answer_kinds(self):
        """Override of `pay.now.page.mixin`: none beside the previous balance.

        See doc/rules.md, Reminders.
        """
        return [] if self.run_id.print_previous_balance else super()._pay_now_answer_kinds()

    def _pay_now_credit_scope(self, lines=None):
        """Override of `pay.now.page.mixin`: a reminder is about all that the customer owes.

        From Sales, about nothing outside the scope of the run.
        """
        return self.run_id._within_sales_scope(Domain.TRUE)

    def _pay_now_preselected(self, payable):
        """Override of `pay.now.page.mixin` to leave out what the customer is not reminded of."""
        # Nothing payable is on its way.
        held = payable._pay_now_holds(in_progress=False)
        return payable - payable.browse([line.id for line in held]) or payable

    # === BUSINESS METHODS - CONTENT === #

    def _mail_values(self, items, refusals):
        """Return what the mails show: items, totals, the button where there is one, the account.

        :param dict items: see `_fill_texts`.
        :param dict refusals: see `_fill_texts`.
        :return: `{reminder: values}`
        :rtype: dict
        """
        items = self._items_as_mailed(items)
        lines = self.env['account.move.line'].union(*items.values())
        labels = lines._pay_now_due_labels()
        offering = self.filtered(lambda one: len(refusals[one]) < len(items[one].move_id))
        urls = offering._pay_now_urls()
        due_texts = self._due_texts(lines)
        write = {one: self._pay_now_amount_writer(one) for one in lines.currency_id}
        transfers = self._mail_transfers(items, urls, write)
        company_values = {one: one._pay_now_mail_values() for one in self.company_id}
        most = {one: one._pay_now_providers()._pay_now_most() for one in self.company_id}
        telling = self._telling_interest()
        interest = telling._interest_values(items, labels, write) if telling else {}
        return {
            reminder: {
                'reminder': reminder,
                **company_values[reminder.company_id],
                **reminder._amount_values(items[reminder], refusals[reminder], most),
                'lines': reminder._mail_lines(
                    items[reminder],
                    refusals[reminder] if reminder in offering else {},
                    labels,
                    due_texts,
                    write,
                ),
                'invoices': items[reminder].move_id,
                'url': urls.get(reminder, False),
                'can_answer': bool(reminder._pay_now_answer_kinds()),
                'transfers': transfers[reminder],
                'interest': interest.get(reminder, False),
            }
            for reminder in self
        }

    def _items_as_mailed(self, items):
        """Return the items of each reminder in the language of the mails, oldest first.

        :param dict items: `{reminder: items}`, as whatever company they were read.
        :rtype: dict
        """
        return {
            reminder: items[reminder].with_env(self.env)._pay_now_oldest_first()
            for reminder in self
        }

    def _amount_values(self, lines, refusals, most):
        """Return the amounts of one mail, as texts.

        :param account.move.line lines: what is open.
        :param dict refusals: `{invoice without a button: code}`.
        :param dict most: `{company: the largest amount that can be paid at once}`.
        :rtype: dict
        """
        payable = lines._pay_now_without(refusals)
        subtotals = self._subtotals(lines)
        texts = {currency: self._amount_text(amount, currency) for currency, amount in subtotals}
        due_text = ' + '.join(texts.values())
        amount = payable._pay_now_amount_to_pay()
        # The page deducts a discount that is still due.
        whole = payable == lines and not self.currency_id.compare_amounts(
            amount, sum(payable.mapped('amount_residual'))
        )
        payable_text = due_text if whole else self._amount_text(amount, self.currency_id)
        previous = self.previous_balance
        # Other currencies stay by themselves: their subtotals are not added to it.
        total = previous + dict(subtotals).get(self.currency_id, 0.0)
        return {
            'currency': self.currency_id,
            'subtotals': list(texts.items()),
            'due_text': due_text,
            'previous_balance': previous and self._amount_text(previous, self.currency_id),
            'total_with_previous': previous and self._amount_text(total, self.currency_id),
            **self._pay_now_asked_values(payable, payable_text, most[self.company_id]),
            'amounts_text': bool(payable)
            and not whole
            and self.env._(
                "Amount due: %(due)s – payable online: %(payable)s",
                due=due_text,
                payable=payable_text,
            ),
        }

    def _mail_lines(self, lines, refusals, labels, due_texts, write):
        """Return the rows of the table of items.

        :param account.move.line lines: what is open.
        :param dict refusals: `{invoice: code}`; each of its items is marked.
        :param dict labels: `{item: how it is called}`.
        :param dict due_texts: `{date: when it was due}`.
        :param dict write: `{currency: what writes its amounts}`.
        """
        return [
            {
                'label': labels[line],
                'due': due_texts[line.date_maturity],
                'amount': write[line.currency_id](line.amount_residual_currency),
                'mark': line.move_id in refusals
                and line.move_id._pay_now_customer_reason(refusals[line.move_id]),
            }
            for line in lines
        ]

    def _due_texts(self, lines):
        """Say when items were due, and for how long they are late.

        :rtype: dict
        """
        today = fields.Date.context_today(self)
        return {
            date: self._due_text(date, (today - date).days)
            for date in set(lines.mapped('date_maturity'))
        }

    def _due_text(self, date, late):
        """Say when an item was due, and for how long it is late."""
        text = self.env._("Due on %s", format_date(self.env, date))
        if late < 1:
            return text
        days = self.env._("1 day late") if late == 1 else self.env._("%s days late", late)
        return f'{text}, {days}'

    def _refusals(self, items, contacts=None):
        """Return which invoices get no button.

        The first reason that applies counts: one of the invoice itself, then that it is a letter,
        then test mode.

        :param dict items: `{reminder: the items it is about}`.
        :param dict contacts: `{reminder: whom it is written to}`, where it is known already.
        :return: `{reminder: {invoice: code}}`
        :rtype: dict
        """
        refusals = self._invoice_refusals(items)
        for code, reminders in (
            # Paper asks for no online payment (doc/rules.md, Reminders).
            ('no_email', self._written_on_paper(items, contacts)),
            ('test_mode', self._without_test_button(items)),
        ):
            for reminder in reminders:
                known = refusals[reminder]
                refusals[reminder] = {
                    move: known.get(move, code) for move in items[reminder].move_id
                }
        return refusals

    def _invoice_refusals(self, items):
        """Return which invoices get no button for reasons of their own.

        :param dict items: `{reminder: the items it is about}`.
        :return: `{reminder: {invoice: code}}`
        :rtype: dict
        """
        refusals = {}
        for previous, reminders in self.grouped(
            lambda reminder: reminder.run_id.print_previous_balance
        ).items():
            lines = self.env['account.move.line'].union(*(items[each] for each in reminders))
            # What a payment is on its way for is held: it is not among the items.
            codes = lines.move_id._pay_now_refusals('reminder', previous, free=lines)
            for reminder in reminders:
                moves = items[reminder].move_id if codes else ()
                refusals[reminder] = {move: codes[move] for move in moves if move in codes}
        return refusals

    def _subtotals(self, lines):
        """Return the amounts due by currency, the company's first.

        :param account.move.line lines: what is open.
        :rtype: list of (res.currency, float)
        """
        totals = {}
        for line in lines:
            currency = line.currency_id
            totals[currency] = totals.get(currency, 0.0) + line.amount_residual_currency
        return sorted(totals.items(), key=lambda pair: pair[0] != self.currency_id)

    def _subtotals_text(self, lines):
        """Write the amounts due, by currency.

        :param account.move.line lines: what is open.
        :rtype: str
        """
        return ' + '.join(
            self._amount_text(amount, currency) for currency, amount in self._subtotals(lines)
        )

    def _amount_text(self, amount, currency):
        return formatLang(self.env, amount, currency_obj=currency)

    def _attachments_text(self, total):
        """Say which invoices are attached: nothing that is not so.

        As the mail leaves, the context says how many are; a preview says what is to be expected.

        :param int total: number of invoices in the reminder.
        """
        expected = min(total, const.ATTACHED_INVOICES_MAX) if self.level_id.attach_invoices else 0
        attached = self.env.context.get('pay_now_attached', expected)
        if not attached:
            return False
        if attached < total and self.channel == 'letter':
            return self.env._(
                "%(attached)s of the %(total)s invoices are attached. Ask us if you need the"
                " others.",
                attached=attached,
                total=total,
            )
        if attached < total:
            return self.env._(
                "%(attached)s of the %(total)s invoices are attached. Reply to this message if you"
                " need the others.",
                attached=attached,
                total=total,
            )
        if total == 1:
            return self.env._("The invoice is attached.")
        return self.env._("The %s invoices are attached.", total)

    def _reply_to(self, lines, known=None):
        """Return who gets the customer's answer.

        :param account.move.line lines: what is open.
        :param dict known: what was found out for other reminders.
        :rtype: str | bool
        """
        self.ensure_one()
        moves = lines.move_id
        if len(moves) > 1:
            newest = max(lines, key=lambda line: (line.move_id.invoice_date or line.date, line.id))
            moves = newest.move_id
        people = [
            moves.invoice_user_id,
            self.partner_id.user_id,
            (self.run_id or self).create_uid,
        ]
        known = {} if known is None else known
        key = (self.company_id, *people)
        if key not in known:
            known[key] = self.company_id._pay_now_reply_address([user.sudo() for user in people])
        return known[key]

    # === BUSINESS METHODS - ATTACHMENTS === #

    def _prepare_attachments(self, items):
        """Return the PDFs of the invoices, the oldest first, as many as one mail may carry.

        What cannot be printed is left out: no reminder stays for the sake of a PDF. What is stored
        is found for the whole batch at once.

        :param dict items: `{reminder: the items it is about}`.
        :return: `{reminder: attachments}`, and `{reminder: codes of what is missing}` (see
            `_reason_sentences`).
        :rtype: tuple(dict, dict)
        """
        moves = {reminder: reminder._moves_to_attach(items[reminder]) for reminder in self}
        # With the previous balance, on paper and to who is held out, nothing offers online payment.
        offering = {
            reminder: moves[reminder].filtered(lambda move: move._pay_now_pdf_offers_payment())
            for reminder in self
            if reminder.run_id.print_previous_balance
            or reminder.channel == 'letter'
            or reminder._is_held_out()
        }
        empty = self.env['account.move'].sudo()
        failures = empty.union(
            *(moves[reminder] - offering.get(reminder, empty) for reminder in self)
        )._pay_now_store_pdfs()
        Mail = self.env['mail.mail']
        limit = Mail._pay_now_attachments_limit() if any(moves.values()) else 0
        attachments, problems = {}, {}
        for reminder in self:
            pdfs = {move: move.invoice_pdf_report_id for move in moves[reminder]}
            failed = {move: failures[move] for move in pdfs if move in failures}
            for move in offering.get(reminder, empty):
                pdfs[move], own_failure = move._pay_now_print_without_link(reminder)
                failed.update(own_failure)
            files = self.env['ir.attachment'].sudo().concat(*pdfs.values())
            attachments[reminder] = Mail._pay_now_fitting(files, limit)
            problems[reminder] = self._pdf_problems(failed)
        return attachments, problems

    def _is_held_out(self):
        """Tell whether the reminder has no button for the sake of a comparison."""
        self.ensure_one()
        return any(code == 'hold_out' for code, _values in self.reason_codes or ())

    def _moves_to_attach(self, lines):
        """Return the invoices that leave with the reminder, the oldest first.

        :param account.move.line lines: what is open.
        :rtype: account.move (sudo)
        """
        if not self.level_id.attach_invoices:
            return self.env['account.move'].sudo()
        oldest_first = lines.sorted(lambda line: (line.date_maturity, line.id))
        return oldest_first.move_id[: const.ATTACHED_INVOICES_MAX].sudo()

    @api.model
    def _pdf_problems(self, failures):
        """Return which invoices could not be printed, and why the first could not.

        :param dict failures: `{invoice: error}`.
        :return: codes of reasons, none where all could be printed.
        :rtype: list
        """
        if not failures:
            return []
        invoices = [move.name for move in failures]
        error = next(iter(failures.values()))
        return [['not_attached', {'invoices': invoices, 'error': error}]]

    # === BUSINESS METHODS - OWN TEXT === #

    def _is_own_text_wrong(self, amount_due, amount_payable):
        """Tell whether a person's text names other amounts, or has a button no longer offered.

        :param float amount_due: in the company's currency.
        :param float amount_payable: online, in the company's currency.
        :rtype: bool
        """
        compare = self.currency_id.compare_amounts
        return bool(
            self.own_body
            and (compare(self.own_amount, amount_due) or compare(self.own_payable, amount_payable))
        )
