# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Each mail of ours, in any test, goes to its customer and to nobody else.

Looked at twice: as it is written, which most tests stop at, and as the mail server gets it. What is
asked of the database is neither counted nor kept, so that tests that count queries see none of it.
"""

import functools
import re
from email import policy
from unittest.mock import patch

from odoo.addons.account_pay_now.utils import email_addresses

#: What the address of a page says about the mail with it.
PAGE = re.compile(r'/pay_now/(invoice|plan|reminder|statement|trial)/(\d+)/')
#: Where the notice about a connection leads to.
NOTICE = 'account_pay_now.action_pay_now_setup'
#: Customers of what a mail is about, by its kind.
CUSTOMERS = {
    'reminder': """
        SELECT partner_id FROM pay_now_reminder WHERE id = %(id)s
         UNION SELECT line.partner_id FROM pay_now_reminder_item_rel item
                 JOIN account_move_line line ON line.id = item.line_id
                WHERE item.reminder_id = %(id)s
    """,
    'statement': """
        SELECT partner_id FROM pay_now_customer_statement WHERE id = %(id)s
         UNION SELECT line.partner_id FROM pay_now_customer_statement_item_rel item
                 JOIN account_move_line line ON line.id = item.line_id
                WHERE item.statement_id = %(id)s
    """,
    'receipt': """
        SELECT customer_id FROM pay_now_transaction_item WHERE transaction_id = %(id)s
         UNION SELECT partner.commercial_partner_id FROM payment_transaction tx
                 JOIN res_partner partner ON partner.id = tx.partner_id WHERE tx.id = %(id)s
    """,
    'plan': """
        SELECT partner_id FROM pay_now_plan WHERE id = %(id)s
         UNION SELECT move.commercial_partner_id FROM pay_now_plan_item item
                 JOIN account_move move ON move.id = item.move_id WHERE item.plan_id = %(id)s
    """,
    'invoice': "SELECT commercial_partner_id FROM account_move WHERE id = %(id)s",
}
INTERNAL = """
    SELECT partner.email FROM res_users
      JOIN res_partner partner ON partner.id = res_users.partner_id WHERE NOT share
