"""What may be set, from where, and within which bounds? One table: the fields of Config are its rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .setting import SWITCHES, Setting, WrongSetting, addresses, choice, seconds, switch, urls, value_of, whole

__all__ = ["SWITCHES", "Config", "Setting", "WrongSetting", "table"]


def _row(
    key: str,
    kind: str,
    read: Callable[[str], Any],
    default: Any,
    meaning: str,
    *,
    secret: bool = False,
    bound: bool = False,
) -> Any:
    return field(default=default, metadata={"setting": Setting(key, kind, meaning, read, secret, bound)})


def _bound(key: str, default: int, meaning: str, *, least: int = 1, most: int = 10_000_000) -> Any:
    return _row(key, "whole number", whole(least, most), default, meaning, bound=True)


def _bound_seconds(key: str, default: float, meaning: str, *, least: float = 0.01, most: float = 86_400) -> Any:
    return _row(key, "seconds", seconds(least, most), default, meaning, bound=True)


@dataclass(frozen=True)
class Config:
    """Every setting and every bound, read once. Rooms take what they need of it.

    >>> Config.read({"PORT": "8080", "DASHBOARD_DEMO": "off"}).port
    8080
    >>> Config.read({"PORT": "none of these"})
    Traceback (most recent call last):
        ...
    dashboard.setting.WrongSetting: PORT is 'none of these'; allowed: a whole number from 1 to 65535
    """

    host: str = _row("HOST", "address", str, "127.0.0.1", "where `make run` and gunicorn.conf.py listen")
    port: int = _row("PORT", "port", whole(1, 65535), 8000, "where `make run` and gunicorn.conf.py listen")
    database_url: str = _row(
        "DATABASE_URL",
        "URL or `none`",
        str,
        "",
        "the database that is looked at; unset: the demo's; `none`: only what programs publish in the instance folder",
        secret=True,
    )
    databases: Mapping[str, str] | None = _row(
        "DASHBOARD_DATABASES", "JSON object", urls, None, "further databases: name to URL", secret=True
    )
    models: str = _row(
        "DASHBOARD_MODELS", "module", str, "", "module that holds the mapped classes; unset: the tables are reflected"
    )
    instance: Path = _row(
        "DASHBOARD_INSTANCE",
        "folder",
        Path,
        Path("instance"),
        "where Poolhouse keeps its files: demo database, store, ledger, secret key",
    )
    store_url: str = _row(
        "DASHBOARD_STORE_URL",
        "URL",
        str,
        "",
        "where workspaces, change sets, accounts, tokens and audit are kept; "
        "unset: SQLite `store.db` in the instance folder",
        secret=True,
    )
    change_sets: str = _row(
        "DASHBOARD_CHANGE_SETS",
        "store or database",
        choice("store", "database"),
        "store",
        "where the history is kept; database: in one table, `poolhouse_change_set`, of the data's own database, "
        "written in the data's own transaction",
    )
    secret_key: str = _row(
        "DASHBOARD_SECRET_KEY",
        "text",
        str,
        "",
        "signs cookies; unset: made once, kept in the instance folder",
        secret=True,
    )
    auth: str = _row(
        "DASHBOARD_AUTH",
        "password, proxy or none",
        choice("password", "proxy", "none"),
        "password",
        "how a person is known; none: only from a loopback address",
    )
    proxy_header: str = _row(
        "DASHBOARD_PROXY_HEADER",
        "header name",
        str,
        "X-Forwarded-User",
        "with DASHBOARD_AUTH=proxy: the header that names the person",
    )
    proxy_addresses: tuple[str, ...] = _row(
        "DASHBOARD_PROXY_ADDRESSES",
        "addresses, by comma",
        addresses,
        (),
        "with DASHBOARD_AUTH=proxy: the only addresses whose header is believed",
    )
    proxies: int = _row(
        "DASHBOARD_PROXIES",
        "whole number",
        whole(0, 10),
        0,
        "reverse proxies in front of a standalone Poolhouse, each of which sets X-Forwarded-For and X-Forwarded-Proto: "
        "so many are believed",
    )
    admin_password: str = _row(
        "DASHBOARD_ADMIN_PASSWORD", "text", str, "", "sets the password of the account `admin` at start", secret=True
    )
    metrics_token: str = _row(
        "DASHBOARD_METRICS_TOKEN", "text", str, "", "a bearer token that may read `/metrics`", secret=True
    )
    metrics_public: bool | None = _row(
        "DASHBOARD_METRICS_PUBLIC",
        "switch",
        switch,
        None,
        "anybody may read `/metrics`; unset: on when alone, off as a guest",
    )
    metric_names: str = _row(
        "DASHBOARD_METRIC_NAMES",
        "native, otel or both",
        choice("native", "otel", "both"),
        "native",
        "under which names the metrics are exposed: ours, OpenTelemetry's in place of ours where it has any, or both; "
        "the alerts need ours",
    )
    overdue_seconds: float = _row(
        "DASHBOARD_OVERDUE_SECONDS",
        "seconds",
        seconds(0.1, 86_400),
        300.0,
        "a connection held longer counts as leaked (demo: 4)",
    )
    idle_in_transaction_seconds: float = _row(
        "DASHBOARD_IDLE_IN_TRANSACTION_SECONDS",
        "seconds",
        seconds(0.1, 86_400),
        60.0,
        "a transaction idle for longer is a finding (demo: 3)",
    )
    stuck_seconds: float = _row(
        "DASHBOARD_STUCK_SECONDS",
        "seconds",
        seconds(0.1, 86_400),
        10.0,
        "a statement that has been running for longer is a finding (demo: 2)",
    )
    slow_seconds: float = _row(
        "DASHBOARD_SLOW_SECONDS",
        "seconds",
        seconds(0.001, 86_400),
        1.0,
        "where one statement in a hundred takes longer, that is a finding",
    )
    stacks: str = _row(
        "DASHBOARD_STACKS",
        "off, line or full",
        choice("off", "line", "full"),
        "line",
        "what is kept of the code that takes a connection: nothing, its line, its stack",
    )
    masked: tuple[str, ...] = _row(
        "DASHBOARD_MASKED",
        "words, by comma",
        addresses,
        (),
        "a column whose name holds one of them is masked in statements, as with password, passwd, token and secret",
    )
    parameters: bool = _row(
        "DASHBOARD_PARAMETERS", "switch", switch, True, "off: no value of any statement's parameters is kept"
    )
    read_only: bool = _row("DASHBOARD_READ_ONLY", "switch", switch, False, "nothing can be written through Poolhouse")
    public_url: str = _row(
        "DASHBOARD_PUBLIC_URL",
        "URL",
        str,
        "",
        "the address that people use: where a sign-in link and an alert lead",
    )
    demo: bool | None = _row(
        "DASHBOARD_DEMO", "switch", switch, None, "demo traffic; unset: on with the demo database only"
    )
    demo_rate: int = _row(
        "DASHBOARD_DEMO_RATE",
        "whole number",
        whole(1, 1_000),
        4,
        "operations a second of the demo's traffic, in each worker",
    )
    enabled: bool = _row("DASHBOARD_ENABLED", "switch", switch, True, "off: no listener, route, thread or file")
    prometheus_url: str = _row(
        "PROMETHEUS_URL",
        "URL",
        str,
        "",
        "charts of hours and days, of all instances, are asked from there",
        secret=True,
    )

    publish_seconds: float = _bound_seconds(
        "DASHBOARD_PUBLISH_SECONDS", 0.5, "how often a process writes its numbers into the ledger"
    )
    stale_seconds: float = _bound_seconds(
        "DASHBOARD_STALE_SECONDS", 5.0, "a process silent for longer is shown as stale, and still summed"
    )
    elsewhere_seconds: float = _bound_seconds(
        "DASHBOARD_ELSEWHERE_SECONDS", 600.0, "a process of another machine that is silent for longer is taken for dead"
    )
    judged_seconds: float = _bound_seconds(
        "DASHBOARD_JUDGED_SECONDS", 10.0, "the pages' findings are judged by what happened within so long"
    )
    look_seconds: float = _bound_seconds(
        "DASHBOARD_LOOK_SECONDS", 10.0, "how long processes say more of a pool after somebody looked at its page"
    )
    holders_shown: int = _bound(
        "DASHBOARD_HOLDERS_SHOWN", 200, "holders, waiters and sessions that one process publishes, each"
    )
    survivor_seconds: float = _bound_seconds(
        "DASHBOARD_SURVIVOR_SECONDS", 1.0, "a Session that is still open so long after its request is a survivor"
    )
    request_bytes: int = _bound("DASHBOARD_REQUEST_BYTES", 1_000_000, "size of a request's body")
    workspaces_kept: int = _bound("DASHBOARD_WORKSPACES", 500, "workspaces in the store")
    workspace_objects: int = _bound("DASHBOARD_WORKSPACE_OBJECTS", 1_000, "objects in one workspace")
    workspace_bytes: int = _bound("DASHBOARD_WORKSPACE_BYTES", 8_000_000, "size of one workspace's snapshot")
    workspace_sessions: int = _bound(
        "DASHBOARD_WORKSPACE_SESSIONS", 200, "live Sessions that one worker keeps for workspaces"
    )
    workspace_idle_seconds: float = _bound_seconds(
        "DASHBOARD_WORKSPACE_IDLE_SECONDS",
        600.0,
        "a live Session that nobody used for so long is parked: closed, its memory given back, until the next action",
    )
    workspace_connections: int = _bound(
        "DASHBOARD_WORKSPACE_CONNECTIONS", 3, "connections that one worker has for workspaces, for each database"
    )
    workspace_wait_seconds: float = _bound_seconds(
        "DASHBOARD_WORKSPACE_WAIT_SECONDS",
        3.0,
        "how long an action waits for its workspace, for a connection, or for a row that somebody else has locked",
    )
    review_wait_seconds: float = _bound_seconds(
        "DASHBOARD_REVIEW_WAIT_SECONDS", 2.0, "how long a review waits for a row that somebody else has locked"
    )
    peer_threads: int = _bound(
        "DASHBOARD_PEER_THREADS",
        4,
        "threads by which a worker does what other workers pass on to it, because it holds the transaction",
        most=100,
    )
    peer_seconds: float = _bound_seconds(
        "DASHBOARD_PEER_SECONDS", 10.0, "how long a worker waits for the answer of the one that holds the transaction"
    )
    tape_kept: int = _bound("DASHBOARD_TAPE", 200, "actions kept on a workspace's tape")
    undo_kept: int = _bound("DASHBOARD_UNDO", 100, "actions on a workspace that can be undone")
    change_sets_kept: int = _bound(
        "DASHBOARD_CHANGE_SETS_KEPT", 10_000, "change sets that the store keeps; in the data's own database none goes"
    )
    change_set_bytes: int = _bound(
        "DASHBOARD_CHANGE_SET_BYTES",
        8_000_000,
        "size of one change set; a commit that would make a larger one is refused",
    )
    prometheus_seconds: float = _bound_seconds(
        "DASHBOARD_PROMETHEUS_SECONDS", 5.0, "how long Prometheus may take to answer for all charts", most=60
    )
    server_seconds: float = _bound_seconds(
        "DASHBOARD_SERVER_SECONDS", 2.0, "how long a database server may take to say what its sessions do", most=60
    )
    incidents_kept: int = _bound("DASHBOARD_INCIDENTS_KEPT", 50, "incidents that the ledger keeps", most=1_000)
    incident_every_seconds: float = _bound_seconds(
        "DASHBOARD_INCIDENT_EVERY_SECONDS",
        60.0,
        "what begins in a pool so soon after its last incident is another picture of that one",
    )
    incident_pictures: int = _bound("DASHBOARD_INCIDENT_PICTURES", 5, "pictures of one incident", most=50)
    incident_seconds: float = _bound_seconds(
        "DASHBOARD_INCIDENT_SECONDS", 60.0, "an incident shows what each connection did in the last so many seconds"
    )
    incident_events: int = _bound("DASHBOARD_INCIDENT_EVENTS", 5_000, "events of connections in one picture of a pool")
    incident_wait_seconds: float = _bound_seconds(
        "DASHBOARD_INCIDENT_WAIT_SECONDS", 1.0, "who waits longer for a connection makes an incident"
    )
    audit_kept: int = _bound(
        "DASHBOARD_AUDIT_KEPT",
        100_000,
        "rows of the audit that the store keeps, the newest of what was done, and as many of what was refused",
    )
    history_rows: int = _bound("DASHBOARD_HISTORY_ROWS", 50, "change sets of one page of the history", most=1_000)
    saved_views: int = _bound("DASHBOARD_SAVED_VIEWS", 50, "saved views of one list that a person may have", most=1_000)
    related_shown: int = _bound(
        "DASHBOARD_RELATED_SHOWN", 6, "relationships of which a record's page shows the first rows", most=40
    )
    related_rows: int = _bound("DASHBOARD_RELATED_ROWS", 5, "rows of each of them", most=500)
    record_history_rows: int = _bound(
        "DASHBOARD_RECORD_HISTORY_ROWS", 10, "changes of a record that its page shows, the newest first", most=500
    )
    record_history_sets: int = _bound(
        "DASHBOARD_RECORD_HISTORY_SETS", 10_000, "change sets, the newest, among which a record's are looked for"
    )
    statements_shown: int = _bound(
        "DASHBOARD_STATEMENTS_SHOWN", 100, "statements that one process publishes for each pool, the slowest first"
    )
    statement_characters: int = _bound("DASHBOARD_STATEMENT_CHARACTERS", 4_000, "characters kept of a statement")
    transaction_seconds: float = _bound_seconds(
        "DASHBOARD_TRANSACTION_SECONDS",
        60.0,
        "how long a workspace's open transaction may idle before it is rolled back and staged again",
    )
    sqlite_transaction_seconds: float = _bound_seconds(
        "DASHBOARD_SQLITE_TRANSACTION_SECONDS", 15.0, "the same on SQLite, where it blocks every other writer"
    )
    database_pages: int = _bound(
        "DASHBOARD_DATABASE_PAGES",
        8,
        "threads of one worker that may be in pages which use the database; the next is told 503",
    )
    streams: int = _bound(
        "DASHBOARD_STREAMS",
        5,
        "live streams that one worker keeps open, and never more than a third of its threads; the next viewer polls",
        least=0,
    )
    stream_seconds: float = _bound_seconds(
        "DASHBOARD_STREAM_SECONDS", 60.0, "how long one stream lasts before the browser asks for the next one"
    )
    stream_topics: int = _bound("DASHBOARD_STREAM_TOPICS", 20, "live parts that one viewer follows at one time")
    records_connections: int = _bound(
        "DASHBOARD_RECORDS_CONNECTIONS", 3, "connections that one worker has for records, for each database"
    )
    records_rows: int = _bound("DASHBOARD_RECORDS_ROWS", 50, "rows of a page of a list, unless `size` says another")
    records_rows_most: int = _bound("DASHBOARD_RECORDS_ROWS_MOST", 500, "rows of a page of a list at most")
    records_count: int = _bound(
        "DASHBOARD_RECORDS_COUNT", 10_000, "records that are counted; of more it is said that there are more"
    )
    records_seconds: float = _bound_seconds(
        "DASHBOARD_RECORDS_SECONDS", 5.0, "how long a query of a list or a record may take before it is stopped"
    )
    names_seconds: float = _bound_seconds(
        "DASHBOARD_NAMES_SECONDS",
        2.0,
        "how long one database's models wait, once, for another's: a name that both have gets its database in front",
    )
    search_count_seconds: float = _bound_seconds(
        "DASHBOARD_SEARCH_COUNT_SECONDS",
        0.03,
        "how long what a search finds behind its first page is counted; then it is said that there are more",
    )
    filter_depth: int = _bound("DASHBOARD_FILTER_DEPTH", 8, "levels of and, or and not in `where`", most=50)
    filter_terms: int = _bound(
        "DASHBOARD_FILTER_TERMS", 100, "conditions of one list, and values of one `in`, each", most=5_000
    )
    search_characters: int = _bound("DASHBOARD_SEARCH_CHARACTERS", 200, "characters of a search", most=10_000)
    lookup_rows: int = _bound("DASHBOARD_LOOKUP_ROWS", 20, "records that a picker offers for what was typed", most=500)
    form_members: int = _bound("DASHBOARD_FORM_MEMBERS", 100, "records of a many-to-many set that a form holds")
    heavy_requests: int = _bound(
        "DASHBOARD_HEAVY_REQUESTS",
        300,
        "exports, imports, bulk edits, reviews and undos that one person may ask of one worker within a minute",
    )
    bulk_rows: int = _bound("DASHBOARD_BULK_ROWS", 1_000, "records that one bulk edit, delete or action changes")
    export_seconds: float = _bound_seconds(
        "DASHBOARD_EXPORT_SECONDS", 600.0, "how long an export may read, and whoever takes it may need"
    )
    exports: int = _bound(
        "DASHBOARD_EXPORTS",
        2,
        "exports that one worker sends at once; where there are several connections for records, one is left for pages",
    )
    import_bytes: int = _bound("DASHBOARD_IMPORT_BYTES", 200_000_000, "size of an imported file", most=10_000_000_000)
    import_errors: int = _bound("DASHBOARD_IMPORT_ERRORS", 100, "errors that a dry run of an import tells")
    store_seconds: float = _bound_seconds(
        "DASHBOARD_STORE_SECONDS",
        5.0,
        "how long the store, where it is on a server, may take for one statement; then it is away for as long",
    )
    copy_seconds: float = _bound_seconds("DASHBOARD_ACCOUNTS_COPY_SECONDS", 5.0, "age of the accounts' copy")
    copy_trusted_seconds: float = _bound_seconds(
        "DASHBOARD_ACCOUNTS_TRUSTED_SECONDS",
        900.0,
        "how long that copy is trusted, to read only, while the store is away",
    )
    first_start_seconds: float = _bound_seconds(
        "DASHBOARD_FIRST_START_SECONDS", 60.0, "how long a starting process waits for the others' first start"
    )
    link_seconds: float = _bound_seconds("DASHBOARD_LINK_SECONDS", 600.0, "how long a sign-in link is good")
    sign_in_seconds: float = _bound_seconds(
        "DASHBOARD_SIGN_IN_SECONDS", 28_800.0, "how long a sign-in may idle before it ends", most=31_536_000
    )
    sign_in_most_seconds: float = _bound_seconds(
        "DASHBOARD_SIGN_IN_MOST_SECONDS",
        604_800.0,
        "how long a sign-in lasts at most, however much it is used",
        most=31_536_000,
    )
    accounts_most: int = _bound("DASHBOARD_ACCOUNTS", 1_000, "accounts", most=100_000)
    tokens_most: int = _bound(
        "DASHBOARD_TOKENS", 100, "tokens that act for one account, and those that act for themselves", most=100_000
    )
    sign_ins_most: int = _bound(
        "DASHBOARD_SIGN_INS",
        1_000,
        "sign-ins of one account that the store keeps, live or ended; one more, and all the others have ended",
    )
    password_characters: int = _bound(
        "DASHBOARD_PASSWORD_CHARACTERS", 8, "characters that a password given on a page has at least", most=100
    )
    sign_in_tries: int = _bound(
        "DASHBOARD_SIGN_IN_TRIES", 10, "wrong passwords for one name or from one address within five minutes"
    )

    @classmethod
    def read(cls, source: Mapping[str, Any] | None = None, **overrides: Any) -> Config:
        """Config from a mapping of keys (the environment when None). An absent or empty value means the default.

        source: keys of the table, values as text, or already of the right type (a host's `app.config`).
        Raises WrongSetting, naming the key, the value (never a secret one) and what is allowed.
        """
        source = os.environ if source is None else source
        values: dict[str, Any] = {}
        for row in fields(cls):
            setting: Setting = row.metadata["setting"]
            given = source.get(setting.key)
            if given is not None and given != "":
                values[row.name] = value_of(setting, given)
        return cls(**{**values, **overrides})

    def public_rows(self) -> tuple[tuple[str, str, str], ...]:
        """(key, value in force, meaning) of every row, secrets masked."""
        return tuple(
            (s.key, "(set)" if s.secret and getattr(self, row.name) else str(getattr(self, row.name)), s.meaning)
            for row in fields(self)
            for s in (row.metadata["setting"],)
        )


def table() -> tuple[Setting, ...]:
    """The rows of the table, in order; README's table is made of them, and tested."""
    return tuple(row.metadata["setting"] for row in fields(Config))
