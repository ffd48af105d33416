"""What does Poolhouse tell the Prometheus that it asks, and what whoever that one leads it to?"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from dashboard.telemetry.long_range import QUESTIONS, Prometheus


@contextmanager
def serving(answer):
    """Each request's Authorization header."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.headers.get("Authorization"))
            answer(self)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def nothing(handler):
    body = json.dumps({"data": {"result": []}}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def led_to(address):
    def lead(handler):
        handler.send_response(302)
        handler.send_header("Location", f"http://{address}{handler.path}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return lead


def test_the_password_of_prometheus_goes_to_nobody_whom_it_leads_to():
    with ExitStack() as stack:
        other, heard_there = stack.enter_context(serving(nothing))
        first, heard = stack.enter_context(serving(led_to(other)))
        told = Prometheus(f"http://ada:hunter2@{first}", 5.0).told("6h")
    assert [one.series for one in told] == [()] * len(QUESTIONS)
    assert all(each.startswith("Basic ") for each in heard)
    assert heard_there == [None] * len(QUESTIONS)
