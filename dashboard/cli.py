"""`flask dashboard ...`: accounts, tokens, the sign-in link, the doctor, the store."""

from __future__ import annotations

import sys

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from . import first_start
from .access.access import ROLES, role_named
from .access.accounts import Accounts
from .runtime import Runtime
from .store.engine import SCHEMA_VERSION, metadata

dashboard_group = AppGroup("dashboard", help="Poolhouse: accounts, tokens, the store.")
user_group = AppGroup("user", help="Accounts.")
token_group = AppGroup("token", help="Bearer tokens for scripts.")
store_group = AppGroup("store", help="The tables of the store.")
dashboard_group.add_command(user_group)
dashboard_group.add_command(token_group)
dashboard_group.add_command(store_group)

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
    _accounts().save(name, role_named(role), password)
    click.echo(f"{name} may sign in as {role}.")


@token_group.command("create")
@click.argument("name")
@role_option
@with_appcontext
def create_token(name: str, role: str) -> None:
    """Makes a bearer token and prints it, this once, alone on the last line."""
    token = _accounts().new_token(name, role_named(role))
    click.echo(f"Token {name}, {role}; it is kept as a hash only:", err=True)
    click.echo(token)


@dashboard_group.command("link")
@with_appcontext
def link() -> None:
    """Prints a link that signs in as admin, once, within ten minutes."""
    runtime = _runtime()
    click.echo(f"http://{runtime.config.host}:{runtime.config.port}/link/{_accounts().new_link()}")


@dashboard_group.command("doctor")
@with_appcontext
def doctor() -> None:
    """What Poolhouse sees here, what is wrong, and the remedy."""
    runtime = _runtime()
    troubles = []
    click.echo("Settings in force:")
    for key, value, _ in runtime.config.public_rows():
        click.echo(f"  {key} = {value}")
    reading = runtime.ledger.read()
    click.echo(f"Workers: {len(reading.workers)}. Pools: {', '.join(p.name for p in reading.pools) or 'none'}.")
    if reading.problem:
        troubles.append(reading.problem)
    for database in runtime.databases.values():
        try:
            with database.engine.connect() as connection:
                connection.execute(sa.select(1))
            click.echo(
                f"Database {database.name}: {database.engine.dialect.name} answers; "
                f"{len(list(database.models))} models."
            )
        except sa.exc.SQLAlchemyError as error:
            troubles.append(
                f"Database {database.name} does not answer ({type(error).__name__}): is it running, is its URL right?"
            )
    for trouble in troubles:
        click.echo(f"WRONG: {trouble}")
    if troubles:
        raise SystemExit(1)
    click.echo("Nothing is wrong.")


@store_group.command("create")
@click.option("--sql", is_flag=True, help="Print the statements instead of running them.")
@with_appcontext
def create_store(sql: bool) -> None:
    """Makes the store's tables where they are missing."""
    runtime = _runtime()
    if sql:
        for table in metadata.sorted_tables:
            click.echo(str(sa.schema.CreateTable(table).compile(runtime.store.engine)).strip() + ";")
        return
    with first_start.lock(runtime.config):
        runtime.store.create()
    click.echo(f"The store is there, version {SCHEMA_VERSION}.")


@store_group.command("status")
@with_appcontext
def show_store() -> None:
    """Says where the store is and which version its tables have."""
    store = _runtime().store
    where = store.engine.url.render_as_string(hide_password=True)
    click.echo(f"{where}: version {store.schema_version()}, this Poolhouse knows {SCHEMA_VERSION}.")


@store_group.command("upgrade")
@with_appcontext
def upgrade_store() -> None:
    """Brings the tables to this version. There has been only one version so far, so nothing is ever to be done."""
    click.echo(f"The store has version {_runtime().store.schema_version()}; there is no newer one.")


@store_group.command("drop")
@click.option("--sql", is_flag=True, help="Print the statements instead of running them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def drop_store(sql: bool, yes: bool) -> None:
    """Takes the store's tables away, with every workspace, account and token in them."""
    runtime = _runtime()
    if sql:
        for table in reversed(metadata.sorted_tables):
            click.echo(str(sa.schema.DropTable(table).compile(runtime.store.engine)).strip() + ";")
        return
    if not yes:
        click.confirm("Every workspace, account and token will be gone. Go on?", abort=True)
    metadata.drop_all(runtime.store.engine)
    click.echo("The store's tables are gone.")


def _runtime() -> Runtime:
    for extension in current_app.extensions.values():
        if isinstance(extension, Runtime):
            return extension
    raise click.ClickException("No Poolhouse runs in this app: it is switched off, or its start failed (see the log).")


def _accounts() -> Accounts:
    accounts = _runtime().accounts
    if accounts is None:
        raise click.ClickException(
            "This application says itself who somebody is (Access); Poolhouse keeps no accounts here."
        )
    return accounts
