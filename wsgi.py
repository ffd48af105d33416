"""Where does a WSGI server find the standalone Poolhouse? `gunicorn wsgi:app`."""

import sys

from dashboard import create_app
from dashboard.config import WrongSetting

try:
    app = create_app()
except WrongSetting as wrong:
    sys.exit(str(wrong))
