# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
import dataclasses
import logging
import re
import smtplib
import uuid

import psycopg2
from lxml import html as lxml_html

from odoo import api, models
from odoo.tools import email_domain_extract

from odoo.addons.account_pay_now import const, utils

_logger = logging.getLogger(__name__)

#: What is mailed to customers as a whole, in a layout of ours.
WRITTEN_TO_CUSTOMERS = ('pay.now.reminder', 'pay.now.customer.statement')

SKIPPED_TAGS = {'head', 'title', 'style', 'script', 'template'}
PARAGRAPH_TAGS = {'p', 'table', 'ul', 'ol', 'blockquote', 'pre', 'h1', 'h2', 'h3', 'h4'}
LINE_TAGS = {'div', 'tr', 'li', 'section', 'header', 'footer'}
LAYOUT_TAGS = PARAGRAPH_TAGS | {'div'}
#: Where a line, or a paragraph, begins or ends, until it is known what stands beside.
LINE, PARAGRAPH = '\x01', '\x02'
SPACES = re.compile(r'[ \t\r\n\f]+')
BREAKS = re.compile(r'[ \n\x01\x02]*[\n\x01\x02][ \n\x01\x02]*')
#: Characters that only a browser makes sense of.
INVISIBLE = dict.fromkeys(map(ord, '\ufeff\u200b\u200c\u200d\u00ad\u034f'))
#: Answers about a mailbox, where no enhanced status says more.
ADDRESS_REFUSED = (550, 551, 552, 553)
#: But for those whose words are about who sends, or what is sent.
NO_ADDRESS = re.compile(
    r'relay|sender|authent|spam|polic(y|ies)|black ?list|block(ed| ?list)|reputation|spf|dmarc',
    re.IGNORECASE,
)
#: Enhanced status of an answer to a recipient that is about the sender: it is looked at late.
SENDER_REFUSED = {('1', '7'), ('1', '8')}


def html_to_text(html):
    """Write a mail's HTML as the text that a program without HTML shows.

    Rows of a table are lines, and addresses of links are there whole, on one line and once: where
    the address itself is visible, or behind the words of the link.

    :param str html: the mail.
    :rtype: str
    """
    if not (html or '').strip():
        return ''
    tree = lxml_html.document_fromstring(html)
    text = _Writer(tree).element(tree).translate(INVISIBLE)
    return BREAKS.sub(_line_ends, re.sub(r' {2,}', ' ', text)).strip()


def _line_ends(match):
    """Return the line ends that a run of breaks amounts to."""
    breaks = match.group()
    return '\n\n' if PARAGRAPH in breaks or breaks.count('\n') > 1 else '\n'


class _Writer:
    """Writes elements of one document, and remembers which addresses stand in the text."""

    def __init__(self, tree):
        links = [(link.get('href'), link.text_content().strip()) for link in tree.iter('a')]
        self.addresses = {address for address, words in links if address == words}
        self.colon = '\xa0: ' if (tree.get('lang') or '').startswith('fr') else ': '

    def element(self, element):
        """Write an element and what is inside it."""
        tag = element.tag
        if not isinstance(tag, str) or tag in SKIPPED_TAGS or self._is_hidden(element):
            return ''
        if tag == 'br':
            return '\n'
        if tag == 'img':
            return element.get('alt') or ''
        if tag == 'tr' and self._is_data(element):
            return f'{LINE}{self._row(element)}{LINE}'
        text = SPACES.sub(' ', element.text or '')
        for child in element:
            text += self.element(child) + SPACES.sub(' ', child.tail or '')
        if tag == 'a':
            return self._link(element.get('href') or '', text.strip())
        if tag in PARAGRAPH_TAGS:
            return f'{PARAGRAPH}{text}{PARAGRAPH}'
        if tag in LINE_TAGS:
            return f'{LINE}{text}{LINE}'
        return f'{text} ' if tag in ('td', 'th') else text

    def _is_hidden(self, element):
        # Also what is nothing but a picture, and is hidden from who hears the mail.
        if element.get('aria-hidden') == 'true':
            return True
        return 'display:none' in (element.get('style') or '').replace(' ', '').lower()

    def _is_data(self, row):
        """Tell whether a row holds data, side by side, rather than parts of the page."""
        parts = {child.tag for child in row.iterdescendants()}
        return len(row) > 1 and not parts & LAYOUT_TAGS

    def _row(self, row):
        """Write a row of data on one line: its cells, the first as a label if it is a heading."""
        cells = [cell for cell in row if cell.tag in ('td', 'th')]
        texts = [BREAKS.sub(', ', self.element(cell).strip(' \n')) for cell in cells]
        if [cell.tag for cell in cells] == ['th', 'td']:
            return self.colon.join(texts)
        return ' – '.join(text for text in texts if text)

    def _link(self, address, words):
        is_page = address.startswith(('http://', 'https://'))
        if not is_page or words == address or address in self.addresses:
            return words
        self.addresses.add(address)
        # In angle brackets, as RFC 3986 asks for addresses within a text.
        return f'{words} <{address}>'.strip()


