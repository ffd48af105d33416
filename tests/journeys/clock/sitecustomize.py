"""For programs of one test: their clock is as many seconds ahead as the file that CLOCK names says. Python imports this
by itself where its folder is on the path."""

from __future__ import annotations

import os
import time

if "CLOCK" in os.environ:
    really = time.time

    def shifted() -> float:
        with open(os.environ["CLOCK"]) as file:  # noqa: PTH123  # pathlib itself may not be imported yet
            return really() + float(file.read() or 0)

    time.time = shifted
