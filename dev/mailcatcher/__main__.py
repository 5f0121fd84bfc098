# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""``python -m dev.mailcatcher``: catch mails until told to stop."""

import argparse
import signal
import sys
import threading

from .. import settings
from ..env import console
from . import MailCatcher


def main():
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog='python -m dev.mailcatcher', description=__doc__)
    parser.add_argument('--smtp-port', type=int, default=settings.MAIL_PORT)
    parser.add_argument('--web-port', type=int, default=settings.MAIL_WEB_PORT)
    parser.add_argument('--maildir', action='store_true', help="keep the mails in the cache, too")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = settings.CACHE_DIR / 'mail' if arguments.maildir else None
    try:
        with MailCatcher(arguments.smtp_port, arguments.web_port, folder) as catcher:
            console.say(f"mails for 127.0.0.1:{arguments.smtp_port} are shown on {catcher.url}")
            threading.Event().wait()
    except console.DevError as error:
        console.say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
