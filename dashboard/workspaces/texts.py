"""How much does a snapshot take in the store? Each image is written once, to be measured and to be kept."""

from __future__ import annotations

from collections.abc import Mapping

from ..store.texts import text_of
from .image import Image
from .snapshot import Snapshot


class Texts:
    """What the images of one workspace look like in the store, as far as they have changed of late."""

    def __init__(self) -> None:
        self._sizes: dict[str, tuple[Image, int]] = {}
        self._made: dict[int, tuple[Image, str]] = {}

    def size(self, after: Snapshot) -> int:
        """What a snapshot takes; only what has changed since the last one is measured again."""
        sizes, self._made = {}, {}
        for ref, found in after.images.items():
            known = self._sizes.get(ref)
            if known is None or (known[0] is not found and known[0] != found):
                text = text_of(found)
                self._made[found["number"]], known = (found, text), (found, len(text))
            sizes[ref] = known
        self._sizes = sizes
        return sum(measured for _, measured in sizes.values())

    def of(self, changed: Mapping[int, Image | None]) -> dict[int, Image | str | None]:
        """The same, as the store keeps it where that was measured just now."""
        texts, self._made = self._made, {}
        return {**changed, **{number: text for number, (found, text) in texts.items() if changed.get(number) is found}}
