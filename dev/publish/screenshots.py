# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The pictures of the page of the store, made anew from the demonstration's data.

Nothing in them is drawn: customers, invoices and payments are made by the scenes of the play, and
Chromium shows what comes of it.
"""

import base64
import contextlib
import json
from datetime import date
from urllib.parse import quote

from .. import mailcatcher, settings
from ..demo.people import Customer
from ..demo.play import Play
from ..env import console, databases, odoo
from ..sandbox.client import SandboxProcess
from .chromium import Chromium

FOLDER = settings.CHECKOUT / "static/description"
COMPANY = {
    "name": "Maison Berger",
    "street": "12 rue du Four",
    "street2": False,
    "zip": "69001",
    "city": "Lyon",
    "state_id": False,
    "phone": "+33 4 00 00 00 00",
    "email": "compta@maison-berger.example",
    "website": "https://maison-berger.example",
}
#: Who owes what since when: customer of the play, amount, days after the due date.
OWED = (
    ("declined", 1240.00, 41),
    ("declined", 318.50, 26),
    ("declined", 96.00, 9),
    ("sweep", 2150.00, 33),
    ("switch", 640.00, 16),
    ("paypal_declined", 489.90, 12),
    ("paypal_sweep", 75.00, 8),
    ("cheque", 310.00, 19),
    ("no_email", 60.00, 22),
)
#: The payer whose mail, page and result are shown, and whose account afterwards.
PAYER = "declined"
#: Who pays by transfer, or in parts.
TRANSFERS = "sweep"
ACCOUNT = {"bank_name": "Banque du Four", "bic": "BNPAFRPP", "iban": "FR7630004000031234567890143"}
DESKTOP, PHONE, MAIL = (1280, 800), (390, 800), (640, 700)
WIDE = (1600, 560)
#: As high as what is cut out of it: pictures further down are loaded once they are in sight.
LONG, PAPER = (390, 2400), (900, 1110)
LIST = "document.querySelector('.o_list_view .o_data_row')"
FORM = "document.querySelector('.o_form_view .o_form_sheet, .o_form_view .o_form_renderer')"
BANNER = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><style>
body {{ margin: 0; width: 1120px; height: 560px; overflow: hidden; display: flex;
  background: linear-gradient(120deg, #1b3a57, #2d6a8e); font-family: sans-serif; color: #fff; }}
div {{ flex: 1; padding: 80px 24px 0 64px; }}
h1 {{ font-size: 72px; margin: 0 0 24px; }}
p {{ font-size: 30px; line-height: 1.35; margin: 0 0 28px; }}
small {{ font-size: 22px; opacity: .85; }}
img {{ width: 400px; align-self: flex-start; margin: 48px 64px 0 0; border-radius: 14px;
  box-shadow: 0 12px 40px rgba(0, 0, 0, .45); }}
</style><div><h1>Pay Now</h1>
<p>A button on every invoice and reminder. Paid without a log-in, booked by itself.</p>
<small>Stripe and PayPal &#183; Odoo 19 Community</small></div>
<img alt="" src="data:image/png;base64,{page}"></html>"""


def main(server):
    """Make all pictures.

    :param server: the PostgreSQL server.
    :return: 0.
    """
    template = databases.module(server, demo=True)
    port = odoo.free_port()
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(databases.temporary(server, template, "screenshots"))
        sandbox = stack.enter_context(SandboxProcess())
        mails = stack.enter_context(mailcatcher.MailCatcher(odoo.free_port(), odoo.free_port()))
        arguments = ["--workers=0", "--limit-time-real=600"]
        arguments += ["--smtp=127.0.0.1", f"--smtp-port={mails.smtp_port}"]
        with console.step("starting Odoo"):
            stack.enter_context(odoo.serving(server, name, port, arguments=arguments))
        stage = Stage(f"http://127.0.0.1:{port}", name, sandbox, mails)
        browser = stack.enter_context(Chromium())
        stage.show(browser)
    console.say(f"The pictures are in {FOLDER.relative_to(settings.CHECKOUT)}.")
    return 0


