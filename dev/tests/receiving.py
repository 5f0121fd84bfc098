# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Somebody who is notified."""

import http.server
import json
import threading


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what is posted, and answers as it is told."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server_port}/hook'
        self.received = []
        self.statuses = []
        self.lock = threading.Lock()

    def ids(self):
        return [json.loads(body)['id'] for body, _headers in self.received]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        with self.server.lock:
            self.server.received.append((body, dict(self.headers)))
            status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_args):
        """Nothing: the test's output is for the test."""
