"""Can every badge be read? The contrast of its word on its own ground, and on every ground that it stands on, in both
themes, of the tokens in base.css."""

from __future__ import annotations

import re

import pytest

from dashboard.workspaces.states import BADGES
from tests.parts import ROOT

TOKENS = dict(re.findall(r"--([\w-]+): (light-dark\([^)]+\))", (ROOT / "static" / "base.css").read_text()))
THEMES = ("light", "dark")
AROUND = ("sheet", "ground", "sunk", "accent-ground")
BARE = ("transient", "expired")
"""Without a ground of their own."""


def colour(token, theme):
    return re.findall(r"#[0-9a-f]{6}", TOKENS[token])[THEMES.index(theme)]


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_the_most_that_there_is():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("badge", BADGES)
def test_a_badge_can_be_read(badge, theme):
    grounds = AROUND if badge in BARE else (f"{badge}-ground",)
    found = {ground: contrast(colour(badge, theme), colour(ground, theme)) for ground in grounds}
    assert {ground: ratio for ground, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", AROUND)
@pytest.mark.parametrize("words", ["ink", "soft", "accent", "wrong", "warn"])
def test_words_can_be_read_on_every_ground(words, ground, theme):
    assert contrast(colour(words, theme), colour(ground, theme)) >= 4.5
