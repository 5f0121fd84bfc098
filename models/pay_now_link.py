# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import secrets
from datetime import timedelta
from urllib.parse import urlencode

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import consteq

from odoo.addons.account_pay_now import const


class PayNowPageMixin(models.AbstractModel):
    """A document whose items can be paid on a public page, by an unguessable address.

    The token opens nothing but the pay page of its own document, lapses, and can be revoked.
    """

    _name = 'pay.now.page.mixin'
    _description = "Pay Now link"

    pay_now_token = fields.Char(string="Pay page token", copy=False, groups='base.group_system')
    pay_now_token_expiry = fields.Date(string="Pay page link valid until", copy=False)

    #: The part of the address that names the kind of document.
    _pay_now_kind = ''

    # === BUSINESS METHODS === #

    def _pay_now_lines(self):
        """Return the journal items the page is about, open or not.

        To be given by each document.

        :rtype: account.move.line
        """
        return self.env['account.move.line']

    def _pay_now_lines_domain(self):
        """Return the domain of the journal items that the page is about.

        :rtype: odoo.fields.Domain
        """
        return Domain('id', 'in', self._pay_now_lines().ids)

    def _pay_now_url(self, **params):
        """Return the address of the document's pay page (see `_pay_now_urls`).

        :param params: query parameters.
        :rtype: str
        """
        self.ensure_one()
        return self._pay_now_urls(**params)[self]

    def _pay_now_urls(self, **params):
        """Return the addresses of the documents' pay pages, making tokens where needed.

        The validity starts again each time: it counts from the last message that was sent.

        :param params: query parameters.
        :return: `{document: address}`
        :rtype: dict
        """
        expiry = fields.Date.today() + timedelta(days=const.LINK_VALIDITY_DAYS)
        documents = self.sudo()
        for document in documents.filtered(lambda one: not one.pay_now_token):
            document.pay_now_token = secrets.token_urlsafe(24)
        documents.filtered(
            lambda one: one.pay_now_token_expiry != expiry
        ).pay_now_token_expiry = expiry
        query = f'?{urlencode(params)}' if params else ''
        return {
            document: f'{document.get_base_url()}{document._pay_now_path()}{query}'
            for document in self
        }

    def _pay_now_path(self):
        """Return the path of the pay page. The token must exist."""
        self.ensure_one()
        return f'/pay_now/{self._pay_now_kind}/{self.id}/{self.sudo().pay_now_token}'

    def _pay_now_check_token(self, token):
        """Tell whether a token opens this document's page now.

        :param str token: what came in the address.
        :rtype: bool
        """
        record = self.sudo()
        record.fetch(self._pay_now_document_fields())
        return bool(
            record.pay_now_token
            and consteq(record.pay_now_token, token or '')
            and record.pay_now_token_expiry
            and record.pay_now_token_expiry >= fields.Date.today()
        )

    def _pay_now_trial(self):
        """Return the trial that the document is shown for, if it is.

        :return: a record, which no client can put into the context; nothing usually.
        :rtype: pay.now.trial | None
        """
        trial = self.env.context.get('pay_now_trial')
        return trial if isinstance(trial, models.BaseModel) else None

    # === ACTION METHODS === #

    def action_pay_now_revoke_link(self):
        """Make every address mailed for these documents stop working."""
        self.check_access('write')
        self.sudo().write({'pay_now_token': False, 'pay_now_token_expiry': False})
