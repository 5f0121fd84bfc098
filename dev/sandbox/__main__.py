# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""``python -m dev.sandbox --port N``: the providers' sandbox, on loopback only."""

import argparse
import logging
import signal
import sys

from werkzeug.serving import make_server

from .app import Application


def main():
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog='python -m dev.sandbox', description=__doc__)
    parser.add_argument('--port', type=int, default=0, help="port of Stripe; 0: a free one")
    arguments = parser.parse_args()
    logging.getLogger('werkzeug').setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    application = Application()
    server = make_server('127.0.0.1', arguments.port, application, threaded=True)
    application.world.base = f'http://127.0.0.1:{server.port}'
    print(f"sandbox ready on {application.world.base}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.shutdown()


if __name__ == '__main__':
    main()