@dataclasses.dataclass(frozen=True)
class MailRefusal:
    """Why a mail server did not take a mail (RFC 5321, RFC 3463).

    `kind` says whom it is about, and what may be done:

    - `server`: it takes no mail of ours now. The others have to wait as well.
    - `later`: it does not take this mail now.
    - `address`: it will never take a mail to this address.
    - `mail`: it will never take this mail.
    - `lost`: the line broke when the mail was on its way; it may have arrived.
    """

    kind: str
    #: What the server said, or what happened to the connection.
    text: str
    #: Of the answer, 0 without one.
    code: int = 0

    @classmethod
    def of(cls, error, may_have_left):
        """Read an error of `smtplib`.

        :param Exception error: what `smtplib` raised.
        :param bool may_have_left: whether the text of the mail was on its way.
        :rtype: MailRefusal
        """
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            # The best of them counts: a mail with a recipient who may take it later has to wait.
            code, said = min(error.recipients.values())
            return cls(cls._kind_of_recipient(code, said), cls._text(code, said), code)
        if isinstance(error, smtplib.SMTPResponseException):
            code, said = error.smtp_code, error.smtp_error
            if isinstance(error, smtplib.SMTPSenderRefused):
                # Too large is said here already, as the size is told with the sender.
                kind = 'mail' if code == 552 else 'server'
            elif isinstance(error, smtplib.SMTPDataError):
                kind = cls._kind_of_recipient(code, said)
            else:
                kind = 'server'
            return cls(kind, cls._text(code, said), code)
        if isinstance(error, smtplib.SMTPNotSupportedError | ValueError):
            return cls('mail', str(error))
        # Whatever else breaks is the line.
        return cls('lost' if may_have_left else 'server', str(error) or type(error).__name__)

    @staticmethod
    def _text(code, said):
        said = said.decode(errors='replace') if isinstance(said, bytes) else str(said or '')
        return f'{code} {said}'.strip()

    @classmethod
    def _kind_of_recipient(cls, code, said):
        if code == 421:
            return 'server'
        if code < 500:
            return 'later'
        # Who may not be written to for reasons of policy, or what is too large, may be next time.
        text = cls._text(code, said)
        status = re.search(r'\b5\.([0-7])\.(\d+)', text)
        if status and status.groups() in SENDER_REFUSED:
            return 'server'
        if status:
            return 'address' if status.group(1) in '12' else 'mail'
        is_address = code in ADDRESS_REFUSED and not NO_ADDRESS.search(text)
        return 'address' if is_address else 'mail'


