"""Which of a host's other extensions would take our requests for the host's own?"""

from __future__ import annotations

from typing import Any

from flask import current_app, request


def spare(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Flask-WTF's CSRFProtect would ask our forms for the host's token; ours carry one of their own, which the gate
    asks for. Registered as url_value_preprocessor of our blueprint: that runs before the host's before_request, for our
    requests alone, and also where CSRFProtect came after us."""
    protect = current_app.extensions.get("csrf")
    exempt = getattr(protect, "exempt", None)
    if exempt is not None and request.blueprint is not None:
        exempt(current_app.blueprints[request.blueprint])