class Stage(Play):
    """The play's ground with the customers of the pictures."""

    def show(self, browser):
        """Play what is to be seen, and keep it."""
        if self.run(only=("ground", "set_up", "make_customers")):
            raise console.DevError("the ground is not as it should be")
        self.browser = browser
        self.side = self.sides["pay_now_stripe"]
        partner = self.admin.get("res.company", self.company_id, "partner_id")[0]
        country = self.admin.ref("base.fr")
        self.admin.write("res.partner", partner, country_id=country, **COMPANY)
        browser.log_in(self.url, self.admin.session_id)
        self._picture("setup", "action_pay_now_setup", "button[name=action_configure]")
        for who, amount, late in OWED:
            self.invoice(who, amount, late)
        run = self.generate()
        self._picture("reminders", "action_pay_now_reminder_run", LIST, run)
        (mail,) = self.send(run, PAYER)
        browser.show(f"{self.mails.url}/{mail.number}/html", size=MAIL)
        self._keep("mail", "body")
        self._pay(mail)
        self._picture("chase", "action_pay_now_chase_report", LIST, size=WIDE)
        self._transfer()
        self._statement()

    def _transfer(self):
        """Show on a page how to pay by transfer, and how to ask to pay in parts."""
        admin = self.admin
        bank = admin.create("res.bank", name=ACCOUNT["bank_name"], bic=ACCOUNT["bic"])
        partner = admin.get("res.company", self.company_id, "partner_id")[0]
        for known in admin.search("res.partner.bank", [("partner_id", "=", partner)], "id"):
            admin.write("res.partner.bank", known["id"], active=False)
        account = admin.create(
            "res.partner.bank", acc_number=ACCOUNT["iban"], partner_id=partner, bank_id=bank
        )
        admin.write("res.partner.bank", account, allow_out_payment=True)
        ours = [("company_id", "=", self.company_id), ("type", "=", "bank"), ("code", "=", "BNK1")]
        journal = admin.search("account.journal", ours, "id", limit=1)[0]["id"]
        admin.write("account.journal", journal, bank_account_id=account)
        self.tick_option("pay_now_plans")
        self.invoice(TRANSFERS, 180.00, 20)
        (mail,) = self.send(self.generate(), TRANSFERS)
        browser = self.browser
        browser.show(Customer().follow(mail).url, "document.querySelector('.pay-now-qr img')", LONG)
        self._keep("transfer_phone", ".pay-now-transfer")
        browser.run("document.querySelector('.pay-now-plan-offer').open = true")
        browser.run("document.querySelector('[name=plan_parts]').value = '3'")
        browser.run("document.querySelector('[name=plan][value=show]').click()")
        browser.wait("document.querySelector('[name=plan][value=send]')")
        self._keep("plan_phone", ".pay-now-plan-offer")

    def _statement(self):
        """Show the account of who has paid, and owes something new."""
        lines = (COMPANY["name"], COMPANY["street"], f"{COMPANY['zip']} {COMPANY['city']}")
        footer = f"<p>{COMPANY['phone']} &#183; {COMPANY['email']}</p>"
        letterhead = {"logo": False, "company_details": f"<p>{'<br/>'.join(lines)}</p>"}
        self.admin.write("res.company", self.company_id, report_footer=footer, **letterhead)
        self.invoice(PAYER, 540.00, 5)
        self.invoice(PAYER, 212.40, 0)
        today = date.today()
        options = {
            "company_id": self.company_id,
            "date_from": today.replace(month=1, day=1).isoformat(),
            "date_to": today.isoformat(),
        }
        report = f"{settings.MODULE}.report_customer_statement"
        path = f"/report/html/{report}/{self.customers[PAYER]}?options={quote(json.dumps(options))}"
        self.browser.show(self.url + path, "document.querySelector('table')", PAPER)
        self._keep("statement")

    def _pay(self, mail):
        """Show the page of a reminder, and what comes of paying it."""
        payer = Customer().follow(mail)
        address = payer.url
        for size, name in ((DESKTOP, "page"), (PHONE, "page_phone")):
            self.browser.show(address, "document.querySelector('[name=provider_id]')", size)
            self._keep(name)
        self._banner()
        payer.pay(self.side)
        self.press(payer, self.side.agree).expect_text("Payment received")
        self.browser.show(payer.url, size=PHONE)
        self._keep("paid_phone")
        self.browser.show(payer.url, size=DESKTOP)
        self._keep("paid")
        invoices = self.admin.search(
            "account.move",
            [("partner_id", "=", self.customers[PAYER]), ("move_type", "=", "out_invoice")],
            "name",
            order="invoice_date_due",
            limit=1,
        )
        self.wait_paid(invoices[0]["id"], invoices[0]["name"])
        self.wait_booked("the commission", lambda: self._commission(invoices[0]["id"]))
        action = "account.action_move_out_invoice_type"
        self._picture("invoice", action, FORM, invoices[0]["id"])

    def _commission(self, invoice):
        self.side.release_fees()
        return self.transaction_of(invoice)["pay_now_commission_state"] == "booked"

    def _picture(self, name, action, ready, record=None, size=DESKTOP):
        """Keep a picture of one of Odoo's screens."""
        action = action if "." in action else f"{settings.MODULE}.{action}"
        path = f"/odoo/action-{action}" + (f"/{record}" if record else "")
        ready = ready if ready.startswith("document") else f"document.querySelector('{ready}')"
        self.browser.show(self.url + path, ready, size)
        self._keep(name)

    def _banner(self):
        page = base64.b64encode((FOLDER / "page_phone.png").read_bytes()).decode()
        page = base64.b64encode(BANNER.format(page=page).encode()).decode()
        self.browser.show(f"data:text/html;base64,{page}", size=(1120, 560))
        self._keep("banner")

    def _keep(self, name, clip=None):
        self.browser.picture(FOLDER / f"{name}.png", clip)
        self.say(f"{name}.png")
