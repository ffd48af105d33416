"""The standalone Poolhouse, each of whose answers says which worker gave it: `gunicorn tests.journeys.marked:app`."""

from __future__ import annotations

import os

from dashboard import create_app


def marked():
    app = create_app()
    inner = app.wsgi_app

    def outer(environ, start_response):
        def start(status, headers, *more):
            return start_response(status, [*headers, ("X-Worker", str(os.getpid()))], *more)

        return inner(environ, start)

    app.wsgi_app = outer
    return app


app = marked()
