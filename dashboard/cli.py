"""`flask dashboard ...`: accounts, tokens, the sign-in link, the doctor, the store."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from . import diagnosis, first_start
from .access.access import ROLES, role_named
from .access.accounts import Accounts
from .access.members import LINKED, must_be_a_name, must_stay_linked
from .access.tokens import SCOPES
from .config import Config
from .masks import IN_URLS, MASK
from .refusal import Refusal
from .runtime import NotStarted, Runtime
from .store.audit import Deed, moment
from .store.change_sets import data_table
from .store.engine import SCHEMA_VERSION, Store, metadata
from .workspaces.committing import IN_DATABASE, create_in


class Commands(AppGroup):
    """A refusal is one line and the exit status 1, never a stack."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(f"{refusal} {refusal.remedy}".rstrip()) from None


dashboard_group = Commands("dashboard", help="Poolhouse: accounts, tokens, the store.")
user_group = AppGroup("user", help="Accounts.")
token_group = AppGroup("token", help="Bearer tokens for scripts.")
store_group = AppGroup("store", help="The tables of the store.")
dashboard_group.add_command(user_group)
dashboard_group.add_command(token_group)
dashboard_group.add_command(store_group)

COMMAND_LINE = "command line"
"""From where it was done, in the audit."""
role_option = click.option("--role", required=True, type=click.Choice(ROLES))


