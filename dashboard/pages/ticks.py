"""How does a text that names code in `ticks` stand on a page?"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_TICKED = re.compile(r"`([^`\n]+)`")


def ticked(text: str) -> Markup:
    """Escaped as ever, with what stands in ticks as code.

    >>> ticked("Give it back (`with engine.connect() as connection:`), <b>soon</b>.")
    Markup('Give it back (<code>with engine.connect() as connection:</code>), &lt;b&gt;soon&lt;/b&gt;.')
    """
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(text))))
