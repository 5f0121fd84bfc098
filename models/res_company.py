# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import secrets

import pytz
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import config

from odoo.addons.account_pay_now import const, utils

#: What decides whether a provider is offered, its health included, and for which amounts.
PROVIDER_FIELDS = (
    'code',
    'state',
    'company_id',
    *('maximum_amount', 'pay_now_minimum_amount', 'pay_now_most_at_once'),
    'pay_now_status',
    'pay_now_problem',
    'pay_now_silent_at',
    'pay_now_silent_since',
    'pay_now_unheard_at',
    'pay_now_last_event_at',
    'pay_now_webhook_url',
    'pay_now_api_base',
    'pay_now_platform_state',
    *('pay_now_home_uuid', 'pay_now_home_hosts', 'pay_now_home_names', 'pay_now_test_keys'),
    'pay_now_commission_account_id',
)

#: The colour of Odoo's own buttons, for companies without colours.
DEFAULT_COLOR = '#875A7B'


class ResCompany(models.Model):
    """What a company has signed up for, its options, and the providers it offers.

    Who writes to the customer: identity, address of the answers, accounts for transfers.

    Branches have one set-up, one provider account, and one run of reminders with their company.
    Core's own list of such fields cannot be added to: it copies them to the branches one by one,
    and refuses each as long as another one still differs.
    """

    _name = 'res.company'
    _inherit = ['res.company', 'pay.now.authority.mixin']

    # === SET-UP FIELDS === #

    pay_now_sage_customer_code = fields.Char(
        string="Sage customer code",
        copy=False,
        help="Your own customer number at Sage. It is printed on your quotes and invoices from"
        " Sage.",
    )
    pay_now_signup_email = fields.Char(string="Sign-up e-mail", readonly=True, copy=False)
    pay_now_signup_date = fields.Datetime(string="Signed up on", readonly=True, copy=False)
    pay_now_signup_application = fields.Selection(
        string="Signed up from", selection=const.APPLICATIONS, readonly=True, copy=False
    )

    pay_now_test_email = fields.Char(
        string="Test address",
        help="With test keys no real money moves: only this address then gets a Pay now button.",
    )

    # === OPTIONS, ONE PER APPLICATION === #

    pay_now_reminder_accounting = fields.Boolean(
        string="Allow online payment of customer reminders (Accounting)"
    )
    pay_now_reminder_sales = fields.Boolean(
        string="Allow online payment of customer reminders (Sales)"
    )
    pay_now_any_method_accounting = fields.Boolean(
        string="Allow online payment whatever the payment method (Accounting)"
    )
    pay_now_any_method_sales = fields.Boolean(
        string="Allow online payment whatever the payment method (Sales)"
    )

    # === REMINDERS === #

    pay_now_reminder_auto = fields.Boolean(
        string="Send reminders automatically every day",
        # Somebody ticks it, who has read how many customers get a mail tomorrow.
        copy=False,
        help="Once a day, every customer with a due item that a reminder level has reached gets"
        " one reminder.",
    )

    # === COMPUTED FIELDS === #

    pay_now_provider_ids = fields.One2many(
        string="Online payment providers",
        comodel_name='payment.provider',
        inverse_name='company_id',
        domain=[('code', 'in', const.PROVIDER_CODES)],
    )
    pay_now_connected_provider_ids = fields.Many2many(
        string="Connected providers",
        comodel_name='payment.provider',
        compute='_compute_pay_now_connected_provider_ids',
        compute_sudo=True,
        recursive=True,
        groups='base.group_system',
        help="The company's own, and those of the company it is a branch of.",
    )
    pay_now_connected = fields.Boolean(
        string="A provider is connected",
        compute='_compute_pay_now_connected',
        compute_sudo=True,
        recursive=True,
    )
    pay_now_reply_to = fields.Char(
        string="Answers to reminders go to",
        help="Where customers' answers arrive. Leave it empty for a person: the customer's"
        " salesperson, else whoever started the reminders.",
    )
    pay_now_transfer_account_ids = fields.Many2many(
        string="Bank accounts for transfers",
        comodel_name='res.partner.bank',
        compute='_compute_pay_now_transfer_account_ids',
        compute_sudo=True,
    )

    # === COMPUTE METHODS === #

    @api.depends(
        'pay_now_provider_ids.pay_now_status',
        'pay_now_provider_ids.state',
        'parent_id.pay_now_connected_provider_ids',
    )
    def _compute_pay_now_connected_provider_ids(self):
        """Kept in the cache: it is asked for each invoice of a run."""
        providers = self.env['payment.provider'].search_fetch(
            Domain('company_id', 'in', self.ids)
            & Domain('code', 'in', const.PROVIDER_CODES)
            & Domain('pay_now_status', '=', 'connected')
            & Domain('state', '!=', 'disabled'),
            PROVIDER_FIELDS,
            # As ever, but for whether its module is installed.
            order='state desc, sequence, name',
        )
        for company in self:
            own = providers.filtered(lambda one, company=company: one.company_id == company)
            company.pay_now_connected_provider_ids = (
                own | company.parent_id.pay_now_connected_provider_ids
            )

    @api.depends('pay_now_provider_ids.pay_now_status', 'parent_id.pay_now_connected')
    def _compute_pay_now_connected(self):
        """A branch uses the providers of its company."""
        for company in self:
            company.pay_now_connected = company.parent_id.pay_now_connected or any(
                provider.pay_now_status == 'connected' for provider in company.pay_now_provider_ids
            )

    @api.depends('bank_journal_ids.bank_account_id.active', 'pay_now_provider_ids.journal_id')
    def _compute_pay_now_transfer_account_ids(self):
        """Of the bank journals, a branch's own before its parents'; never a payment provider's."""
        for company in self:
            companies = company.parent_ids[::-1]
            journals = self.env['account.journal'].search_fetch(
                Domain('company_id', 'in', companies.ids) & Domain('type', '=', 'bank'),
                ['bank_account_id', 'company_id'],
            )
            journals = journals.sorted(
                lambda one, order=companies: order.ids.index(one.company_id.id)
            )
            if journals.bank_account_id:
                journals -= companies.pay_now_provider_ids._pay_now_journals()
            accounts = journals.bank_account_id.filtered('active')
            company.pay_now_transfer_account_ids = accounts.sorted(
                # Odoo prints accounts it does not pay from, too: it only prefers the others.
                lambda account: not account.allow_out_payment
            )

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_sage_customer_code')
    def _check_pay_now_sage_customer_code(self):
        for company in self:
            code = company.pay_now_sage_customer_code
            if code and not utils.is_sage_code(code):
                raise ValidationError(
                    self.env._(
                        "“%s” is not a Sage customer code. It has letters, digits and - _ . / only,"
                        " 32 at most. You find it on your quotes and invoices from Sage.",
                        code,
                    )
                )

    @api.constrains('pay_now_reply_to')
    def _check_pay_now_reply_to(self):
        for company in self.filtered('pay_now_reply_to'):
            email = utils.single_email(company.pay_now_reply_to)
            if not email:
                raise ValidationError(
                    self.env._("“%s” is not an e-mail address.", company.pay_now_reply_to)
                )
            if utils.is_no_reply(email):
                raise ValidationError(
                    self.env._(
                        "Nobody reads “%s”. Customers answer reminders: give an address that"
                        " somebody reads.",
                        email,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to give companies providers and reminder levels, branches the set-up.

        Both have those of their company.
        """
        for vals in vals_list:
            self._pay_now_clean_vals(vals)
        companies = super().create(vals_list)
        for branch in companies.filtered('parent_id').sudo():
            branch.write(branch._pay_now_branch_values())
        companies.sudo()._pay_now_create_reminder_levels()
        companies._pay_now_create_providers()
        return companies

    def write(self, vals):
        """Override of `base` to keep step 4 locked, and the set-up of branches as their company's.

        :raise UserError: if an option is changed before a provider is connected, reminders were to
            be sent automatically without a mail server, or the set-up is changed in a branch.
        """
        self._pay_now_check_branches(vals)
        self._pay_now_clean_vals(vals)
        for company in self:
            if company._pay_now_changed_options(vals) and not company.pay_now_connected:
                raise UserError(
                    self.env._("Available once Stripe or PayPal is connected (step 3).")
                )
            if vals.get('pay_now_reminder_auto') and not company.pay_now_reminder_auto:
                self._pay_now_require_mail_server()
        result = super().write(vals)
        self._pay_now_share_with_branches(vals)
        return result

    def _pay_now_changed_options(self, vals):
        """Return the options that `vals` would change, but for the tick that a sign-up brings.

        :param dict vals: as of `write`.
        :return: names of fields; none for a branch, which follows its company, locked or not.
        :rtype: list
        """
        self.ensure_one()
        if self.parent_id:
            return []
        first_tick = (
            not self.pay_now_signup_date
            and vals.get('pay_now_signup_date')
            and f'pay_now_reminder_{vals.get("pay_now_signup_application")}'
        )
        return [
            name
            for name in const.OPTION_FIELDS
            if name in vals and vals[name] != self[name] and name != first_tick
        ]

    @api.model
    def _pay_now_clean_vals(self, vals):
        if vals.get('pay_now_sage_customer_code'):
            vals['pay_now_sage_customer_code'] = utils.clean_sage_code(
                vals['pay_now_sage_customer_code']
            )

    # === BUSINESS METHODS - TIME === #

    def _pay_now_zone(self):
        """Return the company's time zone, which decides what day it is.

        :rtype: datetime.tzinfo
        """
        self.ensure_one()
        # Of the user the framework knows it, without reading the user on each page.
        tz = self.partner_id.tz or self.env['res.users'].context_get().get('tz')
        return pytz.timezone(tz or 'UTC')

    def _pay_now_today(self):
        """Return today's date where the company is, whoever asks.

        :rtype: datetime.date
        """
        return self._pay_now_day(fields.Datetime.now())

    def _pay_now_day(self, instant):
        """Return the date of an instant where the company is.

        :param datetime instant: naive UTC.
        :rtype: datetime.date
        """
        return instant.replace(tzinfo=pytz.utc).astimezone(self._pay_now_zone()).date()

    @api.model
    def _pay_now_instant(self, moment):
        """Return an instant as Odoo stores it.

        :param datetime moment: aware, or None.
        :return: the same, naive, in UTC; None for none.
        :rtype: datetime.datetime | None
        """
        return moment and moment.astimezone(pytz.utc).replace(tzinfo=None)

    # === BUSINESS METHODS - SET-UP === #

    def _pay_now_has_chart(self):
        """Tell whether the company keeps books.

        :rtype: bool
        """
        self.ensure_one()
        return bool(
            self.chart_template
            or self.env['account.account']
            .sudo()
            .search_count([('company_ids', 'in', self.root_id.ids)], limit=1)
        )

    def _pay_now_sign_up(self, email, application):
        """Sign the company up for online payment (step 2), or change the address.

        The first sign-up ticks the reminder option of its application; a later one ticks nothing.

        :param str email: where notices about the connection go.
        :param str application: `accounting` or `sales`.
        :return: None
        :raise UserError: if step 1 is missing or the address cannot be one.
        """
        self.ensure_one()
        if not self.pay_now_sage_customer_code:
            raise UserError(self.env._("Enter your Sage customer code first (step 1)."))
        normalized = utils.single_email(email)
        if not normalized:
            raise UserError(self.env._("“%s” is not an e-mail address.", email or ''))
        vals = {'pay_now_signup_email': normalized}
        if not self.pay_now_signup_date:
            vals.update(
                {
                    'pay_now_signup_date': fields.Datetime.now(),
                    'pay_now_signup_application': application,
                    'pay_now_test_email': normalized,
                    f'pay_now_reminder_{application}': True,
                }
            )
        self.sudo().write(vals)

    def _pay_now_option(self, option, application):
        """Read one of the options (doc/rules.md, When is there a Pay now button?).

        :param str option: `reminder` or `any_method`.
        :param str application: `accounting` or `sales`.
        :rtype: bool
        """
        self.ensure_one()
        return self[f'pay_now_{option}_{application}']

    def _pay_now_connected_providers(self):
        """Return the connected providers, whether or not they work at the moment.

        :rtype: payment.provider (sudo)
        """
        self.ensure_one()
        return self.sudo().pay_now_connected_provider_ids

    def _pay_now_providers(self):
        """Return the connected providers that may be offered to a customer now, cards first.

        Once one takes real money, those that only pretend to are not offered any more.

        :rtype: payment.provider (sudo)
        """
        providers = self._pay_now_connected_providers()
        live = providers.filtered(lambda provider: provider.state == 'enabled')
        return (
            (live or providers)
            .filtered(lambda provider: provider.pay_now_health != 'red')
            .sorted(lambda provider: const.PROVIDER_CODES.index(provider.code))
        )

    def _pay_now_refusal(self):
        """Return why no invoice of the company gets a *Pay now* button: a code, or False.

        :rtype: str | bool
        """
        self.ensure_one()
        if not self.pay_now_signup_date:
            return 'signup'
        return False if self._pay_now_providers() else 'provider'

    def _pay_now_create_reminder_levels(self):
        """Create the ready reminder levels of companies that have none; branches share them."""
        roots = self.filtered(lambda company: not company.parent_id)
        Level = self.env['pay.now.reminder.level'].sudo().with_context(active_test=False)
        levels = Level.search([('company_id', 'in', roots.ids)])
        for company in roots - levels.company_id:
            company._pay_now_create_ready_levels(const.READY_LEVELS)

    def _pay_now_lang(self):
        """Return the language of what is written for the company by nobody in particular."""
        self.ensure_one()
        return self.partner_id.lang or self.env.lang

    def _pay_now_test_mode(self):
        """Tell whether every connected provider only pretends to take money.

        :rtype: bool
        """
        self.ensure_one()
        providers = self._pay_now_connected_providers()
        return bool(providers) and all(provider.state == 'test' for provider in providers)

    # === BUSINESS METHODS - TEST MODE === #

    @api.model
    def _pay_now_trial(self):
        """Return the trial that a reminder or page is made for, if it is.

        :return: a record, which no client can put into the context; nothing usually.
        :rtype: pay.now.trial | None
        """
        trial = self.env.context.get('pay_now_trial')
        return trial if isinstance(trial, models.BaseModel) else None

    def _pay_now_in_sandbox(self):
        """Tell whether every connected provider is the sandbox on this machine.

        :rtype: bool
        """
        self.ensure_one()
        providers = self._pay_now_connected_providers()
        return bool(providers) and all(
            provider._pay_now_connection().in_sandbox() for provider in providers
        )

    def _pay_now_test_text(self):
        """Return who gets a button in test mode, or False when real money is taken.

        :rtype: str | bool
        """
        self.ensure_one()
        if not self._pay_now_test_mode():
            return False
        if self._pay_now_in_sandbox():
            return self.env._("Nobody is charged: every customer gets the button.")
        if self.pay_now_test_email:
            return self.env._("Only the test address %s gets the button.", self.pay_now_test_email)
        return self.env._("No customer gets the button: enter a test address to try it out.")

    # === BUSINESS METHODS - BRANCHES === #

    def _pay_now_belongs(self, customer, partners, company):
        """Tell whether something is a customer's now, in one of these companies or a branch.

        What of the books it is asked of is said by `account.move.line._pay_now_of`.

        :param res.partner customer: any contact of the customer; none has nothing.
        :param partners: the customers that the books name, all of whom have to be this one.
        :param res.company company: whose it is.
        :rtype: bool
        """
        customer = customer.sudo().commercial_partner_id
        return (
            bool(customer)
            # Not all that follows from a change of a contact's company is written by Odoo.
            and all(one == customer or one.commercial_partner_id == customer for one in partners)
            # Mostly the company itself: nothing of it is read then.
            and (company in self or not set(self.ids).isdisjoint(company.sudo().parent_ids.ids))
        )

    @api.model
    def _pay_now_branch_values(self):
        """Return the set-up that a branch starts with: its company's.

        :rtype: dict
        """
        return {name: self.root_id[name] for name in const.SHARED_FIELDS}

    def _pay_now_check_branches(self, vals):
        """Refuse to change the set-up in a branch.

        :param dict vals: as of `write`.
        :raise UserError: where it is changed.
        """
        shared = {name: vals[name] for name in const.SHARED_FIELDS if name in vals}
        for branch in self.filtered('parent_id') if shared else ():
            root = branch.root_id.sudo()
            if any(root[name] != value for name, value in shared.items()):
                raise UserError(root._pay_now_shared_text())

    def _pay_now_share_with_branches(self, vals):
        """Write what was changed in companies to their branches, too.

        :param dict vals: as of `write`.
        """
        shared = [name for name in const.SHARED_FIELDS if name in vals]
        roots = self.filtered(lambda company: not company.parent_id)
        if not shared or not roots:
            return
        branches = self.sudo().search(
            Domain('id', 'child_of', roots.ids) & Domain('parent_id', '!=', False)
        )
        for root, companies in branches.grouped('root_id').items():
            companies.write({name: root[name] for name in shared})

    def _pay_now_shared_text(self):
        """Return where the set-up of a branch is changed."""
        self.ensure_one()
        return self.env._(
            "Online payment is set up in %s, for its branches too. Switch to that company.",
            self.name,
        )

    def _pay_now_create_providers(self):
        """Give each company its own providers where core did not.

        Core copies those of the company the user belongs to: a branch has none.
        """
        Provider = self.env['payment.provider'].sudo()
        for code in const.PROVIDER_CODES:
            existing = Provider.search([('code', '=', code)], order='id')
            for company in self.filtered(lambda company: not company.parent_id):
                if existing and company not in existing.company_id:
                    existing[0].copy({'company_id': company.id})

    # === BUSINESS METHODS - WHO WRITES === #

    def _pay_now_identity(self):
        """Return who the company is, for the foot of mails and pages, in the context's language.

        :return: `address` and `registration`, each one line of text, empty where unknown.
        :rtype: dict
        """
        self.ensure_one()
        partner = self.partner_id.sudo()
        address = partner._display_address(without_company=True)
        numbers = [
            (self._pay_now_registry_label(), partner.company_registry),
            (partner.country_id.vat_label or self.env._("Tax ID"), partner.vat),
        ]
        return {
            'address': ', '.join(line.strip() for line in address.splitlines() if line.strip()),
            'registration': ' · '.join(
                self.env._("%(label)s: %(number)s", label=label, number=number)
                for label, number in numbers
                # Odoo keeps a slash for "has none".
                if (number or '').strip(' /')
            ),
        }

    def _pay_now_mail_values(self):
        """Return what all reminders of the company have in common.

        :rtype: dict
        """
        self.ensure_one()
        return {
            'company': self,
            **self._pay_now_button_colors(),
            'test_mode': self._pay_now_test_mode(),
        }

    def _pay_now_mail_layout(self, template):
        """Return what stands above and below the text of a mail, in the context's language.

        :param mail.template template: of the text.
        :rtype: tuple(markupsafe.Markup, markupsafe.Markup)
        """
        self.ensure_one()
        direction = self.env['mail.mail']._pay_now_direction()
        mark = f'<!--{secrets.token_hex(16)}-->'
        layout = template._render_encapsulate(
            'account_pay_now.mail_layout',
            Markup(mark),
            add_context={
                'company': self,
                'identity': self._pay_now_identity(),
                'logo_url': False
                if self.uses_default_logo
                else f'{self.get_base_url()}/logo.png?company={self.id}',
                'mail_lang': (self.env.lang or 'en').replace('_', '-'),
                'mail_dir': direction,
            },
            context_record=self,
        )
        if direction == 'rtl':
            layout = utils.mirrored(layout)
        before, after = layout.split(mark)
        return Markup(before), Markup(after)

    def _pay_now_registry_label(self):
        """Return how the number in the company register is called in the company's country."""
        partner = self.partner_id.sudo()
        if partner.country_code in const.FRENCH_TERRITORIES:
            digits = [char for char in partner.company_registry or '' if char.isdigit()]
            return "SIREN" if len(digits) == 9 else "SIRET"
        return partner.company_registry_label

    def _pay_now_reply_address(self, people):
        """Return where a customer's answer goes: to a person rather than into a box of machines.

        :param people: users, the best placed to answer first.
        :type people: list of res.users
        :rtype: str | bool
        """
        self.ensure_one()
        if self.pay_now_reply_to:
            return utils.email_header(self.name, self.pay_now_reply_to)
        machines = {self.bounce_email, self.catchall_email, self.default_from_email}
        for user in people:
            email = utils.single_email(user.email)
            if not email or email in machines or utils.is_no_reply(email):
                continue
            # Whoever left the company is archived, as is the user that scheduled actions run as.
            if user.active and not user.share:
                return utils.email_header(user.name, email)
        return utils.email_header(self.name, self.email) or False

    def _pay_now_sender(self):
        """Return who writes the company's mails: itself, else the user.

        :return: a name and one address; empty if neither has one.
        :rtype: str
        """
        self.ensure_one()
        for record in (self, self.env.user):
            if addresses := utils.email_addresses(record.email):
                return utils.email_header(record.name, addresses[0])
        return ''

    def _pay_now_button_colors(self):
        """Return the colours of buttons: the company's own, with a text that can be read on them.

        :return: `color` and `text_color`.
        :rtype: dict
        """
        self.ensure_one()
        color = utils.hex_color(self.email_secondary_color) or DEFAULT_COLOR
        wanted = utils.hex_color(self.email_primary_color)
        return {'color': color, 'text_color': utils.readable_text(color, wanted)}

    # === BUSINESS METHODS - MAIL SERVER === #

    @api.model
    def _pay_now_has_mail_server(self):
        """Tell whether mails can leave: a mail server is on record, or one was really configured.

        Without either Odoo tries port 25 of its own machine, where usually nobody listens. A
        person's own server sends that person's mails only.

        :rtype: bool
        """
        MailServer = self.env['ir.mail_server'].sudo()
        servers = MailServer.search(MailServer._find_mail_server_allowed_domain())
        if MailServer._filter_mail_servers_fallback(servers):
            return True
        *given, _defaults = config.options.maps
        return bool(config['smtp_server']) and any('smtp_server' in options for options in given)

    @api.model
    def _pay_now_require_mail_server(self):
        """Let nothing be sent that cannot leave.

        :return: None
        :raise UserError: what is missing, and the way out.
        """
        if not self._pay_now_has_mail_server():
            raise UserError(
                self.env._(
                    "There is no outgoing mail server: your reminders would not leave. An"
                    " administrator adds one in Settings ▸ General Settings ▸ Emails, or straight"
                    " from the online payment set-up."
                )
            )
