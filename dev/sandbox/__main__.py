# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""``python -m dev.sandbox --port N --paypal-port M``: the providers' sandbox, on loopback only."""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from werkzeug.serving import make_server

from .providers import Providers


def main():
    """Serve until told to stop."""
    arguments = _arguments()
    logging.getLogger('werkzeug').setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _end_once)
    providers = Providers()
    if arguments.state_file:
        providers.load(arguments.state_file)
    server = _open(providers.stripe, arguments.port)
    second = _open(providers.paypal, arguments.paypal_port)
    threading.Thread(target=second.serve_forever, daemon=True).start()
    # Called twice a second: checkouts lapse and tell so, even when nobody asks for anything.
    server.service_actions = providers.tick
    if arguments.until_eof:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    print("sandbox ready on", *providers.addresses().values(), flush=True)
    try:
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        if arguments.state_file:
            providers.save(arguments.state_file)


def _open(application, port):
    """Return the server of an application on a port of its own."""
    server = make_server('127.0.0.1', port, application, threaded=True)
    application.store.base = f'http://127.0.0.1:{server.port}'
    return server


def _arguments():
    parser = argparse.ArgumentParser(prog='python -m dev.sandbox', description=__doc__)
    parser.add_argument('--port', type=int, default=0, help="port of Stripe; 0: a free one")
    parser.add_argument('--paypal-port', type=int, default=0, help="port of PayPal; 0: a free one")
    parser.add_argument('--state-file', type=Path, help="keeps the accounts between two runs")
    parser.add_argument(
        '--until-eof', action='store_true', help="stop when standard input is closed"
    )
    return parser.parse_args()


def _end_once(*_signal):
    # A second call would interrupt the writing of the state.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _end_with_parent():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == '__main__':
    main()
