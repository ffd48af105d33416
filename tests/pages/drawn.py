"""What would a browser send of a form as it was drawn, and what did the database get?"""

from __future__ import annotations

import re
from html import unescape

import sqlalchemy as sa


def fields_of(html):
    """What a browser would send of the page's form, unchanged."""
    form = html.split('id="form"')[1].split("</form>")[0]
    found = []
    for tag in re.finditer(
        r"<(input|textarea|select)\b([^>]*)>(?:(?<=textarea>)|)(.*?)(?=<input|<textarea|<select|</div>|$)", form, re.S
    ):
        kind, attributes = tag.groups()[:2]
        name = re.search(r'name="([^"]+)"', attributes)
        if not name or re.search(r'type="(file|search)"', attributes):
            continue
        name = unescape(name[1])
        if kind == "textarea":
            text = form[tag.start() :].split(">", 1)[1].split("</textarea>")[0]
            found.append((name, unescape(text.removeprefix("\n"))))
        elif kind == "select":
            inner = form[tag.start() :].split(">", 1)[1].split("</select>")[0]
            chosen = [option for option in re.findall(r"<option([^>]*)>([^<]*)", inner) if " selected" in option[0]]
            values = [
                unescape(re.search(r'value="([^"]*)"', a)[1]) if "value=" in a else unescape(t) for a, t in chosen
            ]
            if "multiple" not in attributes and not values:
                values = [""]
            found += [(name, value) for value in values]
        elif 'type="checkbox"' not in attributes or " checked" in attributes:
            value = re.search(r'value="([^"]*)"', attributes)
            found.append((name, unescape(value[1]) if value else "on"))
    return found


def as_dict(pairs):
    made = {}
    for name, value in pairs:
        made.setdefault(name, []).append(value)
    return made


def row(runtime, table, key):
    with runtime.databases["default"].engine.connect() as connection:
        return dict(
            connection.execute(sa.text(f'select * from "{table}" where id = :id'), {"id": key}).mappings().one()
        )


def written(runtime):
    """Statements that write, from now on."""
    found = []
    engine = runtime.workspaces._lives.registry("default").main.engine

    def before(connection, cursor, statement, *rest):
        if statement.split(" ", 1)[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            found.append(statement)

    sa.event.listen(engine, "before_cursor_execute", before)
    return found
