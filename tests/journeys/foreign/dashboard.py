"""What does the shop's own dashboard show? A module, a blueprint and a command of that name stood here first."""

from __future__ import annotations

import click
from flask import Blueprint, render_template
from models import Order, db

dashboard = Blueprint("dashboard", __name__, cli_group="dashboard", template_folder="templates")


@dashboard.get("/dashboard/")
def index():
    total = db.session.scalar(db.select(db.func.coalesce(db.func.sum(Order.cents), 0)))
    return render_template("dashboard.html", total=total)


@dashboard.cli.command("print")
def show():
    """Prints what the shop has sold."""
    click.echo("the shop's own dashboard")
