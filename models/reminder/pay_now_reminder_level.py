# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import html2plaintext

#: What is nowhere in a mail, and what says something there without being a text.
COMMENT = re.compile(r'<!--.*?-->', re.DOTALL)
PLACEHOLDER = re.compile(r'\bt-(?:out|field|call|esc|raw)\s*=')
#: By what a text lists the invoices, and by what it has the button: mostly one thing for both.
ITEMS, BUTTON = ('items_html', 'item_ids'), ('items_html', 'pay_now_url')


class PayNowReminderLevel(models.Model):
    """A step of a company's reminders: from when on, how often, with which text, and by whom.

    Which one an item has reached is decided by what was sent about it (doc/rules.md, Reminders).
    """

    _name = 'pay.now.reminder.level'
    _inherit = ['pay.now.authority.mixin']
    _description = "Reminder level"
    _order = 'company_id, delay_days, id'
    _check_company_auto = True
    # As the provider, shared with the branches.
    _check_company_domain = models.check_company_domain_parent_of
    _pay_now_written_by = dict.fromkeys(
        (
            'name',
            'active',
            'company_id',
            'delay_days',
            'gap_days',
            'template_id',
            'is_automatic',
            'repeat',
            'activity_summary',
            'attach_invoices',
            'state_interest',
        ),
        True,
    )

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    delay_days = fields.Integer(
        string="Days after the due date",
        required=True,
        default=5,
        help="Negative: days before the due date.",
    )
    gap_days = fields.Integer(
        string="Days since the previous reminder",
        required=True,
        default=14,
        help="A customer who got a reminder less than this many days ago gets none.",
    )
    template_id = fields.Many2one(
        string="E-mail template",
        comodel_name='mail.template',
        domain=[('model', '=', 'pay.now.reminder')],
        required=True,
        default=lambda self: self.env.ref(
            'account_pay_now.mail_template_reminder', raise_if_not_found=False
        ),
    )
    is_automatic = fields.Boolean(
        string="Sent automatically",
        default=True,
        help="Otherwise the reminders of the daily action wait in its run for a person.",
    )
    repeat = fields.Boolean(
        default=True,
        help="As long as no further level is due, the reminder is sent again after the days between"
        " two reminders.",
    )
    activity_summary = fields.Char(
        string="Activity for the responsible",
        translate=True,
        help="What the customer's responsible is asked to do once the reminder has been sent."
        " Empty: nothing.",
    )
    attach_invoices = fields.Boolean(
        string="Attach the invoices",
        help="The PDFs of the invoices leave with the reminder: those that are stored, and those"
        " still missing once they are made.",
    )

    state_interest = fields.Boolean(
        string="State interest and indemnity",
        help="From this level on reminders to companies say what the law adds for late payment: for"
        " information, not as a part of the amount asked for. Rates: Configuration, Interest for"
        " late payment.",
    )

    text_problem = fields.Text(
        string="What is wrong with the text",
        compute='_compute_text_problem',
        compute_sudo=True,
        help="It leaves as it is all the same.",
    )

    _gap_not_negative = models.Constraint(
        'CHECK (gap_days >= 1)', "There is at least one day between two reminders."
    )

    # === COMPUTE METHODS === #

    @api.depends('template_id.body_html', 'template_id.subject', 'name', 'state_interest')
    @api.depends_context('lang')
    def _compute_text_problem(self):
        for level in self:
            texts = level._problem_texts(level._langs()) if level.template_id else []
            if level.state_interest:
                texts += level._rate_texts()
            level.text_problem = '\n'.join(texts) or False

    # === CONSTRAINT METHODS === #

    @api.constrains('template_id')
    def _check_template(self):
        for level in self:
            level._template()
        self._check_texts(self._langs())

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to say what is wrong with the text, once it is saved."""
        levels = super().create(vals_list)
        levels._warn_of_texts()
        return levels

    def write(self, vals):
        """Override of `base` to say what is wrong with the text, once it is saved."""
        result = super().write(vals)
        if 'template_id' in vals:
            self._warn_of_texts()
        return result

    # === ACTION METHODS === #

    def action_preview(self):
        """Show the mail of the level, with the customer with the largest amount due.

        :return: a window action.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        Trial = self.env['pay.now.trial']
        Trial.check_access('create')
        values = {'company_id': self.company_id.id, 'level_id': self.id}
        trial = Trial.sudo().create(values).with_env(self.env)
        trial._preview()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Preview: %s", self.name),
            'res_model': trial._name,
            'res_id': trial.id,
            'view_mode': 'form',
            'views': [(self.env.ref('account_pay_now.pay_now_trial_view_preview').id, 'form')],
            'target': 'new',
        }

    # === BUSINESS METHODS === #

    def _template(self):
        """Return the template of the level, which is one of reminders when it is used, too.

        :rtype: mail.template (sudo)
        :raise ValidationError: if it is of another model.
        """
        template = self.template_id.sudo()
        if template and template.model != 'pay.now.reminder':
            raise ValidationError(
                self.env._(
                    "The template “%(template)s” of the level “%(level)s” is not for reminders:"
                    " choose another one.",
                    template=template.name,
                    level=self.name,
                )
            )
        return template

    def _rate_texts(self):
        """Say that the level states no interest, as no rate is known for today, if so.

        :rtype: list[str]
        """
        self.ensure_one()
        company = self.company_id
        if self.env['pay.now.interest.rate']._on(company, company._pay_now_today()):
            return []
        text = self.env._(
            "“%s”: no interest is stated, as there is no rate for today. Enter it in Configuration,"
            " Interest for late payment.",
            self.name,
        )
        return [text]

    def _stating_interest(self):
        """Return those of the levels that state interest: the first that is ticked, and later ones.

        :rtype: pay.now.reminder.level
        """
        groups = self.sudo()._read_group(
            [('company_id', 'in', self.company_id.ids), ('state_interest', '=', True)],
            ['company_id'],
            ['delay_days:min'],
        )
        first = {company.id: delay for company, delay in groups}
        return self.filtered(
            lambda level: (
                level.company_id.id in first and level.delay_days >= first[level.company_id.id]
            )
        )

    # === BUSINESS METHODS - TEXT === #

    @api.model
    def _langs(self):
        """Return the languages that customers may be written to in: those that are installed.

        :rtype: list[str]
        """
        return [code for code, _name in self._lang_names()]

    @api.model
    def _lang_names(self):
        """Return the languages that are installed, as those who speak them call them.

        :return: of `(code, name)`.
        :rtype: list[tuple]
        """
        installed = self.env['res.lang'].get_installed()
        return [(code, name.rpartition(' / ')[2]) for code, name in installed]

    def _text_problems(self, lang):
        """Return what the text of the level lacks in one language.

        :param str lang: code of a language.
        :return: codes: `empty`, `subject`, `items`, `button`.
        :rtype: list[str]
        """
        self.ensure_one()
        template = self.template_id.sudo().with_context(lang=lang)
        if template.model not in (False, 'pay.now.reminder'):
            # Each reminder says so as it is to leave (see `_template`).
            return []
        body = COMMENT.sub('', template.body_html or '')
        if not PLACEHOLDER.search(body) and not html2plaintext(body).strip():
            return ['empty']
        missing = {
            'subject': not (template.subject or '').strip(),
            'items': not any(word in body for word in ITEMS),
            'button': not any(word in body for word in BUTTON),
        }
        return [code for code, is_missing in missing.items() if is_missing]

    def _problem_texts(self, langs):
        """Say what the text of the level lacks, in the language of the reader.

        :param langs: codes of the languages that somebody is written to in.
        :rtype: list[str]
        """
        values = {'level': self.name}
        texts = []
        for lang, name in self._lang_names():
            values['lang'] = name
            sentences = {
                'empty': self.env._("“%(level)s” (%(lang)s): there is no text.", **values),
                'subject': self.env._("“%(level)s” (%(lang)s): there is no subject.", **values),
                'items': self.env._(
                    "“%(level)s” (%(lang)s): the invoices are not listed.", **values
                ),
                'button': self.env._(
                    "“%(level)s” (%(lang)s): there is no place for the Pay now button.", **values
                ),
            }
            if lang in langs:
                texts += [sentences[code] for code in self._text_problems(lang)]
        return texts

    def _rendering_text(self, lang, error):
        """Say that a mail of the level cannot be written.

        :param str lang: code of the language.
        :param str error: why not.
        :rtype: str
        """
        return self.env._(
            "“%(level)s” (%(lang)s): the mail cannot be written: %(error)s",
            level=self.name,
            lang=dict(self._lang_names()).get(lang, lang),
            error=error,
        )

    def _check_texts(self, langs):
        """Refuse texts that can be no mail: there is nothing in them.

        :param langs: codes of the languages that somebody is written to in.
        :raise ValidationError: if there is such a one.
        """
        langs = set(langs)
        for level in self.filtered('template_id'):
            if any('empty' in level._text_problems(lang) for lang in langs):
                raise ValidationError('\n'.join(level._problem_texts(langs)))

    def _warn_of_texts(self):
        """Tell whoever saves these levels, or their texts, what is wrong: it stops nobody."""
        langs = self._langs()
        texts = [text for level in self for text in level._problem_texts(langs)]
        samples = self.env['pay.now.reminder'].sudo()
        for level in self:
            groups = samples._read_group(
                [('level_id', '=', level.id)], ['contact_id.lang'], ['id:max']
            )
            for _lang, id_ in groups:
                sample = samples.browse(id_)
                if error := sample._rendering_error():
                    texts.append(level._rendering_text(sample._mail_lang(), error))
        if texts:
            self.env.user._bus_send(
                'simple_notification',
                {
                    'type': 'warning',
                    'sticky': True,
                    'title': self.env._("Look at the text of the reminder"),
                    'message': ' '.join(dict.fromkeys(texts)),
                },
            )

    # === BUSINESS METHODS - CHOICE === #

    def _choose(self, items, history, today, start, known=None):
        """Return the level of a message about some items of one customer.

        A level follows the one sent before; it is never skipped, nor gone back to while an item
        that it was sent about is open. One message is about all items: at the highest of their
        levels.

        :param account.move.line items: what is due, of one customer.
        :param dict history: `{item: levels sent about it}`.
        :param datetime.date today: the day to judge.
        :param tuple start: the level that old debts start at, and the day they are older than.
        :param dict known: what was found out for other items on the same day.
        :return: one of these levels, or none when nothing more is due yet.
        :rtype: pay.now.reminder.level
        """
        none, known = self.browse(), {} if known is None else known
        due, sent = set(), set()
        for item in items:
            before = history.get(item, none)
            key = (item.date_maturity, before._ids)
            if key not in known:
                known[key] = self._next_for(item, before, today, start)
            due.add(known[key])
            sent.add(before)
        due = none.union(*due)
        return (due | none.union(*sent) & self).sorted(self._rank)[-1:] if due else due

    def _next_date(self, items, history, today, start, last_sent):
        """Return from when the next message about some items of one customer is due.

        :param account.move.line items: what is open, of one customer.
        :param dict history: `{item: levels sent about it}`.
        :param datetime.date today: the first day to judge.
        :param tuple start: see `_choose`.
        :param datetime.datetime last_sent: when the customer was last reminded, None for never.
        :rtype: datetime.date | bool
        """
        first = timedelta(days=self[:1].delay_days)
        # What is due changes on few days only: those of the levels, and the end of a gap.
        days = {today} | {
            item.date_maturity + timedelta(days=level.delay_days)
            for item in items
            for level in self
        }
        for day in sorted(day for day in days if day >= today):
            due = items.filtered(lambda item, day=day: item.date_maturity + first <= day)
            if level := self._choose(due, history, day, start):
                ready = last_sent and last_sent.date() + timedelta(days=level.gap_days)
                return max(day, ready or day)
        return False

    def _next_for(self, item, sent, today, start):
        """Return the level that is due for one item.

        :param account.move.line item: what is open.
        :param pay.now.reminder.level sent: what was sent about it.
        :param datetime.date today: see `_choose`.
        :param tuple start: see `_choose`.
        :rtype: pay.now.reminder.level
        """
        late = (today - item.date_maturity).days
        # No message says that something falls due soon once it was due.
        reached = self.filtered(
            lambda level: level.delay_days <= late and (late <= 0 or level.delay_days >= 0)
        ).sorted(self._rank)
        if not sent:
            return self._first_for(item, reached, start)
        last = sent.sorted(self._rank)[-1]
        further = reached.filtered(lambda level: self._rank(level) > self._rank(last))
        return further[:1] or (reached & last).filtered('repeat')

    def _first_for(self, item, reached, start):
        """Return the level that the reminders of an item begin with.

        :param account.move.line item: what is open.
        :param pay.now.reminder.level reached: the levels it has reached, in order.
        :param tuple start: see `_choose`.
        :rtype: pay.now.reminder.level
        """
        level, since = start
        if level and reached and item.date_maturity + timedelta(reached[0].delay_days) < since:
            return (
                reached.filtered(lambda one: self._rank(one) <= self._rank(level))[-1:]
                or (reached[:1])
            )
        return reached[:1]

    @api.model
    def _rank(self, level):
        return level.delay_days, level.id