@user_group.command("add")
@click.argument("name")
@role_option
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_appcontext
def add_user(name: str, role: str, password_stdin: bool) -> None:
    """Makes an account, or changes its role and password (its older sign-ins end)."""
    password = (
        sys.stdin.readline().rstrip("\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    if not password:
        raise click.ClickException("An empty password is none.")
    must_be_a_name(name)
    must_stay_linked(name, role)
    accounts = _accounts()
    _note("accounts.add", name, role=role)
    accounts.save(name, role_named(role), password)
    click.echo(f"{name} may sign in as {role}.")


@token_group.command("create")
@click.argument("name")
@role_option
@click.option("--scope", type=click.Choice(SCOPES), help="Less than the role may: /metrics only, read, or write.")
@click.option(
    "--expires", type=click.FloatRange(min=0, min_open=True, max=3_650), help="Days that it is good for; else always."
)
@with_appcontext
def create_token(name: str, role: str, scope: str | None, expires: float | None) -> None:
    """Makes a bearer token and prints it, this once, alone on the last line."""
    must_be_a_name(name)
    accounts, seconds = _accounts(), None if expires is None else expires * 86_400
    _note("accounts.create_token", name, role=role, scope=scope)
    token = accounts.new_token(name, role_named(role), scope=scope, seconds=seconds)
    click.echo(f"Token {name}, {role}; it is kept as a hash only:", err=True)
    click.echo(token)


@dashboard_group.command("link")
@with_appcontext
def link() -> None:
    """Prints a link that signs in as admin, once, within ten minutes."""
    accounts = _accounts()
    _note("accounts.link", LINKED)
    click.echo(f"{_address(_runtime())}/link/{accounts.new_link()}")


def _address(runtime: Runtime) -> str:
    """Where the pages are, without a slash at the end; of a guest only the path, for its host's address is not ours."""
    config = runtime.config
    if config.public_url:
        return config.public_url.rstrip("/")
    if not runtime.alone:
        return current_app.blueprints[runtime.name].url_prefix or ""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    return f"http://{host}:{config.port}"


@dashboard_group.command("doctor")
@with_appcontext
def doctor() -> None:
    """What Poolhouse sees here, what is wrong, and the remedy."""
    entry = _entry()
    if entry.config is not None:
        _say_settings(entry.config)
    troubles = _troubles(entry) if isinstance(entry, Runtime) else [f"{entry.reason} {entry.reason.remedy}".rstrip()]
    for trouble in troubles:
        click.echo(f"WRONG: {trouble}")
    if troubles:
        raise SystemExit(1)
    click.echo("Nothing is wrong.")


def _say_settings(config: Config) -> None:
    click.echo("Settings in force:")
    for key, value, _ in config.public_rows():
        click.echo(f"  {key} = {value}")


def _troubles(runtime: Runtime) -> list[str]:
    """Says what there is, and answers what is wrong with it."""
    reading = runtime.ledger.read()
    click.echo(f"Workers: {len(reading.workers)}. Pools: {', '.join(p.name for p in reading.pools) or 'none'}.")
    try:
        click.echo(f"{_where(runtime.store)}: {_version(runtime.store)}")
    except Refusal:
        pass  # what is wrong with it is among the troubles
    if not runtime.databases:
        click.echo("No database is looked at (DATABASE_URL=none): workspaces and records are off.")
    return [f"{each.what} {each.remedy}".rstrip() for each in diagnosis.troubles(runtime, tell=click.echo)]


@store_group.command("create")
@click.option("--sql", is_flag=True, help="Print the statements instead of running them.")
@with_appcontext
def create_store(sql: bool) -> None:
    """Makes the store's tables where they are missing."""
    with _store() as store:
        if sql:
            _say(sa.schema.CreateTable(table).compile(store.engine) for table in metadata.sorted_tables)
            _say(
                sa.schema.CreateIndex(index).compile(store.engine)
                for table in metadata.sorted_tables
                for index in sorted(table.indexes, key=lambda index: str(index.name))
            )
            _say([f"INSERT INTO poolhouse_schema (version) VALUES ({SCHEMA_VERSION})"])
            for name, engine in _histories():
                click.echo(f"-- in the database {name}:")
                _say([sa.schema.CreateTable(data_table).compile(engine)])
            return
        with first_start.lock(_config()):
            store.create()
    click.echo(f"The store is there, version {SCHEMA_VERSION}.")
    for name, engine in _histories():
        create_in(engine)
        click.echo(f"The database {name} has its table of change sets.")


def _histories() -> list[tuple[str, sa.Engine]]:
    """The databases that keep their own history, each with an engine that this thread may use."""
    entry = _entry()
    if not isinstance(entry, Runtime) or entry.config.change_sets != IN_DATABASE or entry.workspaces is None:
        return []
    return [(name, entry.workspaces.engine(name)) for name in entry.databases]


@store_group.command("status")
@with_appcontext
def show_store() -> None:
    """Says where the store is and which version its tables have."""
    with _store() as store:
        _say_store(store)


@store_group.command("upgrade")
@click.option("--sql", is_flag=True, help="Print the statements instead of running them.")
@with_appcontext
def upgrade_store(sql: bool) -> None:
    """Brings the tables to this version: makes the tables and columns that a newer Poolhouse has more. The schema only
    grows."""
    with _store() as store:
        version, missing, columns = store.schema_version(), store.missing(), store.missing_columns()
        if version is None:
            raise click.ClickException("The store has no tables yet. Run `flask dashboard store create`.")
        if sql:
            _say(sa.schema.CreateTable(table).compile(store.engine) for table in missing)
            _say(store.to_add(column) for column in columns)
        elif missing or columns:
            with first_start.lock(_config()):
                store.create()
    names = [table.name for table in missing] + [str(column) for column in columns]
    made = f"; made: {', '.join(names)}" if names and not sql else ""
    click.echo(f"{'-- ' if sql else ''}The store has version {version}{made or '; there is no newer one'}.")


@store_group.command("drop")
@click.option("--sql", is_flag=True, help="Print the statements instead of running them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def drop_store(sql: bool, yes: bool) -> None:
    """Takes the store's tables away, with every workspace, account and token in them."""
    with _store() as store:
        if sql:
            _say(sa.schema.DropTable(table).compile(store.engine) for table in reversed(metadata.sorted_tables))
            return
        if not yes:
            click.confirm("Every workspace, account and token will be gone. Go on?", abort=True)
        with store.writing() as connection:
            metadata.drop_all(connection)
    click.echo("The store's tables are gone.")


def _say(statements: Any) -> None:
    for statement in statements:
        click.echo(f"{str(statement).strip()};")


def _say_store(store: Store) -> None:
    click.echo(f"{_where(store)}: {_version(store)}")
    lacking = diagnosis.lacking(store)
    if lacking:
        raise Refusal("unavailable", f"It lacks {lacking}. `flask dashboard store upgrade` makes that.")


def _version(store: Store) -> str:
    version = store.schema_version()
    has = "no tables yet; `flask dashboard store create` makes them" if version is None else f"version {version}"
    return f"{has}. This Poolhouse knows version {SCHEMA_VERSION}."


def _where(store: Store) -> str:
    """Drivers take a password among the options too."""
    url = store.engine.url
    shown = {name: MASK if IN_URLS.is_secret(name) else value for name, value in url.query.items()}
    return f"Store {url.set(query=shown).render_as_string(hide_password=True)}"


@contextmanager
def _store() -> Iterator[Store]:
    """The store of the settings, also where Poolhouse could not start because of it, or waits for it."""
    store = Store(first_start.store_url(_config()))
    try:
        yield store
    finally:
        store.engine.dispose()


def _config() -> Config:
    config = _entry().config
    if config is None:
        raise click.ClickException(str(_entry().reason))  # type: ignore[union-attr]
    return config


def _entry() -> Runtime | NotStarted:
    for extension in current_app.extensions.values():
        if isinstance(extension, (Runtime, NotStarted)):
            return extension
    raise click.ClickException("No Poolhouse is in this app: it is switched off (DASHBOARD_ENABLED).")


def _note(act: str, subject: str, **details: str | None) -> None:
    """Before it is done. Whoever may start programs here is nobody's account: who is their name on this machine."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in many containers
        who = str(os.getuid())
    _runtime().audit.add(Deed(moment(), who, "", COMMAND_LINE, act, subject, details=details))


def _runtime() -> Runtime:
    entry = _entry()
    if isinstance(entry, NotStarted):
        raise entry.reason
    return entry


def _accounts() -> Accounts:
    accounts = _runtime().accounts
    if accounts is None:
        raise click.ClickException(
            "This application says itself who somebody is (Access); Poolhouse keeps no accounts here."
        )
    return accounts