class MailSession:
    """A connection to a mail server that is made again where the server closed it.

    It stands in for `smtplib.SMTP` where `ir.mail_server` is given a session. What it says of the
    last mail is in `refusal`: `ir.mail_server` passes on nothing but a sentence.

    :param connect: makes the connection; what it raises is raised.
    """

    def __init__(self, connect):
        self._connect = connect
        self._connection = connect()
        # How many mails this connection took.
        self._taken = 0
        self.refusal = None

    def __bool__(self):
        # None in Odoo's tests, which send nothing.
        return self._connection is not None

    def __getattr__(self, name):
        # `from_filter` and `smtp_from`, by which the envelope is chosen.
        return getattr(self._connection, name)

    def send_message(self, *args, **kwargs):
        """Hand over a mail as `smtplib.SMTP` does; again on a new connection if it was closed.

        :raise smtplib.SMTPException, OSError: as `smtplib.SMTP.send_message`.
        """
        try:
            return self._send(*args, **kwargs)
        except (smtplib.SMTPException, OSError):
            # A server may close after so many mails. One that did not take any is not asked twice.
            if self.refusal.kind != 'server' or not self._taken:
                raise
        self.quit()
        self._taken = 0
        try:
            self._connection = self._connect()
        except Exception as error:
            self.refusal = MailRefusal.of(error, may_have_left=False)
            raise smtplib.SMTPServerDisconnected(str(error)) from error
        return self._send(*args, **kwargs)

    def _send(self, *args, **kwargs):
        sent = []

        def note(data):
            # Commands are text; the mail itself goes out as bytes.
            if isinstance(data, bytes):
                sent.append(True)
            return type(self._connection).send(self._connection, data)

        self.refusal, self._connection.send = None, note
        try:
            result = self._connection.send_message(*args, **kwargs)
        except Exception as error:
            self.refusal = MailRefusal.of(error, bool(sent))
            raise
        self._taken += 1
        return result

    def quit(self):
        """Close the connection; that nobody is at the other end does no harm."""
        if not self:
            return
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self._connection.quit()