"""
#: Who else may get it: the payer's typed address, the user of a trial, the company's own address.
OTHERS = {
    'receipt': "SELECT partner_email FROM payment_transaction WHERE id = %(id)s",
    'trial': """
        SELECT partner.email FROM pay_now_trial trial
          JOIN res_users ON res_users.id = trial.create_uid
          JOIN res_partner partner ON partner.id = res_users.partner_id WHERE trial.id = %(id)s
         UNION SELECT company.pay_now_test_email FROM pay_now_trial trial
                 JOIN res_company company ON company.id = trial.company_id
                WHERE trial.id = %(id)s AND trial.recipient = 'test'
    """,
    'notice': "SELECT pay_now_signup_email FROM res_company",
    # The activity of a plan is notified to whom it is assigned to.
    'plan': INTERNAL,
    'internal': INTERNAL,
}


class MailWatch:
    """What leaves while it watches, as far as it is ours.

    :param odoo.orm.registry.Registry registry: of the tests.
    """

    def __init__(self, registry):
        self.mail_model = registry['mail.mail']
        self.server_model = registry['ir.mail_server']
        self.begin()

    def begin(self):
        """Forget what was seen; addresses that a test itself adds to a mail go into `added`."""
        self.wrong, self.added = [], set()
        self.seen = 0
        self._by_message_id = {}

    def patchers(self):
        """Return what has to be started for it to see the mails."""
        hooks = (
            (self.mail_model, 'create', self._created),
            (self.mail_model, '_prepare_outgoing_list', self._about_to_leave),
            (self.server_model, '_prepare_smtp_to_list', self._leaving),
        )
        return [
            patch.object(model, name, self._hook(model, name, hook)) for model, name, hook in hooks
        ]

    @staticmethod
    def _hook(model, name, note):
        """Return the method with a look at its result. What others patch below stays patched."""

        @functools.wraps(getattr(model, name))
        def method(records, *args, **kwargs):
            result = getattr(super(model, records), name)(*args, **kwargs)
            note(records, args, result)
            return result

        return method

    # === what is seen === #

    def _created(self, _records, _args, mails):
        for mail in mails:
            self._check(mail.env, mail.id)

    def _about_to_leave(self, mail, _args, emails):
        self._by_message_id.update((email['message_id'], mail.id) for email in emails)

    def _leaving(self, server, args, recipients):
        message = args[0]
        if mail_id := self._by_message_id.get(message['Message-Id']):
            shown = self._read(message, 'To') | self._read(message, 'Cc')
            self._check(server.env, mail_id, {*recipients, *shown})

    @staticmethod
    def _read(message, name):
        """Return the addresses of a header, as it is written on the wire and read there."""
        if not message[name]:
            return set()
        _name, _colon, folded = message.policy.fold(name, message[name]).partition(':')
        header = policy.default.header_factory(name, ''.join(folded.splitlines()).strip())
        return {one.addr_spec for one in header.addresses}

    # === what is right === #

    def _check(self, env, mail_id, recipients=None):
        """Note a mail that goes to somebody who has nothing to do with what it is about.

        :param set recipients: whom the mail server sends it to; by default, whom it is written to.
        """
        env.flush_all()
        cr = env.cr
        counted = cr.sql_log_count
        try:
            self._judge(cr, mail_id, recipients)
        finally:
            cr.sql_log_count = counted

    def _judge(self, cr, mail_id, recipients):
        cr.execute(
            """
            SELECT message.model, message.res_id, mail.email_to, mail.email_cc, mail.body_html
              FROM mail_mail mail JOIN mail_message message ON message.id = mail.mail_message_id
             WHERE mail.id = %s
            """,
            [mail_id],
        )
        model, res_id, email_to, email_cc, body = cr.fetchone()
        kinds = self._kinds(model, res_id, body or '')
        if not kinds:
            return
        self.seen += 1
        if recipients is None:
            recipients = {*email_addresses(email_to), *email_addresses(email_cc)}
            recipients |= self._addresses(
                cr,
                """
                SELECT email FROM mail_mail_res_partner_rel rel
                  JOIN res_partner partner ON partner.id = rel.res_partner_id
                 WHERE mail_mail_id = %(id)s
                """,
                mail_id,
            )
        customers = self._customers(cr, kinds)
        if len(customers) > 1:
            self.wrong.append(f"{sorted(kinds)}: about customers {sorted(customers)} at once")
        contacts = "SELECT email FROM res_partner WHERE commercial_partner_id = %(id)s"
        allowed = set(self.added)
        allowed.update(*(self._addresses(cr, contacts, customer) for customer in customers))
        for kind, number in kinds:
            if kind in OTHERS:
                allowed |= self._addresses(cr, OTHERS[kind], number)
        if strangers := recipients - allowed:
            self.wrong.append(f"{sorted(kinds)}: to {sorted(strangers)}, not of {sorted(allowed)}")

    @staticmethod
    def _kinds(model, res_id, body):
        """Return what a mail is about: kinds, each with an id."""
        pages = {(kind, int(number)) for kind, number in PAGE.findall(body)}
        if any(kind == 'trial' for kind, _number in pages):
            return {page for page in pages if page[0] == 'trial'}
        if model == 'pay.now.reminder':
            return {('reminder', res_id), *pages}
        if model == 'pay.now.customer.statement':
            return {('statement', res_id), *pages}
        if model == 'pay.now.plan':
            return {('plan', res_id), *pages}
        if model == 'payment.transaction':
            return {('receipt', res_id), *pages}
        if model == 'pay.now.invoice.notice':
            # Without a button it is about nothing, and goes to nobody.
            return pages or {('notice without button', res_id)}
        if (model or '').startswith('pay.now.'):
            return {('internal', 0)}
        if NOTICE in body:
            return {('notice', 0)}
        return pages

    @staticmethod
    def _customers(cr, kinds):
        """Return the ids of the customers that a mail is about, by the contacts of this moment."""
        customers = set()
        for kind, number in kinds:
            if kind in CUSTOMERS:
                cr.execute(
                    'SELECT commercial_partner_id FROM res_partner'
                    f' WHERE id IN ({CUSTOMERS[kind]})',
                    {'id': number},
                )
                customers.update(customer for (customer,) in cr.fetchall() if customer)
        return customers

    @staticmethod
    def _addresses(cr, query, number):
        cr.execute(query, {'id': number})
        return {one for (email,) in cr.fetchall() for one in email_addresses(email)}
