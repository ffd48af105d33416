"""What would an object be if the open transaction were lost?
As it was staged: its base is the last commit, never a flush."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .image import Image
from .snapshot import Snapshot


def fold(base: Image, now: Image) -> Image:
    """The staged image of an object that was flushed: what it was before its first flush,
    with what was changed since its last one.

    base: its staged image so far. now: what it is; its changes are those that no flush has written yet.
    """
    if now["state"] in ("transient", "pending"):  # made transient meanwhile: no transaction holds it any more
        return {key: value for key, value in now.items() if key not in ("staged", "fresh")}
    staged = copy.deepcopy(base)
    _fold_columns(staged, now)
    for name, related in now["relationships"].items():
        _fold_relationship(staged["relationships"].setdefault(name, {}), related)
    staged["relationships"] = {name: related for name, related in staged["relationships"].items() if related}
    staged["parents"] = {**staged["parents"], **now["parents"]}
    if now["label"] != now["key"]:  # a key that it had only within the transaction is no name for it
        staged["label"] = now["label"]
    return _placed(staged, now)


def _fold_columns(staged: Image, now: Image) -> None:
    known = staged["key"] is not None
    for name in (*now["committed"], *now["unknown"]):
        if name in now["values"]:
            staged["values"][name] = now["values"][name]
            others = [other for other in staged.get("nulls", ()) if other != name]
            staged["nulls"] = [*others, name] if name in now.get("nulls", ()) else others
        if name not in staged["committed"] and name not in staged["unknown"]:
            if known and name in now["committed"]:
                staged["committed"][name] = now["committed"][name]
            else:
                staged["unknown"].append(name)
        staged["expired"] = [other for other in staged["expired"] if other != name]


def _fold_relationship(staged: dict[str, Any], now: Mapping[str, Any]) -> None:
    if "kept" in now or ("added" in now and "now" not in now):
        _change(staged, now.get("added", ()), now.get("removed", ()))
    elif isinstance(now.get("was"), list) or isinstance(now.get("now"), list):
        if "was" in now:
            was, many = now["was"] if isinstance(now["was"], list) else [], now.get("now") or []
            _change(staged, [ref for ref in many if ref not in was], [ref for ref in was if ref not in many])
    elif "was" in now:
        staged.setdefault("was", now["was"])
        staged["now"] = now.get("now")


def _change(staged: dict[str, Any], added: Any, removed: Any) -> None:
    """Adds to and takes from a collection: in it where it is loaded, else queued."""
    if not added and not removed:
        return
    if isinstance(staged.get("now"), list):
        staged.setdefault("was", list(staged["now"]))
        staged.pop("keys", None)
        staged["now"] = [ref for ref in staged["now"] if ref not in removed] + [
            ref for ref in added if ref not in staged["now"]
        ]
        return
    queued, dequeued = staged.setdefault("added", []), staged.setdefault("removed", [])
    staged.setdefault("was", "NO_VALUE")
    for ref in added:
        dequeued.remove(ref) if ref in dequeued else queued.append(ref)
    for ref in removed:
        queued.remove(ref) if ref in queued else dequeued.append(ref)


def _placed(staged: Image, now: Image) -> Image:
    """Where it stands: what the transaction made is pending again, what it deleted is marked again."""
    made = staged["key"] is None
    marked = "marked-deleted" in now["flags"] or now["state"] == "deleted"
    if now["state"] == "detached" or (made and marked):
        staged["state"], marked = ("transient" if made else "detached"), False
    else:
        staged["state"] = "pending" if made else "persistent"
    changed = is_changed(staged)
    staged["modified"] = changed
    staged["flags"] = (
        ["modified"] * changed + ["expired"] * ("expired" in staged["flags"]) + ["marked-deleted"] * marked
    )
    staged["was_deleted"] = staged["leaving"] = False
    return staged


def is_changed(image: Image) -> bool:
    """Whether there is anything to write in it."""
    if any(image["values"].get(name) != was for name, was in image["committed"].items()) or image["unknown"]:
        return True
    related = image["relationships"].values()
    return any(
        each.get("added") or each.get("removed") or ("was" in each and "now" in each and each["was"] != each["now"])
        for each in related
    )


def unseen(now: Image) -> Image:
    """The staged image of a record that came within the transaction, so that nothing is known of it from before:
    expired, with only its own changes."""
    staged = copy.deepcopy(now)
    changed = {*now["committed"], *now["unknown"]}
    staged["values"] = {name: value for name, value in now["values"].items() if name in changed}
    staged["committed"], staged["unknown"] = {}, sorted(changed)
    staged["expired"] = sorted({*now["expired"], *(set(now["values"]) - changed)})
    staged["relationships"] = {}
    for name, related in now["relationships"].items():
        _fold_relationship(staged["relationships"].setdefault(name, {}), related)
    staged["relationships"] = {name: related for name, related in staged["relationships"].items() if related}
    staged["is_expired"], staged["parents"] = True, now["parents"]
    staged = _placed(staged, now)
    staged["flags"] = [*staged["flags"], *(["expired"] if "expired" not in staged["flags"] else [])]
    return staged


def lose(snapshot: Snapshot) -> Snapshot:
    """The workspace without its open transaction: everything staged as it was."""
    snapshot.check_known()
    images = {ref: _staged(found) for ref, found in snapshot.images.items()}
    flushed = {ref for ref, found in snapshot.images.items() if "staged" in found}
    pending = [found for found in images.values() if found["state"] == "pending"]
    pending.sort(key=lambda found: (found["ref"] not in flushed, found["order"] or 0, found["number"]))
    for order, found in enumerate(pending, 1):
        found["order"] = order
    marked = [
        ref for ref, found in images.items() if found["state"] == "persistent" and "marked-deleted" in found["flags"]
    ]
    return replace(
        snapshot,
        images=images,
        new=tuple(found["ref"] for found in pending),
        deleted=tuple(marked),
        begun=True,
        savepoints=0,
        epoch=None,
        change_set=None,
    )


def _staged(found: Image) -> Image:
    if "staged" in found:
        return dict(found["staged"])
    if found.get("fresh") and found["key"] is not None and found["state"] != "detached":
        return unseen({key: value for key, value in found.items() if key != "fresh"})
    return {key: value for key, value in found.items() if key != "fresh"}
