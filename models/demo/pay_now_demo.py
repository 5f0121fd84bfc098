# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
import random
import traceback
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Command

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.models.demo import stories

_logger = logging.getLogger(__name__)
#: Whatever the day, the same customers buy the same.
SEED = 17
#: Days before the first invoice that the providers are connected.
CONNECTED_DAYS = 182


class PayNowDemo(models.AbstractModel):
    """The demonstration data: half a year of a company, dated relative to today.

    All of it goes the ordinary ways: invoices are posted, payments made at the providers that are
    played and booked from their notifications, reminders listed and written. What is in the past is
    moved there afterwards. Nothing is mailed to anybody.
    """

    _name = 'pay.now.demo'
    _description = "Demonstration data"

    @api.model
    def _load(self, company_id):
        """Build the data where the module was installed before; else its hook does it.

        Demo data are loaded before the translations, and before the hook.

        :param int company_id: of the company.
        :return: None
        """
        if self.env['ir.module.module']._get(const.MODULE).state == 'installed':
            self._prepare(self.env['res.company'].browse(company_id))

    @api.model
    def _prepare(self, company):
        """Build the data of a company that has none yet; without them the module works too.

        :param res.company company: whose data it is; none where there is no demo data.
        :return: None
        """
        if not company or company.pay_now_signup_date:
            return
        before = self._last_mail()
        quiet = self._quiet(company)
        try:
            with self.env.cr.savepoint():
                quiet._build(company.with_env(quiet.env))
        except Exception:
            _logger.exception("The demonstration could not be prepared")
            self._note_failure(traceback.format_exc())
        quiet._keep_mails(before)

    @api.model
    def _note_failure(self, error):
        """Tell the administrator, as Odoo does of demo data that failed (`modules/loading.py`).

        :param str error: with its traceback.
        """
        module = self.env['ir.module.module'].sudo()._get(const.MODULE)
        self.env['ir.demo_failure'].sudo().create({'module_id': module.id, 'error': error})
        self.env.ref('base.demo_failure_todo').sudo().state = 'open'

    @api.model
    def _build(self, company):
        """Build the data of a company.

        :param res.company company: whose data it is.
        """
        dice = random.Random(SEED)
        self._set_up(company)
        providers = self._connect(company)
        self._open_bank_account(company)
        invoices = self._invoice(company, dice)
        self._pay(company, providers, invoices, dice)
        open_invoices = self._invoice_open(company, dice)
        self._remind(company)
        self._answer(open_invoices)
        self._ask_for_plans(company, open_invoices)
        self._happen(company, providers, invoices, open_invoices)
        self._pay_out(providers)
        self._send_statements(company)
        self._transfer(company, open_invoices)
        self._list(company)

    # === BUSINESS METHODS - GROUND === #

    @api.model
    def _quiet(self, company):
        """Return the model as it works: in the company, and without a mail to anybody.

        :param res.company company: whose data it is.
        """
        return self.sudo().with_context(
            allowed_company_ids=company.ids,
            lang=company._pay_now_lang() or 'en_US',
            mail_activity_quick_update=True,
            mail_create_nosubscribe=True,
            mail_notify_force_send=False,
            tracking_disable=True,
        )

    @api.model
    def _last_mail(self):
        return self.env['mail.mail'].sudo().search([], order='id desc', limit=1).id or 0

    @api.model
    def _keep_mails(self, before):
        """Let no mail leave that was written meanwhile.

        :param int before: the id of the last one that was there.
        """
        self.env['mail.mail'].search(
            [('id', '>', before), ('state', '=', 'outgoing')]
        ).state = 'cancel'

    @api.model
    def _set_up(self, company):
        """Give the company its chart of accounts, and sign it up.

        :param res.company company: whose data it is.
        """
        company.partner_id.tz = 'Europe/Paris'
        if self.env['res.lang']._get_data(code='fr_FR'):
            company.partner_id.lang = 'fr_FR'
            self._partners(company).lang = 'fr_FR'
        if not company.chart_template:
            self._load_chart(company)
        company.pay_now_sage_customer_code = 'FR-DEMO17'
        company._pay_now_sign_up(company.email, 'accounting')

    @api.model
    def _load_chart(self, company):
        """Give the company the French chart of accounts where it is installed, else Odoo's own.

        :param res.company company: whose books they are.
        """
        currency = company.currency_id
        chart = self.env['account.chart.template']
        is_french = chart._get_chart_template_mapping().get('fr', {}).get('installed')
        # What `try_loading` does once all modules are loaded; all that we need are.
        chart._load('fr' if is_french else 'generic_coa', company, install_demo=False)
        if not is_french:
            # It is of the United States.
            company.currency_id = currency
            tax = company.account_sale_tax_id
            tax.write({'name': "TVA 20 %", 'amount': 20})
            tax.tax_group_id.name = "TVA 20 %"

    @api.model
    def _partners(self, company):
        return self.env['res.partner'].search([('company_id', '=', company.id)])

    @api.model
    def _partner(self, name):
        return self.env.ref(f'account_pay_now.demo_partner_{name}').with_env(self.env)

    @api.model
    def _connect(self, company):
        """Connect both providers, as of half a year ago.

        :param res.company company: whose data it is.
        :return: `{code: payment.provider}`
        :rtype: dict
        """
        since = fields.Datetime.now() - timedelta(days=CONNECTED_DAYS)
        providers = {}
        for code in const.PROVIDER_CODES:
            provider = company.pay_now_provider_ids.filtered(
                lambda one, code=code: one.code == code
            )
            provider = provider[:1] or self.env.ref(
                f'account_pay_now.payment_provider_{const.SHORT_NAMES[code].lower()}'
            ).copy({'company_id': company.id})
            provider = provider.with_env(self.env)
            provider._pay_now_connect_demo()
            provider.write({'pay_now_connected_at': since, 'pay_now_opened_at': since})
            providers[code] = provider
        # A receipt for each payment of the half year would be a mail to somebody.
        company.pay_now_receipts = False
        return providers

    # === BUSINESS METHODS - INVOICES === #

    @api.model
    def _invoice(self, company, dice):
        """Post the invoices of the half year that were paid.

        :param res.company company: whose data it is.
        :param random.Random dice: what varies.
        :return: `{habit: account.move}`
        :rtype: dict
        """
        todo = sorted(
            ((day, habit) for habit in stories.HABITS for day in habit.invoiced),
            key=lambda one: one[0],
        )
        moves = self._post(
            company, [(habit.partner, day, day + stories.DUE_DAYS) for day, habit in todo], dice
        )
        invoices = {}
        for (_day, habit), move in zip(todo, moves, strict=True):
            invoices[habit] = invoices.get(habit, moves.browse()) | move
        return invoices

    @api.model
    def _invoice_open(self, company, dice):
        """Post the invoices that are left open.

        :param res.company company: whose data it is.
        :param random.Random dice: what varies.
        :return: `{end of the customer's external id: account.move}`
        :rtype: dict
        """
        todo = [(name, due - stories.DUE_DAYS, due) for name, due in stories.OPEN]
        moves = self._post(company, todo, dice)
        invoices = {}
        for (name, _day, _due), move in zip(todo, moves, strict=True):
            invoices[name] = invoices.get(name, moves.browse()) | move
        return invoices

    @api.model
    def _post(self, company, todo, dice):
        """Post invoices.

        :param res.company company: whose data it is.
        :param list todo: of each the end of the customer's external id, and the days from today
            that it is dated and due.
        :param random.Random dice: what varies.
        :rtype: account.move
        """
        today = company._pay_now_today()
        moves = self.env['account.move'].create(
            [
                {
                    'move_type': 'out_invoice',
                    'company_id': company.id,
                    'partner_id': self._partner(name).id,
                    'invoice_date': today + timedelta(days=day),
                    'invoice_date_due': today + timedelta(days=due),
                    'invoice_payment_term_id': False,
                    'invoice_user_id': False,
                    'invoice_line_ids': self._prepare_lines(company, dice),
                }
                for name, day, due in todo
            ]
        )
        moves.action_post()
        return moves

    @api.model
    def _prepare_lines(self, company, dice):
        """Return the lines of an invoice, as commands.

        :param res.company company: whose taxes they bear.
        :param random.Random dice: what varies.
        :rtype: list
        """
        taxes = company.account_sale_tax_id
        return [
            Command.create(
                {
                    'name': name,
                    'quantity': dice.randint(2, 12),
                    'price_unit': price,
                    'tax_ids': [Command.set(taxes.ids)],
                }
            )
            for name, price in dice.sample(stories.PRODUCTS, dice.randint(1, 3))
        ]

    # === BUSINESS METHODS - PAYMENTS === #

    @api.model
    def _pay(self, company, providers, invoices, dice):
        """Let the customers pay as they use to.

        :param res.company company: whose data it is.
        :param dict providers: by code.
        :param dict invoices: by habit.
        :param random.Random dice: what varies.
        """
        played = {code: one._pay_now_gateway().provider for code, one in providers.items()}
        for habit, moves in invoices.items():
            for move in moves:
                day = move.invoice_date_due + timedelta(days=dice.randint(*habit.days))
                day = min(day, company._pay_now_today() - timedelta(days=1))
                if habit.by == 'transfer':
                    self._pay_by_transfer(move, day)
                    continue
                code = const.PAYPAL if habit.by == 'paypal' else const.STRIPE
                at = self._instant(day, dice)
                ref = self._open_checkout(providers[code], move).provider_reference
                if habit.by == 'sepa':
                    played[code].pay(ref, slow=True, at=at - timedelta(days=3))
                    played[code].settle(ref, at=at)
                else:
                    played[code].pay(ref, at=at)
        for code, provider in providers.items():
            provider._pay_now_demo_deliver(played[code])
            provider._pay_now_demo_work_off()

    @api.model
    def _instant(self, day, dice):
        """Return an instant of a day, in office hours.

        :param datetime.date day: where the company is.
        :param random.Random dice: what varies.
        :rtype: datetime
        """
        moment = time(dice.randint(8, 15), dice.randint(0, 59), tzinfo=timezone.utc)
        return datetime.combine(day, moment)

    @api.model
    def _days_ago(self, days):
        """Return the instant so many days ago.

        :param int days: how many.
        :rtype: datetime
        """
        now = datetime.now(timezone.utc).replace(microsecond=0)
        return now - timedelta(days=days)

    @api.model
    def _open_checkout(self, provider, move):
        """Open the checkout of an invoice, as its pay page does.

        :param payment.provider provider: whose.
        :param account.move move: one invoice.
        :rtype: payment.transaction
        """
        Transaction = self.env['payment.transaction']
        tx = Transaction._pay_now_create(
            provider,
            move.partner_id,
            move._pay_now_open_lines(),
            page_url=move._pay_now_path() if move._pay_now_url() else '',
        )
        tx._pay_now_open()
        return tx

    @api.model
    def _pay_by_transfer(self, move, day):
        """Register that an invoice was paid by transfer.

        :param account.move move: one invoice.
        :param datetime.date day: when.
        """
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=move.ids
        ).create({'payment_date': day})._create_payments()

    # === BUSINESS METHODS - REMINDERS === #

    @api.model
    def _remind(self, company):
        """Write the reminders of the past weeks.

        :param res.company company: whose data it is.
        """
        levels = self.env['pay.now.reminder.level'].search([('company_id', '=', company.id)])
        attached = levels.filtered('attach_invoices')
        # Nobody waits for PDFs that nobody gets.
        attached.attach_invoices = False
        for name, days in stories.REMINDED:
            run = self._list(company, self._partner(name))
            self._write_reminders(run, self._days_ago(days))
        attached.attach_invoices = True

    @api.model
    def _list(self, company, partners=None):
        """Return a list of reminders that was made just now.

        :param res.company company: whose customers.
        :param res.partner partners: of some customers only.
        :rtype: pay.now.reminder.run
        """
        run = self.env['pay.now.reminder.run'].create(
            {
                'company_id': company.id,
                'partner_ids': [Command.set(partners.ids if partners else [])],
            }
        )
        run._generate()
        return run

    @api.model
    def _write_reminders(self, run, at):
        """Send the reminders of a list, but for handing them over to a mail server.

        :param pay.now.reminder.run run: the list.
        :param datetime at: when they left.
        """
        at = run.company_id._pay_now_instant(at)
        todo = run.reminder_ids.filtered(lambda one: one.state == 'draft')
        run.write({'state': 'sending', 'sender_id': self.env.ref('base.user_admin').id})
        leaving = todo._queue()._prepare_to_leave()
        leaving.mail_id.state = 'sent'
        leaving.write({'state': 'sent', 'sent_at': at, 'retry_at': False})
        leaving._note_sent()
        run._check_done()
        run.date = at.date()

    # === BUSINESS METHODS - EVENTS === #

    @api.model
    def _answer(self, invoices):
        """Let customers say something instead of paying.

        :param dict invoices: open ones, by the end of the customer's external id.
        """
        today = self.env.company._pay_now_today()
        for name, kind, days, text in stories.ANSWERS:
            move = invoices[name][0]
            date = '' if days is None else (today + timedelta(days=days)).isoformat()
            move._pay_now_answer(kind, set(move._pay_now_open_lines().ids), date, text)

    @api.model
    def _ask_for_plans(self, company, invoices):
        """Let customers ask to pay in parts, which waits for an answer.

        :param res.company company: whose data it is.
        :param dict invoices: open ones, by the end of the customer's external id.
        """
        company.pay_now_plans = True
        for name, count, rhythm in stories.PLANS:
            move = invoices[name][0]
            chosen = set(move._pay_now_open_lines().ids)
            asked = {'item': chosen, 'plan_parts': count, 'plan_rhythm': rhythm}
            seen = move._pay_now_plan_offer(asked, True)['seen']
            move._pay_now_ask_plan(chosen, count, rhythm, seen)

    @api.model
    def _send_statements(self, company):
        """Write statements of account, but for drawing them and handing them to a mail server.

        :param res.company company: whose data it is.
        """
        Statement = self.env['pay.now.customer.statement']
        for name, days in stories.STATEMENTS:
            at = company._pay_now_instant(self._days_ago(days))
            day = company._pay_now_day(at)
            statement = Statement.create(
                {
                    'company_id': company.id,
                    'partner_id': self._partner(name).id,
                    'contact_id': self._partner(name).id,
                    'email': self._partner(name).email,
                    'date_from': day.replace(day=1),
                    'date_to': day,
                    'user_id': self.env.ref('base.user_admin').id,
                    'state': 'sent',
                    'sent_at': at,
                }
            )
            accounts = statement._accounts()
            items = [item['line'].id for one in accounts for item in one['items']]
            statement.write(
                {
                    'item_ids': [Command.set(items)],
                    'balances': [[one['closing'], one['currency'].id] for one in accounts],
                }
            )

    @api.model
    def _open_bank_account(self, company):
        """Give the company the account that its pages and mails say how to transfer to.

        :param res.company company: whose data it is.
        """
        journal = self._bank_journal(company)
        if journal and not journal.bank_account_id:
            bank = self.env['res.bank'].create({'name': stories.BANK, 'bic': stories.BIC})
            journal.bank_account_id = self.env['res.partner.bank'].create(
                {
                    'acc_number': stories.IBAN,
                    'bank_id': bank.id,
                    'partner_id': company.partner_id.id,
                    'allow_out_payment': True,
                }
            )

    @api.model
    def _bank_journal(self, company):
        return company.pay_now_provider_ids[:1]._pay_now_demo_bank()

    @api.model
    def _transfer(self, company, invoices):
        """Let the bank's statement show transfers that name an invoice: they are proposed for it.

        :param res.company company: whose data it is.
        :param dict invoices: open ones, by the end of the customer's external id.
        """
        journal, today = self._bank_journal(company), company._pay_now_today()
        for name, days in stories.TRANSFERS if journal else ():
            move = invoices[name][0]
            self.env['account.bank.statement.line'].create(
                {
                    'journal_id': journal.id,
                    'date': today - timedelta(days=days),
                    'payment_ref': f'VIR SEPA {move.partner_id.name} {move.name}',
                    'amount': move.amount_residual,
                }
            )

    @api.model
    def _happen(self, company, providers, invoices, open_invoices):
        """Let happen what an accountant has to deal with.

        A refund made at the provider, disputes, money on its way, an invoice paid twice.

        :param res.company company: whose data it is.
        :param dict providers: by code.
        :param dict invoices: paid ones, by habit.
        :param dict open_invoices: by the end of the customer's external id.
        """
        stripe = providers[const.STRIPE]
        played = stripe._pay_now_gateway().provider
        paid = {habit.partner: moves for habit, moves in invoices.items()}
        played.refund(self._ref(paid['marche'][2]), Decimal('48.00'), at=self._days_ago(40))
        won = played.dispute(
            self._ref(paid['dumas'][1]), 'product_not_received', self._days_ago(75)
        )
        played.decide(won, True, self._days_ago(46))
        played.dispute(self._ref(paid['dumas'][-1]), 'fraudulent', self._days_ago(5))
        # By a method that takes days.
        waiting = self._open_checkout(stripe, open_invoices['marche'])
        played.pay(waiting.provider_reference, slow=True, at=self._days_ago(1))
        # Both ways: the checkout was open as the transfer arrived.
        twice = self._open_checkout(stripe, open_invoices['colbert'])
        today = company._pay_now_today()
        self._pay_by_transfer(open_invoices['colbert'], today - timedelta(days=2))
        played.pay(twice.provider_reference, at=self._days_ago(1))
        stripe._pay_now_demo_deliver(played)
        stripe._pay_now_demo_work_off()

    @api.model
    def _ref(self, move):
        """Return the id of the checkout that an invoice was paid by.

        :param account.move move: one invoice.
        :rtype: str
        """
        return move.transaction_ids.filtered(lambda tx: tx.state == 'done').provider_reference

    @api.model
    def _pay_out(self, providers):
        """Pay out what is owed from time to time; the bank does not know of the last one yet.

        :param dict providers: by code.
        """
        for code, provider in providers.items():
            played = provider._pay_now_gateway().provider
            currency = provider.company_id.currency_id.name
            refs = [played.pay_out(currency, self._days_ago(-day)) for day in stories.PAYOUTS[code]]
            provider._pay_now_demo_deliver(played)
            provider._pay_now_demo_work_off()
            for ref in list(filter(None, refs))[:-1]:
                provider._pay_now_demo_bank_line(ref)
