"""Where does a WSGI server find the standalone Poolhouse? `gunicorn wsgi:app`."""

from dashboard import create_app

app = create_app()
