"""A Flask app with models and a sign-in of its own (Flask-Login), and Poolhouse as its guest under /ops.

Run it:  pip install poolhouse flask-login  &&  flask --app app run
Sign in at http://127.0.0.1:5000/sign-in as `ada` (may edit) or `bob` (may read), then open /ops.
"""

from __future__ import annotations

import flask_login
from flask import Flask, redirect, request, url_for
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from poolhouse import Access, Dashboard, Person
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Invoice(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    cents: Mapped[int]
    bank_account: Mapped[str | None]


class Staff(flask_login.UserMixin):
    def __init__(self, name: str, role: str) -> None:
        self.id, self.role = name, role


STAFF = {"ada": Staff("ada", "editor"), "bob": Staff("bob", "viewer")}
FORM = Markup(
    '<form method="post"><input name="name" aria-label="Name">'
    '<input type="hidden" name="next" value="{}"><button>Sign in</button></form>'
)


class StaffAccess(Access):
    """Poolhouse asks the application's own sign-in: no second password, no second cookie to guard."""

    def who(self, request):
        user = flask_login.current_user
        return Person(user.id, user.role) if user.is_authenticated else None

    def sign_in_url(self, next):
        return url_for("sign_in", next=next)

    def hidden_columns(self, person, model):
        return frozenset({"bank_account"}) if model is Invoice else frozenset()


def create_app(**config):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="change me", SQLALCHEMY_DATABASE_URI="sqlite:///shop.db", **config)
    db.init_app(app)
    login = flask_login.LoginManager(app)
    login.user_loader(STAFF.get)

    @app.route("/")
    def home():
        total = db.session.scalar(db.select(db.func.count()).select_from(Invoice))
        return f"{total} invoices"

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in():
        if request.method == "POST" and request.form.get("name") in STAFF:
            flask_login.login_user(STAFF[request.form["name"]])
            after = request.form.get("next", "")
            return redirect(after if after.startswith("/ops/") else "/")
        return FORM.format(request.args.get("next", ""))

    with app.app_context():
        db.create_all()
        if db.session.get(Invoice, 1) is None:
            db.session.add(Invoice(customer="Emma", cents=700, bank_account="DE02120300000000202051"))
            db.session.commit()
    Dashboard(app, db, access=StaffAccess(), url_prefix="/ops")
    return app
