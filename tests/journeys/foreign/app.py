"""A shop that knows nothing of Poolhouse, but for two lines: models, sign-in, forms, error pages, hooks of its own."""

from __future__ import annotations

from flask import Flask, abort, jsonify, redirect, render_template, request, session, url_for
from flask_wtf import CSRFProtect
from models import Customer, Order, Visit, db
from poolhouse import Dashboard

from dashboard import dashboard

STAFF = {"ada": "lovelace"}


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="the shop's own",
        SQLALCHEMY_DATABASE_URI="sqlite:///shop.db",
        SQLALCHEMY_BINDS={"visits": "sqlite:///visits.db"},
        SESSION_COOKIE_NAME="shop",
    )
    db.init_app(app)
    CSRFProtect(app)
    app.register_blueprint(dashboard)
    add_hooks(app)
    add_pages(app)
    add_error_pages(app)
    with app.app_context():
        lay(app)
    Dashboard(app, db, url_prefix="/ops")
    return app


def add_hooks(app: Flask) -> None:
    @app.before_request
    def note_visit():
        if request.endpoint == "home":
            db.session.add(Visit(path=request.path))
            db.session.commit()

    @app.after_request
    def sign(response):
        response.headers["X-Shop"] = "corner"
        return response

    @app.teardown_request
    def forget(error):
        app.extensions.setdefault("shop", []).clear()

    app.context_processor(lambda: {"shop": "The corner shop"})
    app.template_filter("euros")(lambda cents: f"{cents / 100:.2f}")
    app.jinja_env.globals["page"] = "the shop's"


def add_pages(app: Flask) -> None:
    @app.get("/")
    def home():
        customers = db.session.scalars(db.select(Customer).order_by(Customer.name)).all()
        return render_template("index.html", customers=customers)

    @app.route("/sign-in", methods=["GET", "POST"])
    def login():
        if request.method == "POST":
            if STAFF.get(request.form["name"]) != request.form["password"]:
                abort(403)
            session["name"] = request.form["name"]
            return redirect(url_for("orders"))
        return render_template("account/login.html")

    @app.route("/orders", methods=["GET", "POST"])
    def orders():
        if "name" not in session:
            return redirect(url_for("login"))
        if request.method == "POST":
            db.session.add(Order(customer_id=request.form["customer_id"], cents=request.form["cents"]))
            db.session.commit()
        found = db.session.scalars(db.select(Order).order_by(Order.id)).all()
        return jsonify([order.cents for order in found])

    @app.get("/fails")
    def fails():
        raise LookupError("the shop's own mistake")


def add_error_pages(app: Flask) -> None:
    for code in (400, 403, 404, 405, 500):
        app.register_error_handler(code, lambda error: (render_template("error.html", code=error.code), error.code))


def lay(app: Flask) -> None:
    db.create_all()
    if db.session.get(Customer, 1) is None:
        db.session.add(Customer(name="Emma", bank_account="DE02"))
        db.session.commit()
