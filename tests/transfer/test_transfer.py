# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a customer transfers: account, amount, reference, and the QR code that says all of it."""

import base64
import json
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from lxml import html

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account.tools import is_valid_structured_reference_iso
from odoo.addons.account_pay_now.models.mail_mail import html_to_text
from odoo.addons.account_pay_now.models.reminder import transfer_reference
from odoo.addons.account_pay_now.tests import qr
from odoo.addons.account_pay_now.tests.common import ReminderCommon

IBAN, OTHER_IBAN = 'FR7630006000011234567890189', 'DE89370400440532013000'
#: The lines of a SEPA credit transfer, in the order of the guideline EPC069-12.
EPC = (
    'service', 'version', 'charset', 'identification', 'bic', 'name', 'iban', 'amount', 'purpose',
    'structured', 'text', 'information',
)  # fmt: skip


class TransferCommon(ReminderCommon):
    """A customer with three invoices, and a company with a bank account that is trusted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.account = cls.make_account()
        cls.bank_journal = cls.company_data['default_journal_bank']
        cls.bank_journal.bank_account_id = cls.account
        cls.first = cls.make_invoice(300, days_late=40)
        cls.second = cls.make_invoice(200, days_late=30)
        cls.third = cls.make_invoice(150, days_late=20)

    @classmethod
    def make_account(cls, number=IBAN, bic='BNPAFRPP', **values):
        bank = cls.env['res.bank'].create({'name': "Banque du Four", 'bic': bic})
        return cls.env['res.partner.bank'].create(
            {
                'acc_number': number,
                'partner_id': cls.company.partner_id.id,
                'bank_id': bank.id,
                'allow_out_payment': True,
                **values,
            }
        )

    @classmethod
    def reminder(cls, *invoices, **values):
        return (
            cls.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': cls.company.id,
                    'partner_id': cls.customer.id,
                    'level_id': cls.env['pay.now.reminder.level']
                    .search([('company_id', '=', cls.company.id)], limit=1)
                    .id,
                    'item_ids': [Command.set(cls.lines(*invoices).ids)],
                    **values,
                }
            )
        )

    def reference(self, reminder, *invoices):
        return reminder._pay_now_transfer_reference(self.lines(*invoices))

    def epc(self, content):
        """Read a code as a banking app does, and check it against the guideline."""
        lines = content.split('\n')
        self.assertLessEqual(len(lines), len(EPC))
        self.assertLessEqual(len(content.encode()), 331, "a QR code of version 13, level M")
        said = dict(zip(EPC, lines, strict=False))
        self.assertEqual(
            [said[name] for name in ('service', 'version', 'charset', 'identification')],
            ['BCD', '002', '1', 'SCT'],
        )
        self.assertRegex(said['bic'], r'^([A-Z0-9]{8}([A-Z0-9]{3})?)?$')
        self.assertTrue(0 < len(said['name']) <= 70)
        self.assertRegex(said['iban'], r'^[A-Z]{2}\d{2}[A-Z0-9]{1,30}$')
        self.assertRegex(said['amount'], r'^EUR\d{1,9}\.\d\d$')
        self.assertTrue(0.01 <= float(said['amount'][3:]) <= 999999999.99)
        self.assertRegex(said['purpose'], r'^[A-Z0-9]{0,4}$')
        self.assertLessEqual(len(said['structured']), 35)
        self.assertLessEqual(len(said['text']), 140)
        self.assertFalse(said['structured'] and said['text'], "never both")
        return said


@tagged('post_install', '-at_install')
class TestTransfer(TransferCommon):
    """The code as core's builder writes it, and as the guideline wants it."""

    def test_code_line_by_line(self):
        euro = self.company.currency_id
        said = self.epc(self.account._pay_now_epc(1234.5, 'RF18 5390 0754 7034', euro))
        self.assertEqual(
            list(said.values()),
            ['BCD', '002', '1', 'SCT', 'BNPAFRPP', 'Fournil SARL', IBAN, 'EUR1234.50', '',
             'RF18539007547034', '', ''],
        )  # fmt: skip
        said = self.epc(self.account._pay_now_epc(0.1 + 0.2, self.first.name, euro))
        self.assertEqual((said['amount'], said['text']), ('EUR0.30', self.first.name))
        # Belgium's own form counts as structured in Odoo.
        said = self.epc(self.account._pay_now_epc(1, '+++020/3430/57642+++', euro))
        self.assertEqual((said['structured'], said['text']), ('020343057642', ''))

    def test_bounds_of_the_amount(self):
        euro = self.company.currency_id
        for amount, written in ((0.01, 'EUR0.01'), (999999999.99, 'EUR999999999.99')):
            said = self.epc(self.account._pay_now_epc(amount, 'X', euro))
            self.assertEqual(said['amount'], written)
        for amount in (0, -5, 0.004, 1000000000):
            self.assertEqual(self.account._pay_now_epc(amount, 'X', euro), '', amount)
            self.assertEqual(self.account._pay_now_qr(amount, 'X', euro), b'', amount)

    def test_names_and_texts_of_any_kind(self):
        euro = self.company.currency_id
        self.account.acc_holder_name = "Pâtisserie\nÉlégance\t& Œuvres"
        self.account.bank_id.bic = 'bnpa fr pp xxx'
        said = self.epc(self.account._pay_now_epc(5, "Évreux\n1\r\nRF", euro))
        self.assertEqual(said['name'], "Pâtisserie Élégance & Œuvres")
        self.assertEqual((said['bic'], said['text']), ('BNPAFRPPXXX', "Évreux 1 RF"))
        self.account.acc_holder_name = 'é' * 90
        self.account.bank_id.bic = 'no BIC at all'
        said = self.epc(self.account._pay_now_epc(5, 'à' * 200, euro))
        self.assertEqual((said['name'], said['bic']), ('é' * 70, ''))
        self.assertTrue(said['text'].startswith('à' * 40), "as much as there is room for")

    def test_picture(self):
        """Read from the picture: what the builder wrote, level M, version 13 at most, UTF-8."""
        euro = self.company.currency_id
        self.account.acc_holder_name = "Pâtisserie Élégance & Œuvres"
        version, level, said = qr.read(self.account._pay_now_qr(300, "Évreux", euro))
        self.assertEqual(
            said.split('\n'),
            ['BCD', '002', '1', 'SCT', 'BNPAFRPP', "Pâtisserie Élégance & Œuvres", IBAN,
             'EUR300.00', '', '', "Évreux", ''],
        )  # fmt: skip
        self.assertEqual((version, level), (6, 'M'))
        # As long as a code may be.
        self.account.acc_holder_name = 'é' * 90
        longest = self.account._pay_now_epc(999999999.99, 'à' * 200, euro)
        version, level, said = qr.read(self.account._pay_now_qr(999999999.99, 'à' * 200, euro))
        self.assertEqual((version, level, said), (13, 'M', longest))

    def test_accounts_without_a_code(self):
        """In another currency, without an IBAN, of no country of SEPA, or that nobody verified."""
        lines, usd = self.lines(self.first), self.env.ref('base.USD')
        self.assertFalse(self.account._pay_now_takes_qr(usd))
        for number, trusted in (
            ('12345-67', True),
            ('SA0380000000608010167519', True),
            (OTHER_IBAN, False),
        ):
            account = self.make_account(number, allow_out_payment=trusted)
            self.first.partner_bank_id = account
            (transfer,) = lines._pay_now_transfers()
            self.assertEqual((transfer['account'], transfer['amount']), (account, 300))
            self.assertFalse(account._pay_now_takes_qr(self.company.currency_id), number)

    def test_amount_and_reference_of_what_is_chosen(self):
        reminder = self.reminder(self.first, self.second, self.third)
        self.second.payment_reference = 'RF18 5390 0754 7034'
        transfers = lambda *moves: self.lines(*moves)._pay_now_transfers(  # noqa: E731
            reminder._pay_now_transfer_reference
        )
        (one,) = transfers(self.second)
        self.assertEqual((one['amount'], one['reference']), (200, 'RF18 5390 0754 7034'))
        (two,) = transfers(self.first, self.third)
        self.assertEqual(two['amount'], 450)
        self.assertTrue(is_valid_structured_reference_iso(two['reference']))
        said = self.epc(self.account._pay_now_epc(450, two['reference'], self.company.currency_id))
        self.assertEqual(said['structured'], two['reference'].replace(' ', ''))
        # Without a reminder, the invoices' own.
        (joined,) = self.lines(self.first, self.third)._pay_now_transfers()
        self.assertEqual(joined['reference'], f'{self.first.name} {self.third.name}')
        many = self.lines(*self.make_invoices([10] * 12))
        (many,) = many._pay_now_transfers()
        self.assertEqual((many['amount'], many['reference']), (120, ''), "never a part of it")

    def test_credit_notes_and_several_accounts(self):
        reminder = self.reminder(self.first, self.second, self.third)
        note = self.make_invoice(50, move_type='out_refund')
        # Where the company would send money to.
        note.partner_bank_id = self.make_account(
            'FR7630004000031234567890143', partner_id=self.customer.id
        )
        self.third.partner_bank_id = other = self.make_account(OTHER_IBAN)
        lines = self.lines(self.first, self.second, self.third) | note.line_ids.filtered(
            lambda line: line.display_type == 'payment_term'
        )
        first, second = lines._pay_now_transfers(reminder._pay_now_transfer_reference)
        self.assertEqual((first['account'], first['amount']), (self.account, 450))
        self.assertEqual((second['account'], second['amount']), (other, 150))
        self.assertIn(note.line_ids & lines, first['lines'])
        self.assertNotEqual(first['reference'], self.reference(reminder, self.first, self.second))

    def test_references_are_read_as_they_were_written(self):
        for number, linked in ((1, 1), (35, 3), (36, 60), (2**31 - 1, 40), (1234567, 200)):
            ids = list(range(100, 100 + linked))
            for chosen in (ids, ids[:1], ids[1::2], [*ids, 7]):
                if not chosen:
                    continue
                written = transfer_reference.write(number, ids, chosen)
                with self.subTest(number=number, linked=linked, written=written):
                    self.assertLessEqual(len(written.replace(' ', '')), 25)
                    self.assertTrue(is_valid_structured_reference_iso(written))
                    text = f"VIR INST {written} BOULANGER".split()
                    read = transfer_reference.find(text)
                    self.assertIn(number, [one.reminder_id for one in read])
                    check = transfer_reference.check(number, chosen)
                    self.assertEqual(read[0].check, check)
                    inside = [at for at, one in enumerate(ids) if one in chosen]
                    places = read[0].places
                    if linked < 50 and places is not None:
                        self.assertEqual(list(places), inside)
        for text in ('RF18539007547034', 'RF', 'RF00P1ABCD', 'RF18 5390 0754 7034', 'FAC 2026 1'):
            self.assertEqual(transfer_reference.find(text.split()), [], text)

    def test_branch_transfers_to_its_own_account(self):
        branch = self.make_branch()
        invoice = self.make_invoice(80, company_id=branch.id)
        invoice.partner_bank_id = False
        self.assertEqual(self.lines(invoice)._pay_now_transfers()[0]['account'], self.account)
        own = self.make_account(OTHER_IBAN, partner_id=branch.partner_id.id)
        self.bank_journal.copy({'company_id': branch.id, 'bank_account_id': own.id})
        branch.invalidate_recordset()
        (transfer,) = self.lines(invoice)._pay_now_transfers()
        self.assertEqual((transfer['account'], transfer['holder']), (own, "Fournil Lyon"))

    # === mail and letter === #

    def test_mail(self):
        (mail,) = self.send(self.generate())
        reminder = self.env['pay.now.reminder'].search([], limit=1)
        reference = self.reference(reminder, self.first, self.second, self.third)
        text = html_to_text(mail['body'])
        self.assertIn("IBAN: FR76 3000 6000 0112 3456 7890 189\n", text)
        self.assertIn(f"Amount: 650.00\xa0€\nReference to quote: {reference}\n", text)
        self.assertNotIn("Scan this code", text, "there is none in a text")
        (source,) = html.fromstring(mail['body']).xpath('//img/@src')
        url = urlsplit(source)
        self.assertEqual(url.path, f'{urlsplit(reminder._pay_now_url()).path}/qr')
        self.assertEqual(parse_qs(url.query), {'account': [str(self.account.id)]})

    def test_above_an_amount_it_comes_first_in_the_mail(self):
        reminder = self.generate().reminder_ids
        for limit, first in ((0, False), (649.99, True), (650, False)):
            self.company.pay_now_transfer_first = limit
            self.env.invalidate_all()
            body = f'{reminder.items_html}{reminder.transfer_html or ""}'
            self.assertEqual(body.count("Reference to quote"), 1)
            account, button = body.index("Reference to quote"), body.index(reminder._pay_now_path())
            self.assertEqual(account < button, first, limit)

    def test_it_comes_first_in_the_mail_as_on_its_page(self):
        """By what is asked for: no other currency, and no more than can be paid at once."""
        usd = self.env.ref('base.USD')
        usd.active = True
        foreign = self.make_invoice(80, currency_id=usd.id)
        reminder = self.reminder(self.first, self.second, self.third, foreign)

        def places():
            self.env.invalidate_all()
            body = reminder.items_html
            yield "Reference to quote" in body
            yield reminder._pay_now_page_values()['transfer_first']

        for limit, first in ((649.99, True), (650, False), (700, False)):
            self.company.pay_now_transfer_first = limit
            self.assertEqual(list(places()), [first, first], limit)
        providers = self.env.registry['payment.provider']
        with patch.object(providers, '_pay_now_most', lambda _providers: 500):
            for limit, first in ((499, True), (500, False)):
                self.company.pay_now_transfer_first = limit
                self.assertEqual(list(places()), [first, first], limit)

    def test_mail_with_the_previous_balance_names_no_amount(self):
        (mail,) = self.send(
            self.generate(
                print_previous_balance=True,
                date_from=fields.Date.subtract(fields.Date.today(), days=35),
            )
        )
        self.assertIn("Reference to quote", mail['body'])
        self.assertNotIn("Amount</th>", mail['body'])
        self.assertNotIn('/qr?', mail['body'])

    def test_letter(self):
        self.company.pay_now_letters = True
        self.customer.write(
            {'email': False, 'street': "1 rue du Four", 'zip': '69001', 'city': "Lyon"}
        )
        reminder = self.generate().reminder_ids
        self.assertEqual(reminder.channel, 'letter')
        (source,) = html.fromstring(reminder.transfer_html).xpath('//img/@src')
        kind, picture = source.split(',')
        self.assertEqual(kind, 'data:image/png;base64', "paper opens no address")
        said = self.epc(qr.read(base64.b64decode(picture))[2])
        reference = self.reference(reminder, self.first, self.second, self.third)
        self.assertEqual(said['structured'], reference.replace(' ', ''))
        self.assertEqual(said['amount'], 'EUR650.00')


