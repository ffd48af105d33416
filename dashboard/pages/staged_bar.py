"""The bar of what is staged, by itself: asked for again after something was staged without leaving the page."""

from __future__ import annotations

from flask import Blueprint, Response

from . import gate, staged
from .html import page


def blueprint() -> Blueprint:
    bar = Blueprint("staged", __name__, url_prefix="/staged")
    bar.add_url_rule("/", "index", index)
    return bar


@gate.needs(gate.READ)
def index() -> Response:
    return page("staged/index.html", staged.StagedBar(staged.of_this_person()))
