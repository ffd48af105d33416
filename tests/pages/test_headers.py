"""What does every answer tell the browser that it may not do, and what no cache may keep?"""

from __future__ import annotations


def test_every_answer_carries_the_strict_headers(script):
    for path in ("/healthz", "/", "/nowhere", "/static/base.css", "/records/Book/1", "/records/Book/~/export"):
        with script("viewer").get(path) as answer:
            headers = answer.headers
        policy = dict(each.partition(" ")[::2] for each in headers["Content-Security-Policy"].split("; "))
        assert policy.pop("img-src") == "'self' data:"
        assert set(policy.values()) == {"'self'", "'none'"}
        assert {name for name, value in policy.items() if value == "'none'"} == {
            "default-src",
            "frame-ancestors",
            "base-uri",
            "object-src",
        }
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert not [name for name, _ in headers if name.startswith("Access-Control-")]


def test_no_cache_keeps_what_only_somebody_signed_in_may_see(app, script):
    for path in (
        "/",
        "/records/Book/1",
        "/records/Book/~/export",
        "/audit/",
        "/nowhere",
        "/metrics",
        "/stream/now?topics=pools",
    ):
        assert script("admin").get(path).headers["Cache-Control"] == "no-store"
    assert app.test_client().get("/login").headers["Cache-Control"] == "no-store"


def test_only_alone_and_behind_tls_the_browser_is_told_to_come_by_tls(make_app):
    proxied = make_app(DASHBOARD_PROXIES="1").test_client()
    header = "Strict-Transport-Security"
    assert proxied.get("/login", headers={"X-Forwarded-Proto": "https"}).headers[header] == "max-age=31536000"
    assert header not in proxied.get("/login").headers
    assert header not in make_app().test_client().get("/login", headers={"X-Forwarded-Proto": "https"}).headers