@tagged('post_install', '-at_install')
class TestTransferPage(TransferCommon, HttpCase):
    """What the public page shows and tells, and nothing of anybody else's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.reminder(cls.first, cls.second, cls.third)
        cls.page = urlsplit(cls.document._pay_now_url()).path

    def ids(self, *invoices):
        return '-'.join(str(one) for one in self.lines(*invoices).ids)

    def transfers(self, *invoices):
        answer = self.url_open(f'{self.page}/transfer?items={self.ids(*invoices)}')
        self.assertEqual(answer.status_code, 200)
        return json.loads(answer.content)

    def shown(self, page):
        (way,) = html.fromstring(page.content).xpath('//*[@data-account][not(@hidden)]')
        return [
            way.find_class(name)[0].text_content()
            for name in ('pay-now-transfer-amount', 'pay-now-reference')
        ]

    def test_follows_the_ticks(self):
        page = self.url_open(self.page)
        reference = self.reference(self.document, self.first, self.second, self.third)
        self.assertEqual(self.shown(page), ['650.00\xa0€', reference])
        (one,) = self.transfers(self.first, self.third)
        self.assertEqual(
            (one['account'], one['amount_text'], one['amount_plain'], one['reference']),
            (
                self.account.id,
                '450.00\xa0€',
                '450.00',
                self.reference(self.document, self.first, self.third),
            ),
        )
        (alone,) = self.transfers(self.second)
        self.assertEqual(alone['reference'], self.second.name)
        # Without a script: by the button, and nothing of it can be lost.
        ticked = [('item', one) for one in self.lines(self.first, self.third).ids]
        page = self.url_open(f'{self.page}/pay', data=[*ticked, ('update', '1')])
        self.assertEqual(self.shown(page), ['450.00\xa0€', one['reference']])
        (source,) = html.fromstring(page.content).xpath('//figure[not(@hidden)]/img/@src')
        self.assertEqual(source, one['qr'])

    def test_code_of_exactly_the_ticked_items(self):
        """What a phone reads from the picture that the page shows."""
        (one,) = self.transfers(self.first, self.third)
        whole = f'{self.page}/qr?account={self.account.id}'
        said = []
        for url in (one['qr'], whole):
            picture = self.url_open(url)
            self.assertEqual(picture.headers['Content-Type'], 'image/png')
            said.append(self.epc(qr.read(picture.content)[2]))
        self.assertEqual([code['amount'] for code in said], ['EUR450.00', 'EUR650.00'])
        self.assertEqual([code['iban'] for code in said], [IBAN, IBAN])
        self.assertEqual(said[0]['structured'], one['reference'].replace(' ', ''))

    def test_forged(self):
        other = self.make_invoice(80, partner=self.env['res.partner'].create({'name': "Épicier"}))
        elsewhere = self.make_account(OTHER_IBAN)
        paid = self.make_invoice(40)
        own, account = self.ids(self.first), self.account.id
        for tail in (
            f'transfer?items={self.ids(other)}',
            f'transfer?items={own}-{self.ids(other)}',
            f'transfer?items={self.ids(paid)}',
            f'qr?account={account}&items={self.ids(other)}',
            f'qr?account={account}&items={own}-{self.ids(other)}',
            f'qr?account={account}&items={own}-x',
            f'qr?account={account}&items=0',
            f'qr?account={account}&items={"9-" * 2500}9',
            f'qr?account={elsewhere.id}&items={own}',
            f'qr?account={other.id}',
            'qr',
        ):
            with self.subTest(tail=tail):
                self.assertEqual(self.url_open(f'{self.page}/{tail}').status_code, 404)
        for tail in ('transfer', 'transfer?items=', 'transfer?items=x-1'):
            self.assertEqual(json.loads(self.url_open(f'{self.page}/{tail}').content), [], tail)
        wrong = self.page[:-4] + 'xxxx'
        for tail in (f'transfer?items={own}', f'qr?account={account}&items={own}'):
            self.assertEqual(self.url_open(f'{wrong}/{tail}').status_code, 404)
        self.document.action_pay_now_revoke_link()
        for tail in (f'transfer?items={own}', f'qr?account={account}&items={own}'):
            self.assertEqual(self.url_open(f'{self.page}/{tail}').status_code, 404)

    def test_no_longer_open_or_another_customers(self):
        self.account.allow_out_payment = False
        (one,) = self.transfers(self.first, self.second)
        self.assertFalse(one['qr'])
        forged = f'{self.page}/qr?account={self.account.id}&items={self.ids(self.first)}'
        self.assertEqual(self.url_open(forged).status_code, 404, "nobody verified it")
        self.account.allow_out_payment = True
        chosen = self.ids(self.first, self.second)
        tx = self.checkout(self.lines(self.first))
        self.gateway.set(tx.provider_reference, state='pending')
        tx._synchronize()
        answer = self.url_open(f'{self.page}/transfer?items={chosen}')
        self.assertEqual(answer.status_code, 404, "a payment is on its way for it")
        # Merged into another contact, the page goes on; given away, the items leave it.
        kept = self.env['res.partner'].create({'name': "Boulanger & fils"})
        self.env['base.partner.merge.automatic.wizard'].create(
            {
                'partner_ids': [Command.set((self.customer | kept).ids)],
                'dst_partner_id': kept.id,
                'state': 'selection',
            }
        ).action_merge()
        (one,) = self.transfers(self.second, self.third)
        self.assertEqual(one['amount_plain'], '350.00')

    def test_items_that_cannot_be_paid_online(self):
        """They are transferred in their own currency, without a code, beside what is ticked."""
        usd = self.env.ref('base.USD')
        usd.active = True
        foreign = self.make_invoice(80, currency_id=usd.id)
        document = self.reminder(self.first, self.second, foreign)
        values = document._pay_now_page_values()
        live, other = values['transfers']
        names = f'{self.first.name}, {self.second.name}'
        self.assertEqual((live['amount'], live['invoices']), (500, names))
        self.assertEqual((other['amount'], other['currency'], other['qr']), (80, usd, False))
        self.assertEqual(other['reference'], foreign.name)
        nothing = document._pay_now_page_values(set())
        self.assertTrue(nothing['nothing_chosen'] and nothing['transfers'][0]['idle'])

    def test_above_an_amount_it_comes_first(self):
        def place():
            text = self.url_open(self.page).text
            return text.index('pay-now-transfer"') < text.index('name="provider_id"')

        self.assertFalse(place(), "never, by default")
        for limit, first in ((649.99, True), (650, False), (10, True), (0, False)):
            self.company.pay_now_transfer_first = limit
            self.assertEqual(place(), first, limit)
        self.company.pay_now_transfer_first = 300
        ticked = {'item': self.lines(self.second).ids, 'update': '1'}
        text = self.url_open(f'{self.page}/pay', data=ticked).text
        self.assertLess(text.index('name="provider_id"'), text.index('pay-now-transfer"'))
        self.assertEqual(text.count('pay-now-transfer"'), 1)
