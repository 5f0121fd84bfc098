# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The demonstration: everything starts, the main job is played for real, and stays up."""

import contextlib
import re
import socket
import time
from collections import Counter

from .. import mailcatcher, settings
from ..env import console, databases, odoo
from ..sandbox.client import SandboxProcess
from .play import Play

PORTS = ('ODOO_PORT', 'SANDBOX_PORT', 'PAYPAL_SANDBOX_PORT', 'MAIL_PORT', 'MAIL_WEB_PORT')


def main(server, once=False):
    """Play the main job on a fresh copy of the demonstration's database.

    :param server: the PostgreSQL server.
    :param bool once: stop after the play.
    :return: 0 when every step of the play ended as it should.
    """
    _check_ports()
    with console.step("the demonstration's database"):
        name = databases.make_database(server, settings.DEMO_DATABASE, demo=True)
    url = f'http://127.0.0.1:{settings.ODOO_PORT}'
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(
            SandboxProcess(settings.SANDBOX_PORT, paypal_port=settings.PAYPAL_SANDBOX_PORT)
        )
        mails = stack.enter_context(
            mailcatcher.MailCatcher(settings.MAIL_PORT, settings.MAIL_WEB_PORT)
        )
        log = console.log_file(name)
        with console.step("starting Odoo"):
            process = stack.enter_context(
                odoo.serving(server, name, settings.ODOO_PORT, arguments=_odoo_arguments(), log=log)
            )
        failed = Play(url, name, sandbox, mails, settings.WEBHOOKS).run()
        _tell_trouble(log)
        if not once:
            _stay(process, url, sandbox, mails)
    return 1 if failed else 0


def _odoo_arguments():
    """Return how Odoo is started: threads, of which some wait for scheduled actions only."""
    return [
        '--workers=0',
        '--max-cron-threads=3',
        '--limit-time-real=600',
        # Until the play has told Odoo which mail server to use: nothing ever leaves.
        '--smtp=127.0.0.1',
        f'--smtp-port={settings.MAIL_PORT}',
    ]


def _check_ports():
    """Say which port is taken before anything is built.

    :raise DevError: with the variable to set.
    """
    for variable in PORTS:
        port = getattr(settings, variable)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
            except OSError as error:
                raise console.DevError(
                    f"Port {port} cannot be used ({error.strerror}): set {variable}=… to another"
                ) from error


def _tell_trouble(log):
    """Say which scheduled actions of ours broke down on the way, though taken up again later."""
    text = log.read_text(errors="replace")
    broken = Counter(re.findall(r"Job '(Pay Now: .*)' \(\d+\) server action #\d+ failed", text))
    for name, times in broken.items():
        console.say(f"   ! the scheduled action “{name}” broke down {times} times: see {log}")


def _stay(process, url, sandbox, mails):
    """Leave everything running until Ctrl-C, or until Odoo ends by itself."""
    console.say(
        f"""
It stays up; Ctrl-C stops it.
   Odoo       {url}/odoo   log-in admin, password admin; in French, as the company
   Mails      {mails.url}   every mail Odoo sends; follow "Pay now" in those to
              leroy@, dollar@, cheque@, blanc@ (a payment plan), moreau@ (a statement of account)
              and girard@client.example (interest), who still have something to pay
   Stripe     {sandbox.api_base}/_sandbox/state   the sandbox's side; secret key {sandbox.key}
   PayPal     {sandbox.paypal.api_base}/_sandbox/state   client id {sandbox.paypal.client_id},
              secret {sandbox.paypal.secret}"""
    )
    with contextlib.suppress(KeyboardInterrupt):
        while process.poll() is None:
            time.sleep(1)
        console.say("Odoo ended by itself.")
