"""What does each route take and answer? By endpoint; the routes themselves, their methods and their permissions are not
said again here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..records.lookup import Matches
from ..records.search import OPERATORS
from ..workspaces.record_history import RecordChange
from ..workspaces.view import Summary, View
from .bulk import Done
from .deleting import Deleted
from .json_schemas import Schema, of_type
from .lists import ListViews
from .records import RecordsIndex

Fields = Mapping[str, Schema]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 1}
SWITCH: Schema = {"enum": [0, 1, "0", "1", True, False]}
KEYS: Schema = {"type": "array", "items": TEXT, "description": "KEYs of records"}
VALUES: Schema = {"type": "object", "description": "By attribute; of the model, see components/schemas"}
JOB: Schema = {**TEXT, "description": "A name of yours under which /records/~/progress/JOB says how far it is"}
COUNT: Schema = {
    "type": ["object", "null"],
    "properties": {"value": {"type": "integer"}, "exact": {"type": "boolean"}},
    "required": ["value", "exact"],
}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}


@dataclass(frozen=True)
class Described:
    """query, body: what may be sent, by name. needed: what of the body must be. answer: the JSON of success; None for
    any object. media: what else than JSON is answered. upload: the body is a file beside form fields."""

    query: Fields = field(default_factory=dict)
    body: Fields = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    answer: Schema | None = None
    media: tuple[str, ...] = ()
    upload: bool = False


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


ROW = _object(
    key=OPTIONAL_TEXT, label=TEXT, values={"type": "object"}, badge=OPTIONAL_TEXT, references={"type": "object"}
)
SEARCH: Fields = {
    "q": {**TEXT, "description": "A search over the text columns"},
    "where": {**TEXT, "description": 'JSON: {"and": [{"price.gt": 5}, {"not": {"title.isnull": true}}]}'},
}
FILTERED: Fields = {
    **SEARCH,
    "sort": {**TEXT, "description": "Names of columns with commas between, `-` in front for descending"},
    "columns": {**TEXT, "description": "Names of columns with commas between"},
    "f.COLUMN.OP": {**TEXT, "description": f"A filter; OP is one of {', '.join(OPERATORS)}"},
}
LISTED: Fields = {
    **FILTERED,
    "size": {**WHOLE, "description": "Rows of a page"},
    "after": {**TEXT, "description": "A cursor: follow `next`"},
    "before": {**TEXT, "description": "A cursor: follow `previous`"},
}
PAGED = {"rows": {"type": "array", "items": ROW}, "next": OPTIONAL_TEXT, "previous": OPTIONAL_TEXT, "count": COUNT}
LIST = _object(model=TEXT, columns={"type": "array", "items": TEXT}, **PAGED)
CHANGES = {"type": ["array", "null"], "items": of_type(RecordChange)}
RECORD = _object(
    model=TEXT, key=TEXT, label=TEXT, values={"type": "object"}, badge=OPTIONAL_TEXT, workspace=OPTIONAL_TEXT,
    history=CHANGES, older=OPTIONAL_TEXT, references={"type": "object"},
    related={"type": "array", "items": _object(name=TEXT, model=TEXT, count=COUNT, list=OPTIONAL_TEXT, rows=TEXT)},
)  # fmt: skip
SAVED: Fields = {
    "values": VALUES,
    "base": {"type": "object", "description": "What was seen: where the row differs now, 409 `conflict`"},
    "stage": {**TEXT, "description": "A workspace's name: the change is staged there and not saved"},
}
VIEW = of_type(View)
VERSION: Fields = {"version": {"type": "integer", "description": "The workspace's, that this was made against"}}
OBJECT: Fields = {"values": VALUES, "attribute": TEXT, "force": SWITCH, **VERSION}

DESCRIBED: Mapping[str, Described] = {
    "records.index": Described(answer=of_type(RecordsIndex)),
    "records.show_list": Described(LISTED, answer=LIST),
    "records.show": Described(answer=RECORD),
    "records.new": Described({"from": {**TEXT, "description": "KEY of a record to copy"}}),
    "records.edit": Described(),
    "records.edit_cell": Described({"shown": SWITCH, "stage": TEXT}, media=("text/html",)),
    "records.save_cell": Described(body=SAVED, needed=("values",), media=("text/html",)),
    "records.create_record": Described(body={**SAVED, "from": TEXT}, needed=("values",), answer=RECORD),
    "records.save_record": Described(body=SAVED, needed=("values",), answer=RECORD),
    "records.open_in_workspace": Described(body={"workspace": TEXT, "new": TEXT}, answer=VIEW),
    "records.deletion": Described(answer=_object(
        model=TEXT, key=TEXT, label=TEXT, forbidden={"type": "boolean"}, complete={"type": "boolean"},
        effects={"type": "array", "items": _object(how=TEXT, model=TEXT, title=TEXT, by=TEXT, count=COUNT, words=TEXT)},
    )),
    "records.delete_record": Described(body={"stage": TEXT}, answer=of_type(Deleted)),
    "records.act_on_many": Described(
        body={"action": {**TEXT, "description": "edit, delete, stage, or a host's own"}, "keys": KEYS, "all": SWITCH,
              "values": VALUES, "stage": TEXT, "job": JOB, **FILTERED},
        needed=("action",), answer=of_type(Done),
    ),
    "records.show_lookup": Described(SEARCH, answer=of_type(Matches)),
    "records.download": Described(media=("application/octet-stream",)),
    "records.export_records": Described(
        {**FILTERED, "format": {"enum": ["csv", "json", "jsonl"]}},
        media=("text/csv", "application/json", "application/x-ndjson"),
    ),
    "records.show_import": Described(),
    "records.import_records": Described(
        body={"file": {"type": "string", "format": "binary"}, "format": TEXT, "mode": {"enum": ["insert", "upsert"]},
              "dry_run": SWITCH, "job": JOB},
        needed=("file",), upload=True,
        answer=_object(
            model=TEXT, columns={"type": "array", "items": TEXT}, dry_run={"type": "boolean"},
            inserted={"type": "integer"}, updated={"type": "integer"}, more={"type": "boolean"},
            ignored={"type": "array", "items": TEXT},
            errors={"type": "array", "items": _object(row={"type": "integer"}, column=TEXT, message=TEXT)},
        ),
    ),
    "records.show_related": Described(LISTED, answer=_object(
        model=TEXT, columns={"type": "array", "items": TEXT}, **PAGED,
        of=_object(model=TEXT, key=TEXT, relationship=TEXT),
    )),
    "records.show_history": Described({"before": WHOLE}, answer=_object(
        model=TEXT, key=TEXT, history=CHANGES, older=OPTIONAL_TEXT,
    )),
    "records.show_views": Described(answer=of_type(ListViews)),
    "records.save_view": Described(body={"name": TEXT, "query": TEXT}, needed=("name",), answer=of_type(ListViews)),
    "records.forget_view": Described(body={"name": TEXT}, needed=("name",), answer=of_type(ListViews)),
    "records.keep_columns": Described(body={"columns": {"type": "array", "items": TEXT}}, answer=of_type(ListViews)),
    "records.show_progress": Described(answer=_object(
        job=TEXT, done={"type": "integer"}, total={"type": ["integer", "null"]}, words=TEXT, over={"type": "boolean"},
    )),
    "records.keep_zone": Described(body={"zone": TEXT}, needed=("zone",)),
    "workspaces.index": Described(answer=_object(workspaces=of_type(tuple[Summary, ...]))),
    "workspaces.create": Described(
        body={"name": TEXT, "database": TEXT, "autoflush": SWITCH, "expire_on_commit": SWITCH, "sandbox": SWITCH},
        needed=("name",), answer=VIEW,
    ),
    "workspaces.show": Described({"beside": TEXT}, answer=VIEW),
    "workspaces.create_object": Described(
        body={"model": TEXT, "values": VALUES, "add": SWITCH, **VERSION}, needed=("model",), answer=VIEW
    ),
    "workspaces.act": Described(
        body={"model": TEXT, "key": TEXT, "keys": KEYS, "limit": WHOLE, "note": TEXT, "resolve": {"type": "object"},
              **FILTERED, **VERSION},
        answer=VIEW,
    ),
    "workspaces.act_on_object": Described(body=OBJECT, answer=VIEW),
    "workspaces.review": Described(),
    "history.index": Described({"before": WHOLE, "database": TEXT}),
    "history.show": Described({"database": TEXT}),
    "history.undo": Described(body={"database": TEXT}, answer=VIEW),
}  # fmt: skip
