"""What does watching cost with everything that is on by default? overhead.py gives `engine` and `Maker`."""

from dashboard.telemetry import watch, watch_sessions

watch(engine, name="bench")  # noqa: F821 - overhead.py's
watch_sessions(Maker, registry="bench")  # noqa: F821 - overhead.py's
