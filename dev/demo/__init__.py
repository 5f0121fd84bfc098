# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The demonstration: everything starts, the main job is played for real, and stays up."""

import contextlib
import signal
import time

from .. import console, databases, mailcatcher, odoo, settings
from ..sandbox.client import SandboxProcess
from .play import Play


def main(server, once=False):
    """Play the main job on a fresh copy of the demonstration's database.

    :param server: the PostgreSQL server.
    :param bool once: stop after the play.
    :return: 0 when every step of the play ended as it should.
    """
    with console.step("the demonstration's database"):
        name = databases.make_database(server, settings.DEMO_DATABASE, demo=True)
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess(settings.SANDBOX_PORT))
        mails = stack.enter_context(
            mailcatcher.MailCatcher(settings.MAIL_PORT, settings.MAIL_WEB_PORT)
        )
        arguments = [
            '--max-cron-threads=2',
            '--workers=0',
            '--limit-time-real=600',
            f'--smtp-port={settings.MAIL_PORT}',
            '--smtp=127.0.0.1',
        ]
        with console.step("starting Odoo"):
            stack.enter_context(odoo.serving(server, name, settings.ODOO_PORT, arguments=arguments))
        url = f'http://127.0.0.1:{settings.ODOO_PORT}'
        failed = Play(url, name, sandbox, mails, settings.WEBHOOKS).run()
        if not once:
            _stay(url, sandbox, mails)
        return 1 if failed else 0


def _stay(url, sandbox, mails):
    console.say(
        f"""
It stays up. Ctrl-C stops it.
   Odoo              {url}   admin / admin
   Mails             {mails.url}
   Stripe sandbox    {sandbox.api_base}/_sandbox/state   key {sandbox.key}"""
    )
    with contextlib.suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        while True:
            time.sleep(3600)
