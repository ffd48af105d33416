"""What was sent becomes plain arguments, the same from JSON and from a form."""

from __future__ import annotations

import pytest
from flask import Flask, request

from dashboard.pages.arguments import arguments, switch, take_version
from dashboard.refusal import Refusal


def of_form(**fields):
    fields = {name.replace("__", "."): text for name, text in fields.items()}
    with Flask("test").test_request_context(method="POST", data=fields):
        return arguments(request)


def of_body(body, content_type="application/json"):
    with Flask("test").test_request_context(method="POST", data=body, content_type=content_type):
        return arguments(request)


def code_of(action):
    with pytest.raises(Refusal) as caught:
        action()
    return caught.value.code


def test_values_are_gathered_from_a_form_as_json_has_them():
    assert of_form(model="User", values__name="Ada")["values"] == {"name": "Ada"}
    assert of_body('{"model": "User", "values": {"name": "Ada"}}')["values"] == {"name": "Ada"}


def test_a_field_that_equals_its_base_was_not_touched():
    given = of_form(values__name="Ada", base__name="Ada", values__email="a@b", base__email="old")
    assert given["values"] == {"email": "a@b"}
    assert given["base"] == {"email": "old"}


def test_a_field_without_a_base_is_always_a_value():
    assert of_form(values__name="")["values"] == {"name": ""}


def test_the_null_box_makes_it_null_whatever_the_field_holds():
    form = {"values.bio": "old", "base.bio": "old", "null.bio": "1"}
    with Flask("test").test_request_context(method="POST", data=form):
        assert arguments(request)["values"] == {"bio": None}


@pytest.mark.parametrize(
    "fields,values",
    [
        ({"null.bio": "1", "values.bio": "", "base-null.bio": "1"}, {}),
        ({"null.bio": "1", "values.bio": "typed", "base-null.bio": "1"}, {"bio": "typed"}),
        ({"values.bio": "", "base-null.bio": "1"}, {"bio": ""}),
        ({"values.bio": "typed", "base-null.bio": "1"}, {"bio": "typed"}),
    ],
)
def test_what_was_null_stays_null_until_something_is_typed_or_the_box_is_cleared(fields, values):
    with Flask("test").test_request_context(method="POST", data=fields):
        assert arguments(request)["values"] == values


def test_line_ends_do_not_make_a_text_touched():
    assert of_form(values__note="a\r\nb", base__note="a\nb")["values"] == {}


@pytest.mark.parametrize("body", ["", "[]", "null", '"text"', "{", "\x00", '{"a": NaN'])
def test_a_body_that_is_not_a_json_object_is_not_understood(body):
    assert code_of(lambda: of_body(body)) == "not_understood"


@pytest.mark.parametrize("body", ['{"a": 1, "a": 1}', '{"values": {"a": 1, "a": 2}}', '{"values": [{"a": 1, "a": 2}]}'])
def test_a_key_that_stands_twice_is_not_understood(body):
    assert code_of(lambda: of_body(body)) == "not_understood"


def test_a_body_is_nested_as_deep_as_anybody_means_it():
    assert of_body('{"a":' + "[" * 140 + "]" * 140 + "}")
    for levels in (160, 900, 100_000):
        assert code_of(lambda levels=levels: of_body('{"a":' + "[" * levels + "]" * levels + "}")) == "not_understood"


def test_a_value_that_a_form_sends_several_times_is_a_list():
    with Flask("test").test_request_context(method="POST", data={"values.tags": ["1", "2"], "values.author": "3"}):
        assert arguments(request)["values"] == {"tags": ["1", "2"], "author": "3"}


def test_a_body_of_another_type_is_not_understood():
    assert code_of(lambda: of_body("<xml/>", "text/xml")) == "not_understood"


@pytest.mark.parametrize("version", ["x", "-1", "1.5", 1.0, True, [1], "9" * 30, "²", "١"])
def test_a_version_is_a_whole_number(version):
    assert code_of(lambda: take_version({"version": version})) == "not_understood"


def test_version_and_csrf_are_taken_out():
    given = {"version": "7", "csrf": "x", "name": "a"}
    assert take_version(given) == 7
    assert given == {"name": "a"}


def test_a_switch_takes_what_the_settings_take():
    assert [switch({"add": word}, "add", True) for word in ("on", "0", "true", False, "", None)] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    assert code_of(lambda: switch({"add": "perhaps"}, "add", True)) == "not_understood"
