# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What every provider's port has: the way in, and requests that go wrong on demand."""

import socket

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from .refusals import Refusal

#: Longest time in seconds a request is kept waiting.
LONGEST_WAIT = 60


class Application:
    """The WSGI application of one provider's port: its API, its hosted page, the control."""

    #: The provider's name, and where its hosted pages begin.
    name = ''
    pages = ''

    def __call__(self, environ, start_response):
        request = Request(environ)
        try:
            response = self.dispatch(request)
        except HTTPException as error:
            response = error.get_response(environ)
        except Refusal as error:
            response = Response(f"{error}\n", status=error.status)
        return response(environ, start_response)

    def dispatch(self, request):
        """Answer one request."""
        if request.path.startswith('/_sandbox/'):
            return self.control.answer(request)
        if request.path.startswith(self.pages):
            return self.hosted_page(request)
        if request.path == '/':
            return Response(f"Pay Now sandbox of {self.name}. See /_sandbox/state.\n")
        return self.server.answer(request)

    def hosted_page(self, request):
        """Show a checkout, and take what the payer presses."""
        raise NotImplementedError

    @staticmethod
    def html(text):
        """Return a page."""
        return Response(text, mimetype='text/html')


class Server:
    """Answers requests to the API, well or badly as the sandbox was told.

    :param Store store: the provider's memory.
    """

    def __init__(self, store):
        self.store = store

    def answer(self, request):
        """Answer one request.

        :param werkzeug.Request request: with its body unread.
        :rtype: werkzeug.Response
        """
        # Read before anything else: a connection is only closed cleanly when nothing is left in it.
        request.get_data()
        fault = self._take_fault(request)
        first = not fault.get('executed')
        if first and self._spoiled(request, fault):
            return Response()
        response = self.respond(request, fault)
        if not first and self._spoiled(request, fault):
            return Response()
        response.headers.update(fault.get('headers') or {})
        return response

    def respond(self, request, fault):
        """Return the answer.

        :param dict fault: of the control `misbehave`; empty when nothing is to go wrong.
        """
        raise NotImplementedError

    def _take_fault(self, request):
        """Return how this request is to go wrong; empty when it is not."""
        with self.store.lock:
            for fault in self.store.faults:
                fits = request.path.startswith(fault.get('path') or '/')
                if fits and fault['left'] > 0 and fault.get('method') in (None, request.method):
                    fault['left'] -= 1
                    return fault
        return {}

    def _spoiled(self, request, fault):
        """Keep the caller waiting; tell whether the connection is closed without an answer."""
        self.wait(fault.get('timeout'))
        if fault.get('drop'):
            request.environ['werkzeug.socket'].shutdown(socket.SHUT_RDWR)
        return fault.get('drop')

    def wait(self, seconds):
        """Let so many seconds pass, unless everything is to behave again."""
        if seconds:
            self.store.calm.wait(min(seconds, LONGEST_WAIT))