class MailMail(models.Model):
    """Mails that ask for a payment: their plain text, and how much they may carry."""

    _inherit = 'mail.mail'

    def send(self, *args, **kwargs):
        """Override of `mail` to name the sender of our mails by nothing but its name and address.

        Before the session at the mail server is opened, which takes it over. The other headers are
        written one by one (see `_prepare_outgoing_list`); of reminders, which Odoo's queue does not
        send, it is written so from the start.
        """
        for mail in self.filtered(lambda one: one.email_from and one._pay_now_is_ours()):
            senders = utils.email_header_list(mail.email_from)
            sender = senders[0] if senders else utils.header_text(mail.email_from)
            if sender != mail.email_from:
                mail.email_from = sender
        # Those of pay notices are looked at once more: they waited for the queue.
        mails = self - self._pay_now_held_back()
        return super(MailMail, mails).send(*args, **kwargs)

    def _prepare_outgoing_list(self, *args, **kwargs):
        """Override of `mail` for mails that ask for a payment: recipients, and a readable text.

        Whoever wrote a name or a subject, the headers hold the addresses of the recipients and no
        others. Odoo's own conversion to text numbers the links and lists their addresses at the
        end, several times, and tears the rows of tables apart.
        """
        emails = super()._prepare_outgoing_list(*args, **kwargs)
        if not self._pay_now_is_ours():
            return emails
        if self.model not in WRITTEN_TO_CUSTOMERS and not self.author_id.partner_share:
            # Not what a customer wrote, and Odoo passes on.
            self.env['account.move']._pay_now_prolong_mailed(self.body_html)
        for index, email in enumerate(emails):
            email.update(self._pay_now_recipients(email, is_first=not index))
            email.update(self._pay_now_headers(email))
            if self.model in WRITTEN_TO_CUSTOMERS or '/pay_now/invoice/' in (email['body'] or ''):
                email['body'] = self._pay_now_body(email)
                email['body_alternative'] = html_to_text(email['body'])
        return emails

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Override of `mail` to tell what the mails are of what their server said of them.

        Models of ours that leave their mails to the queue have `_pay_now_note_mails`.
        """
        failure = failure_type and (failure_reason or failure_type)
        for name, mails in self.grouped('model').items():
            if name in self.env and hasattr(self.env[name], '_pay_now_note_mails'):
                for mail in mails:
                    mail._pay_now_note_safely(failure)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def _pay_now_note_safely(self, failure):
        """Tell what a mail is of what its server said; whatever fails, Odoo's queue goes on.

        :param str failure: why it was not taken, False if it was.
        """
        try:
            with self.env.cr.savepoint():
                self.env[self.model].sudo()._pay_now_note_mails(self, failure)
        except psycopg2.OperationalError:
            raise
        except Exception:
            _logger.exception("What became of mail %s could not be noted", self.id)

    # === BUSINESS METHODS - HANDING OVER === #

    @api.model
    def _pay_now_apart(self, write, *args):
        """Write and commit apart what a mail entails that was handed over, as its result is kept.

        Whoever writes the same contact at this moment is waited for; where they go on and on, it is
        left out.

        :param function write: what writes.
        :param args: of it.
        """
        for _try in range(const.MAX_CONFLICTS):
            try:
                write(*args)
                self.env['ir.cron']._commit_progress()
                return
            except psycopg2.OperationalError:
                self.env.cr.rollback()
        _logger.warning("Somebody else goes on writing the contact of a mail")

    @api.model
    def _pay_now_envelope(self, record, email_to):
        """Return who writes a mail about a record of ours, to whom, and what it is about.

        :param record: it has a company.
        :param str email_to: as headers have it, see `utils.email_header`.
        :return: values of the mail.
        :rtype: dict
        """
        company = record.company_id
        return {
            'email_from': company._pay_now_sender(),
            'email_to': email_to,
            # The mail server is chosen, and bounces come back, by the company's own domain.
            'record_company_id': company.id,
            'record_alias_domain_id': company.alias_domain_id.id,
            # An absence note would reach the bounce address and count as a bounce. Not the header
            # Auto-Submitted: mailboxes for invoices that are ticket systems put such mails aside.
            'headers': repr({'X-Auto-Response-Suppress': 'OOF, AutoReply'}),
            'model': record._name,
            'res_id': record.id,
        }

    @api.model
    def _pay_now_own_envelope(self, record, email_to, name):
        """Return the envelope of a mail that we send ourselves, once: not for the mail queue.

        It is kept, with a Message-ID of its own that stays.

        :param record: see `_pay_now_envelope`.
        :param str email_to: see `_pay_now_envelope`.
        :param str name: what it is, for its Message-ID.
        :rtype: dict
        """
        company = record.company_id
        domain = company.alias_domain_id.name or email_domain_extract(company.email) or 'localhost'
        return {
            **self._pay_now_envelope(record, email_to),
            'message_id': f'<pay-now-{name}-{record.id}-{uuid.uuid4().hex[:12]}@{domain}>',
            'auto_delete': False,
            'state': 'cancel',
        }

    def _pay_now_hand_over(self, options):
        """Give a mail that we send ourselves to its mail server.

        :param dict options: of `_send`; `smtp_session` is a `MailSession`.
        :return: why it was not taken, if so.
        :rtype: MailRefusal | None
        """
        self.ensure_one()
        session = options['smtp_session']
        # What it said of the mail before is not about this one, which may not even reach it.
        session.refusal = None
        self.state = 'outgoing'
        try:
            self._send(**options)
        except smtplib.SMTPServerDisconnected:
            # `mail` leaves it to its caller; the session knows how far it came.
            _logger.info("The mail server closed the connection", exc_info=True)
        if self.state == 'sent':
            return None
        said = self.failure_reason or self.failure_type or ''
        self.state = 'cancel'
        return session.refusal or MailRefusal('mail', said)

    # === BUSINESS METHODS - HEADERS === #

    def _pay_now_is_ours(self):
        """Tell whether the mail asks for a payment, or says something about one.

        :rtype: bool
        """
        self.ensure_one()
        ours = (*WRITTEN_TO_CUSTOMERS, 'payment.transaction', 'pay.now.invoice.notice')
        return self.model in ours or 'pay_now' in (self.body_html or '')

    def _pay_now_recipients(self, email, is_first):
        """Return whom a mail goes to, read from the contact or from the field of the mail.

        Never from a header that was written already: a name may have made addresses of its own.

        :param dict email: as `mail` prepared it.
        :param bool is_first: whether it has the mail's copies.
        :rtype: dict
        """
        if partner := email['partner_id']:
            header = utils.email_header(partner.name, partner.email)
            to, copies = utils.email_header_list(header), []
        else:
            to = utils.email_header_list(self.email_to)
            copies = utils.email_header_list(self.email_cc) if is_first else []
        return {
            'email_to': to,
            'email_cc': copies,
            # The mail server takes these only, which it reads in ASCII.
            'email_to_normalized': utils.email_addresses(', '.join((*to, *copies))),
        }

    @api.model
    def _pay_now_headers(self, email):
        """Return the other headers of a mail, and the names of its files, on one line each.

        :param dict email: as `mail` prepared it.
        :rtype: dict
        """
        values = {
            name: utils.header_text(email[name])
            for name in ('subject', 'references', 'message_id')
            if email[name]
        }
        if email['reply_to']:
            # Under the name of a user, which adds no address either.
            replies = ', '.join(utils.email_header_list(email['reply_to']))
            values['reply_to'] = replies or utils.header_text(email['reply_to'])
        headers = {
            name: utils.header_text(value) if isinstance(value, str) else value
            for name, value in email['headers'].items()
        }
        if others := headers.get('X-Msg-To-Add'):
            # Shown beside the recipient, without being sent to.
            headers['X-Msg-To-Add'] = ', '.join(utils.email_header_list(others))
        files = [(utils.header_text(name), *rest) for name, *rest in email['attachments']]
        return {**values, 'headers': headers, 'attachments': files}

    # === BUSINESS METHODS - BUTTON === #

    def _pay_now_body(self, email):
        """Return the text for one recipient: no button where that is nobody of the customer.

        Who follows an invoice gets its mail without being chosen for it: a contact that went to
        another company, or the customer before it was corrected. A person may send it to anybody.

        :param dict email: as `mail` prepared it.
        :rtype: markupsafe.Markup | str
        """
        partner, move = email['partner_id'], self.env['account.move'].sudo()
        if self.model != move._name or not partner or not partner.partner_share:
            return email['body']
        move = move.browse(self.res_id)
        if partner in self.partner_ids or partner.commercial_partner_id == move._pay_now_customer():
            return email['body']
        return self.env['account.move.send']._pay_now_remove_button(email['body'], move)

    @api.model
    def _pay_now_direction(self):
        """Return how the context's language is written.

        :return: `ltr` or `rtl`, as HTML has it.
        :rtype: str
        """
        lang = self.env['res.lang']._get_data(code=self.env.lang or 'en_US')
        return lang.direction or 'ltr'

    @api.model
    def _pay_now_render(self, template, values):
        """Render a part of a mail, the way round that the context's language is written.

        :param str template: XML id.
        :param dict values: what it shows.
        :rtype: markupsafe.Markup
        """
        direction = self._pay_now_direction()
        html = self.env['ir.qweb']._render(template, {'mail_dir': direction, **values})
        return utils.mirrored(html) if direction == 'rtl' else html

    # === BUSINESS METHODS - ATTACHMENTS === #

    @api.model
    def _pay_now_attachments_limit(self):
        """Return how many bytes of PDFs one mail may carry.

        :rtype: float
        """
        # Odoo would turn what is too heavy for its mail server into links.
        servers = self.env['ir.mail_server'].sudo().search([('max_email_size', '>', 0)])
        sizes = [servers.browse()._get_max_email_size(), *servers.mapped('max_email_size')]
        # A third is lost to the encoding; the rest is for the text.
        return min(const.ATTACHED_INVOICES_MAX_MB, min(sizes) * 0.6) * 1024 * 1024

    @api.model
    def _pay_now_fitting(self, files, size):
        """Return the files that fit into a mail together, in their order.

        :param ir.attachment files: what is to be attached.
        :param float size: how many bytes there is room for (see `_pay_now_attachments_limit`).
        :rtype: ir.attachment
        """
        kept = files.browse()
        for file in files:
            if file.file_size <= size:
                kept += file
                size -= file.file_size
        return kept
