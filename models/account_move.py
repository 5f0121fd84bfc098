# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import io
import logging
from math import isfinite

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.image import image_data_uri
from odoo.tools.pdf import PdfFileReader

from odoo.addons.account_pay_now import const, utils
from odoo.addons.account_pay_now.utils import PayerError

#: The pages where an invoice is paid online: Odoo's own, and ours.
PAYMENT_PATHS = ('/my/invoices/', '/payment/pay', '/pay_now/')

_logger = logging.getLogger(__name__)


class AccountMove(models.Model):
    """Whether an invoice can be paid online, and why not: decided here for every mail and page.

    Where it is paid by transfer instead, and its PDFs: what they say of paying online, and for the
    reminders they go with.
    """

    _name = 'account.move'
    _inherit = ['account.move', 'pay.now.authority.mixin']

    pay_now_application = fields.Selection(
        string="Application",
        selection=const.APPLICATIONS,
        compute='_compute_pay_now_application',
        compute_sudo=True,
        help="Sales when at least one line comes from a sales order, Accounting otherwise.",
    )
    pay_now_refusal = fields.Char(
        string="Why there is no Pay now button",
        compute='_compute_pay_now_refusal',
        compute_sudo=True,
    )
    pay_now_item_ids = fields.One2many(
        string="Online payment items",
        comodel_name='pay.now.transaction.item',
        inverse_name='move_id',
        readonly=True,
        groups='account.group_account_invoice,account.group_account_readonly',
    )
    pay_now_undone_ids = fields.One2many(
        string="Matches undone by a person",
        comodel_name='pay.now.undone',
        inverse_name='move_id',
        readonly=True,
        groups='account.group_account_invoice,account.group_account_readonly',
    )

    # === COMPUTE METHODS === #

    @api.depends('invoice_line_ids.sale_line_ids')
    def _compute_pay_now_application(self):
        from_sales = set(self._pay_now_from_sales().ids)
        for move in self:
            # What is being typed is not in the database yet.
            sold = move.id in from_sales if move.id else move.invoice_line_ids.sale_line_ids
            move.pay_now_application = 'sales' if sold else 'accounting'

    @api.depends_context('lang')
    def _compute_pay_now_refusal(self):
        refusals = self._pay_now_refusals('invoice_mail')
        for move in self:
            reason = refusals.get(move)
            move.pay_now_refusal = reason and move._pay_now_refusal_label(reason)

    @api.depends_context('pay_now_no_link')
    def _compute_display_link_qr_code(self):
        """Override of `account` to print invoices without Odoo's payment link where none may be.

        Nor beside our own QR code: who would know which one to scan?
        """
        result = super()._compute_display_link_qr_code()
        if self.env.context.get('pay_now_no_link'):
            self.display_link_qr_code = False
            return result
        ours = self.filtered(lambda move: move.company_id.sudo().pay_now_print_qr)
        ours.filtered('pay_now_url').display_link_qr_code = False
        return result

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _pay_now_note_deleted_entries(self):
        """Remember that a person deleted an entry of ours: it is not made again by itself."""
        if self.env.context.get(const.BY_ITSELF):
            return
        for found in self.filtered('posted_before')._pay_now_booked_for().values():
            for record, name in found:
                record._pay_now_note_deleted(name)

    # === BUSINESS METHODS - ENTRIES OF OURS === #

    def _pay_now_booked_for(self):
        """Return what entries of ours were made for.

        :return: `{entry: {(record, field)}}`, see `const.ENTRIES`; other entries are left out.
        :rtype: dict
        """
        found = {}
        moves = self.filtered(lambda move: move.move_type == 'entry')
        for model, names in const.ENTRIES.items() if moves else ():
            for name in names:
                records = self.env[model].sudo()
                path = f'{name}.move_id' if name == 'payment_id' else name
                for record in records.search(Domain(path, 'in', moves.ids)):
                    found.setdefault(record.mapped(path), set()).add((record, name))
        return found

    # === BUSINESS METHODS - ELIGIBILITY === #

    def _pay_now_linked_lines(self):
        """Override of `pay.now.page.mixin`: the instalments of the invoice.

        :rtype: account.move.line
        """
        return self._pay_now_instalments()

    def _pay_now_instalments(self):
        """Return the instalments of the invoices, open or not.

        :rtype: account.move.line
        """
        return self.line_ids.filtered(lambda line: line.display_type == 'payment_term')

    def _pay_now_open_lines(self):
        """Return the instalments still open, oldest first.

        :rtype: account.move.line
        """
        domain = self.env['account.move.line']._pay_now_open_items_domain()
        return self._pay_now_instalments().filtered_domain(domain)._pay_now_oldest_first()

    def _pay_now_refusal(self, purpose, previous_balance=False):
        """Say why the invoice gets no *Pay now* button (see `_pay_now_refusals`).

        :param str purpose: `invoice_mail`, `reminder` or `page`.
        :param bool previous_balance: the reminder prints the customer's previous balance.
        :return: the code of the first reason that applies (see `_pay_now_refusal_label`), or
            False when there is a button.
        :rtype: str | bool
        """
        self.ensure_one()
        return self._pay_now_refusals(purpose, previous_balance).get(self, False)

    def _pay_now_refusals(self, purpose, previous_balance=False, free=None):
        """Say which invoices get no *Pay now* button, and why: the one place that decides it.

        The number of queries does not depend on the number of invoices.

        :param str purpose: `invoice_mail`, `reminder` or `page`; `payment` once the payer was sent
            to a provider, whether or not it is offered still.
        :param bool previous_balance: the reminder prints the customer's previous balance.
        :param account.move.line free: items that no payment is on its way for, where it is known.
        :return: `{invoice: code of the first reason that applies}`; the others have a button.
        :rtype: dict
        """
        refusals = {}
        mailed = purpose in ('invoice_mail', 'reminder')
        for company, moves in self.grouped('company_id').items():
            if purpose != 'payment' and (reason := company._pay_now_refusal()):
                refusals.update(dict.fromkeys(moves, reason))
                continue
            test_mode = company._pay_now_test_mode()
            foreign = moves.currency_id - company.currency_id
            unwritable = purpose != 'payment' and moves._pay_now_unwritable(company)
            for move in moves:
                if test_mode and not move._pay_now_is_test_recipient():
                    refusals[move] = 'test_mode'
                elif not move._pay_now_is_payable():
                    refusals[move] = 'not_payable'
                elif foreign and move.currency_id in foreign:
                    refusals[move] = 'currency'
                elif unwritable and move in unwritable:
                    refusals[move] = 'amount'
                elif mailed and (reason := move._pay_now_mail_refusal(purpose, previous_balance)):
                    refusals[move] = reason
        others = self - free.move_id if free else self
        others = others.filtered(lambda move: move not in refusals)
        refusals.update(dict.fromkeys(others._pay_now_all_in_progress(), 'in_progress'))
        return refusals

    def _pay_now_unwritable(self, company):
        """Return the invoices whose amounts none of the company's providers can write.

        Neither all that is to pay of them nor one of the instalments. Where customers may pay a
        part, they choose an amount that can be written.

        :param res.company company: of the invoices.
        :rtype: account.move
        """
        currency = company.currency_id
        providers = company._pay_now_providers()
        # Kept on the provider, as this is asked about every invoice.
        if not all(providers.mapped('pay_now_coarse_step')) or company.pay_now_partial:
            # As ever: Odoo's amounts have no more decimals than a provider's.
            return self.browse()

        def is_writable(move):
            amounts = [line._pay_now_amount_to_pay() for line in move._pay_now_open_lines()]
            return any(
                provider._pay_now_amount_problem(amount, currency) != 'step'
                for amount in (sum(amounts), *amounts)
                for provider in providers
            )

        return self.filtered(
            lambda move: move.currency_id == currency and move.amount_residual
        ).filtered(lambda move: not is_writable(move))

    def _pay_now_mail_refusal(self, purpose, previous_balance):
        """Return the first reason against a button in a mail about an invoice that can be paid.

        :param str purpose: see `_pay_now_refusals`.
        :param bool previous_balance: see `_pay_now_refusals`.
        :return: a code, or False.
        :rtype: str | bool
        """
        if not utils.contact_addresses(self.partner_id):
            return 'no_email'
        if purpose == 'invoice_mail' and (
            self.partner_id.commercial_partner_id != self._pay_now_customer()
        ):
            # Odoo writes to the invoice's contact, wherever that went; reminders choose another.
            return 'contact_moved'
        if purpose == 'reminder' and not self.company_id._pay_now_option(
            'reminder', self.pay_now_application
        ):
            return 'option'
        if self._pay_now_other_method():
            return 'method'
        if purpose == 'reminder' and previous_balance:
            return 'previous_balance'
        # The last one: who is held out would have a button.
        return 'hold_out' if purpose == 'reminder' and self._pay_now_is_held_out() else False

    def _pay_now_is_held_out(self):
        """Tell whether the customer is reminded without a button, so that its effect shows."""
        share = self.company_id.sudo().pay_now_hold_out
        root = self.company_id.root_id
        return bool(share) and utils.is_in_share(self._pay_now_customer().id, root.id, share)

    def _pay_now_all_in_progress(self):
        """Return the invoices that a payment is on its way for: for all that is open of them.

        :rtype: account.move
        """
        if not self.ids:
            return self.browse()
        Line = self.env['account.move.line']
        lines = Line.search_fetch(
            Line._pay_now_open_items_domain() & Domain('move_id', 'in', self.ids), ['move_id']
        )
        busy = lines._pay_now_in_progress()
        ids = set(busy.move_id.ids) - set((lines - busy).move_id.ids)
        return self.filtered(lambda move: move._origin.id in ids)

    def _pay_now_from_sales(self):
        """Return the invoices with at least one line from a sales order: Sales invoices.

        :rtype: account.move
        """
        groups = self.env['account.move.line']._read_group(
            Domain('move_id', 'in', self.ids) & Domain('sale_line_ids', '!=', False), ['move_id']
        )
        return self.browse([move.id for (move,) in groups])

    def _pay_now_is_payable(self):
        """Tell whether this is a posted customer invoice with something left to pay."""
        self.ensure_one()
        return (
            self.move_type == 'out_invoice'
            and self.state == 'posted'
            and self.payment_state in ('not_paid', 'partial')
            and self.amount_residual > 0
        )

    def _pay_now_is_test_recipient(self):
        """Tell whether this customer may be offered a payment that moves no real money."""
        self.ensure_one()
        if self.env['res.company']._pay_now_trial() or self.company_id._pay_now_in_sandbox():
            return True
        addresses = utils.contact_addresses(self.partner_id)
        return bool(addresses) and addresses == utils.email_addresses(
            self.company_id.pay_now_test_email
        )

    def _pay_now_other_method(self):
        """Return the usual payment method that keeps the button away, if one does.

        :rtype: account.payment.method.line
        """
        self.ensure_one()
        method = self.preferred_payment_method_line_id
        if not method:
            return method
        method = method.sudo()
        if (
            method.payment_provider_id.code in const.PROVIDER_CODES
            or self.company_id._pay_now_option('any_method', self.pay_now_application)
        ):
            return method.browse()
        return method

    def _pay_now_refusal_label(self, reason):
        """Return the label of a reason, in the user's language.

        :param str reason: a code of `_pay_now_refusal`.
        :rtype: str
        """
        self.ensure_one()
        values = self._pay_now_refusal_values(reason)
        return self._pay_now_refusal_sentences()[reason](**values)

    def _pay_now_refusal_values(self, reason):
        """Return the details of a reason, as plain JSON.

        :param str reason: a code of `_pay_now_refusal`.
        :rtype: dict
        """
        self.ensure_one()
        if reason == 'option':
            return {'application': self.pay_now_application}
        if reason == 'method':
            return {'method': self.preferred_payment_method_line_id.sudo().name}
        if reason == 'amount':
            providers = self.company_id._pay_now_providers()
            steps = [one._pay_now_coarse_step(self.currency_id) for one in providers]
            # Noted: the providers may be others by the time it is read.
            return {'step': self.currency_id.format(min(steps, default=0.0))}
        return {}

    @api.model
    def _pay_now_refusal_sentences(self):
        """Return what the codes of `_pay_now_refusal` say, in the user's language.

        :return: `{code: function that gets the values by name and returns the sentence}`
        :rtype: dict
        """

        def option(application):
            labels = dict(self._fields['pay_now_application']._description_selection(self.env))
            return self.env._("Option not ticked (%s)", labels.get(application))

        return {
            'signup': lambda: self.env._("Not signed up for online payment"),
            'provider': lambda: self.env._("No provider connected"),
            'test_mode': lambda: self.env._("Test mode: only the test address gets a button"),
            'not_payable': lambda: self.env._("Nothing to pay on this document"),
            'currency': lambda: self.env._("Invoice in a foreign currency"),
            'amount': lambda step: self.env._("Only multiples of %s can be paid online", step),
            'no_email': lambda: self.env._("No e-mail address"),
            'contact_moved': lambda: self.env._("The invoice's contact has left the customer"),
            'option': option,
            'method': lambda method: self.env._("Payment method: %s", method),
            'previous_balance': lambda: self.env._("Previous balance printed"),
            'hold_out': lambda: self.env._("Held out, to measure what the button changes"),
            'in_progress': lambda: self.env._("Payment in progress"),
        }

    # === BUSINESS METHODS - ODOO'S OWN PAGES === #

    def _pay_now_core_lines(self):
        """Return the items that Odoo's own page may ask for: open, and no payment on its way.

        :rtype: account.move.line
        """
        lines = self._pay_now_open_lines()
        return lines - lines._pay_now_in_progress()

    def _pay_now_core_amounts(self):
        """Return what Odoo's own pages ask for as they compute it, see `_pay_now_core_parts`.

        All that is open, with and without the early payment discount; of one invoice also the
        instalments that are overdue, else the next one.

        :rtype: list of float
        """
        lines = self._pay_now_core_lines()
        amounts = [lines._pay_now_amount_to_pay(), sum(lines.mapped('amount_residual_currency'))]
        if len(self) == 1 and len(lines) > 1:
            data = self._get_invoice_next_payment_values()['not_reconciled_installments']
            data = [one for one in data if one['line'] in lines]
            asked = [one for one in data if one['type'] == 'overdue'] or data[:1]
            amounts.append(sum(one['amount_residual_currency_unsigned'] for one in asked))
        return amounts

    def _pay_now_core_parts(self, amount):
        """Divide what Odoo's own page asks for among the items, as it computed the amount.

        :param float amount: in the currency of the invoices.
        :return: see `account.move.line._pay_now_parts`: with the discount where it is deducted,
            else the oldest items first, as far as the amount goes.
        :rtype: dict
        """
        lines = self._pay_now_core_lines()
        currency = lines.currency_id[:1]
        if lines and not currency.compare_amounts(lines._pay_now_amount_to_pay(), amount):
            return lines._pay_now_parts()
        return lines._pay_now_parts(amount)

    def _has_to_be_paid(self):
        """Override of `account_payment`: what was received, and waits for the books, is paid."""
        return super()._has_to_be_paid() and not self.sudo()._pay_now_all_in_progress()

    def _get_invoice_next_payment_values(self, custom_amount=None):
        """Override of `account`: an instalment that was received is not asked for again."""
        values = super()._get_invoice_next_payment_values(custom_amount=custom_amount)
        lines = self.sudo()._pay_now_open_lines()
        busy = lines._pay_now_in_progress() if len(lines) > 1 else lines.browse()
        if not busy or busy == lines:
            return values
        left = [one for one in values['not_reconciled_installments'] if one['line'] not in busy]
        overdue = [one for one in left if one['type'] == 'overdue']
        asked = overdue or left[:1]
        amount = sum(one['amount_residual_currency_unsigned'] for one in asked)
        paid = sum(busy.mapped('amount_residual_currency'))
        due = self.currency_id.round(values['amount_due'] - paid)
        values |= {
            'amount_paid': values['amount_paid'] + paid,
            'amount_due': due,
            'not_reconciled_installments': left,
            'is_last_installment': len(left) == 1,
        }
        if custom_amount is None or self.currency_id.compare_amounts(custom_amount, due) > 0:
            values |= {
                'installment_state': 'overdue' if overdue else 'next',
                'next_amount_to_pay': self.currency_id.round(amount),
                'next_payment_reference': f'{self.name}-{asked[0]["number"]}',
                'next_due_date': asked[0]['date_maturity'],
            }
        return values

    def _pay_now_check_left(self, amount):
        """Refuse to take once more, by whatever provider, what was received or is on its way.

        :param float amount: what Odoo's own page asks for, in the invoices' currency.
        :return: None
        :raise PayerError: in the customer's language.
        """
        lines = self._pay_now_open_lines()
        left = lines - lines._pay_now_in_progress()
        if left == lines:
            return
        if not left:
            raise PayerError(self[0]._pay_now_refusal_label('in_progress'))
        residual = sum(left.mapped('amount_residual_currency'))
        if left.currency_id[:1].compare_amounts(amount or 0, residual) > 0:
            raise PayerError(self._pay_now_left_label(residual))

    def _pay_now_left_label(self, residual):
        """Return what is said to whoever pays more than is left.

        :param float residual: what is left, in the invoices' currency.
        :rtype: str
        """
        return self.env._("Only %s is left to pay.", self.currency_id.format(residual))

    def _pay_now_check_core_payment(self, provider, amount):
        """Refuse a payment on Odoo's own pages that our own page would refuse.

        :param payment.provider provider: ours, chosen by the payer.
        :param float amount: what core's page asks for, in the invoices' currency; None for none.
        :return: None
        :raise PayerError: with the reason in the customer's language.
        """
        for move, reason in self._pay_now_refusals('page').items():
            raise PayerError(move._pay_now_refusal_label(reason))
        if not self or provider not in self.company_id._pay_now_providers():
            raise PayerError(self.env._("This way of paying is not available now."))
        lines = self._pay_now_core_lines()
        if len(lines._pay_now_groups()) > 1:
            raise PayerError(self.env['payment.transaction']._pay_now_groups_problem())
        compare = self.currency_id.compare_amounts
        if not amount or not isfinite(amount) or compare(amount, 0) <= 0:
            raise PayerError(self.env._("Please type an amount above zero."))
        residual = sum(lines.mapped('amount_residual_currency'))
        if compare(amount, residual) > 0:
            raise PayerError(self._pay_now_left_label(residual))
        if not self._pay_now_core_amount_stands(amount):
            raise PayerError(
                self.env._("The amounts have changed meanwhile. Please check them and try again.")
            )
        if problem := provider._pay_now_amount_problem_text(amount, self.currency_id):
            raise PayerError(problem)

    def _pay_now_core_amount_stands(self, amount):
        """Tell whether an amount of Odoo's own page is one that customers may pay now.

        Any part where the company lets them, but what a discount that has lapsed leaves: the page
        promised that all is paid by it.

        :param float amount: in the currency of the invoices.
        :rtype: bool
        """
        compare = self.currency_id.compare_amounts
        if any(not compare(amount, one) for one in self._pay_now_core_amounts()):
            return True
        lapsed = self._pay_now_core_lines().filtered('discount_date')
        discounted = sum(lapsed.mapped('discount_amount_currency'))
        partial = all(self.company_id.mapped('pay_now_partial'))
        return partial and compare(amount, discounted) != 0

    def _pay_now_customer_reason(self, reason):
        """Return why an item cannot be paid online, as the customer reads it.

        :param str reason: a code of `_pay_now_refusal`.
        :rtype: str
        """
        return {
            'currency': self.env._("Not payable online: invoice in a foreign currency"),
            'amount': self.env._("Not payable online: the amount has too many decimals"),
            'in_progress': self.env._("Payment in progress"),
        }.get(reason) or self.env._("Not payable online")

    # === BUSINESS METHODS - TRANSFER === #

    def _pay_now_transfer_accounts(self):
        """Return the bank account for a transfer of each invoice.

        :return: `{invoice: account}` of those that there is an account to show for.
        :rtype: dict
        """
        accounts = {}
        for moves in self.grouped('partner_bank_id').values():
            alike = [moves]
            if len(moves.company_id) > 1 or len(moves.currency_id) > 1:
                alike = moves.grouped(lambda move: (move.company_id, move.currency_id)).values()
            for group in alike:
                if account := group[0]._pay_now_transfer_account():
                    accounts.update(dict.fromkeys(group, account))
        return accounts

    def _pay_now_transfer_account(self):
        """Return the bank account for a transfer: the invoice's own, else the company's first.

        Never one of our providers': what is transferred there arrives nowhere.

        :rtype: res.partner.bank (sudo)
        """
        self.ensure_one()
        move = self.sudo()
        account = move.partner_bank_id.filtered('active')
        if account:
            providers = move.company_id.parent_ids.pay_now_provider_ids
            if not account.journal_id & providers._pay_now_journals():
                return account
        # Like Odoo: rather an account in the invoice's currency, or in none.
        return move.company_id.pay_now_transfer_account_ids.sorted(
            lambda account: bool(account.currency_id - move.currency_id)
        )[:1]

    # === BUSINESS METHODS - PRINTED LINK === #

    def _pay_now_printed(self):
        """Return what the printed invoice says of paying online.

        The same invoices as those whose mail has a button: a PDF is a request, too.

        :return: `url`, and with it `qr` (a data URI) and `show_url` by the company's options;
            nothing where nothing is printed.
        :rtype: dict
        """
        self.ensure_one()
        company = self.company_id.sudo()
        if not (company.pay_now_print_link or company.pay_now_print_qr) or not self.pay_now_url:
            return {}
        url = self.pay_now_url
        qr = company.pay_now_print_qr and image_data_uri(
            base64.b64encode(
                self.env['ir.actions.report'].barcode('QR', url, width=128, height=128, quiet=False)
            )
        )
        return {'url': url, 'qr': qr, 'show_url': company.pay_now_print_link}

    # === BUSINESS METHODS - FOLLOWERS === #

    @api.model
    def _pay_now_unfollow(self, former):
        """Let nobody of a former customer follow what was given to another one.

        A follower gets the mail of the invoice, its button and its PDF, and nobody who sends it
        sees that.

        :param dict former: `{document: its commercial partner until now}`.
        """
        for move, customer in former.items():
            customer = customer.commercial_partner_id
            if customer and move.commercial_partner_id.commercial_partner_id != customer:
                move = move.sudo()
                gone = move.message_partner_ids.filtered(
                    lambda one, former=customer: (
                        one.partner_share and one.commercial_partner_id == former
                    )
                )
                move.message_unsubscribe(gone.ids)

    # === BUSINESS METHODS - PDF === #

    def _pay_now_store_pdfs(self):
        """Make the PDFs that are missing, as sending the invoice would, and store them with it.

        :return: `{invoice: why it could not be printed}`.
        :rtype: dict
        """
        failures = {}
        missing = self.filtered(lambda move: not move.invoice_pdf_report_id)
        for company, moves in missing.grouped('company_id').items():
            try:
                with self.env.cr.savepoint():
                    failures.update(moves.with_company(company)._pay_now_store_pdfs_at_once())
            except psycopg2.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a printout may stumble over
                if len(moves) > 1:
                    # Only the one that is to blame goes without.
                    for move in moves:
                        failures.update(move._pay_now_store_pdfs())
                else:
                    _logger.warning("Invoice %s could not be printed", moves.id, exc_info=True)
                    failures[moves] = str(error)
        return failures

    def _pay_now_store_pdfs_at_once(self):
        """Print in one go. Nothing is sent, neither by e-mail nor to a platform.

        :return: `{invoice: error}`, as Odoo found it before printing.
        :rtype: dict
        """
        Send = self.env['account.move.send']
        moves_data = {
            move: Send._get_default_sending_settings(move, sending_methods=[], extra_edis=[])
            for move in self.sudo()
        }
        Send._generate_invoice_documents(moves_data)
        return {
            move: Send._format_error_text(data['error'])
            for move, data in moves_data.items()
            if data.get('error')
        }

    def _pay_now_pdf_offers_payment(self):
        """Tell whether the invoice's PDF, stored or not yet made, leads to a page for paying it."""
        self.ensure_one()
        pdf = self.invoice_pdf_report_id
        if not pdf:
            return self.display_link_qr_code or bool(self._pay_now_printed())
        try:
            reader = PdfFileReader(io.BytesIO(pdf.raw), strict=False)
            addresses = [
                str(note.get_object().get('/A', {}).get('/URI', ''))
                for page in reader.pages
                for note in page.get('/Annots', ())
            ]
        except Exception:  # noqa: BLE001 - a PDF nobody can look into may say anything
            return True
        return any(path in address for address in addresses for path in PAYMENT_PATHS)

    def _pay_now_print_without_link(self, owner):
        """Print the invoice without a way to pay online; its own stored PDF stays as it is.

        :param owner: the record that the copy is kept with.
        :return: the copy, none where it could not be made; and `{invoice: error}`.
        :rtype: tuple(ir.attachment, dict)
        """
        self.ensure_one()
        move = self.with_context(pay_now_no_link=True, report_pdf_no_attachment=True)
        Send = move.env['account.move.send'].with_company(move.company_id)
        data = {move: {}}
        try:
            with self.env.cr.savepoint():
                data[move]['pdf_report'] = Send._get_default_pdf_report_id(move)
                Send._prepare_invoice_pdf_report(data)
                values = data[move]['pdf_attachment_values']
                keep = self.env['ir.attachment']._pay_now_keep_pdf
                return keep(owner, values['name'], values['raw']), {}
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a printout may stumble over
            _logger.warning("Invoice %s could not be printed", self.id, exc_info=True)
            return self.env['ir.attachment'], {self: str(error)}
