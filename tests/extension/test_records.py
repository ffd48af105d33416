"""Do a host's rules about rows and columns hold on every page of records?"""

from __future__ import annotations

from dashboard import Access, Dashboard, Person


class OnlyCups(Access):
    """Everybody sees the first item, and of none its name."""

    def who(self, request):
        return Person("guest", "viewer")

    def rows(self, person, model):
        return model.id == 1

    def hidden_columns(self, person, model):
        return frozenset({"name"})


def test_what_a_role_may_not_see_is_absent_everywhere(host, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO item VALUES (2, 'a saucer')")
        connection.exec_driver_sql("CREATE TABLE poolhouse_own (id INTEGER PRIMARY KEY)")
    app = host(TESTING=True)
    Dashboard(app, engine, access=OnlyCups(), url_prefix="/ops")
    client = app.test_client()

    def get(path):
        answer = client.get("/ops/records/" + path, headers={"Accept": "application/json"})
        assert "cup" not in answer.text
        assert "saucer" not in answer.text
        return answer

    assert [(each["name"], each["count"]["value"]) for each in get("").json["models"]] == [("item", 1)]
    assert [row["key"] for row in get("item/").json["rows"]] == ["1"]
    assert get("item/").json["columns"] == ["id"]
    assert get("item/?q=a").json["rows"] == []
    assert get("item/1").json["values"] == {"id": 1}
    statuses = [get(path).status_code for path in ("item/2", "item/?sort=name", "item/?f.name.eq=x", "poolhouse_own/")]
    assert statuses == [404, 400, 400, 404]
