"""A MOJO that is being written: keys, blobs, and what all algorithms have in common."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Sequence
from typing import Any

from dh2o.models.category import ModelCategory
from dh2o.models.model import Model
from dh2o.models.mojo.archive import ArchiveWriter
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.ini import escaped, java_text

__all__ = ["MojoDraft"]

#: The version of H2O whose format this is.
H2O_VERSION = "3.46.0.11"
_README = (
    "Outputting model information in JSON is an experimental feature and we appreciate any "
    "feedback.\nThe contents of this folder may change with another version of H2O.\n"
)


class MojoDraft:
    """Collects what goes into the zip; `finish` gives its bytes, the same for the same model."""

    def __init__(
        self, model: Model, columns: Sequence[str], classes: tuple[str, ...] | None
    ) -> None:
        output = model.output
        special = tuple(name for name in output.names if name not in output.x)
        self.model = model
        self.columns = (*columns, *special)
        self.domains = tuple(
            classes if name == output.response else output.domain_of(name) for name in self.columns
        )
        self._category = output.category
        if classes is not None and not output.category.is_classifier:
            self._category = ModelCategory.BINOMIAL
        if classes is None and self._category.is_classifier:
            raise MojoError(f"The classes of {output.response!r} have no names; a MOJO needs them.")
        self._n_classes = len(classes) if classes is not None else 1
        self._info: dict[str, str] = {}
        self._zip = ArchiveWriter()
        self._hash = hashlib.blake2b(model.key.encode(), digest_size=8)

    def put(self, key: str, value: Any) -> None:
        """Add a line to the ``[info]`` section."""
        self._info[key] = java_text(value)

    def blob(self, name: str, data: bytes) -> None:
        """Add an entry."""
        self._hash.update(data)
        self._zip.add(name, data)

    def lines(self, name: str, texts: Sequence[str]) -> None:
        """Add an entry of one text a line."""
        self.blob(name, "".join(f"{escaped(text)}\n" for text in texts).encode())

    def put_common(self, version: str, n_features: int) -> None:
        """Add the lines that every MOJO has, in H2O's order."""
        output = self.model.output
        binomial = self._category is ModelCategory.BINOMIAL
        anomaly = output.category is ModelCategory.ANOMALY
        self.put("h2o_version", H2O_VERSION)
        self.put("mojo_version", version)
        self.put("license", "Apache License Version 2.0")
        self.put("algo", self.model.algo.lower())
        self.put("algorithm", self.model.algo_full_name)
        self.put("endianness", "LITTLE_ENDIAN")
        self.put("category", str(self._category.value))
        self.put("uuid", 0)
        self.put("supervised", output.response is not None)
        self.put("n_features", n_features)
        self.put("n_classes", self._n_classes)
        self.put("n_columns", len(self.columns))
        self.put("n_domains", sum(domain is not None for domain in self.domains))
        if output.offset is not None:
            self.put("offset_column", output.offset)
        if output.fold is not None:
            self.put("fold_column", output.fold)
        self.put("balance_classes", bool(self.model.params.get("balance_classes", False)))
        threshold = float(output.default_threshold) if binomial or anomaly else 0.5
        if anomaly and threshold >= 0:  # H2O's scorer asks for more than it, the model for as much
            threshold = math.nextafter(threshold, -math.inf)
        self.put("default_threshold", threshold)
        self.put("prior_class_distrib", output.prior_class_distrib)
        self.put("model_class_distrib", output.model_class_distrib or output.prior_class_distrib)
        self.put("timestamp", _timestamp(output.end_time_ms))
        self.put("escape_domain_values", True)

    def finish(self, details: str) -> bytes:
        """Return the bytes of the zip."""
        for line in self._info.items():
            self._hash.update("=".join(line).encode())
        self._info["uuid"] = str(int.from_bytes(self._hash.digest(), "big", signed=True))
        self._zip.add("model.ini", self._ini().encode())
        known = [domain for domain in self.domains if domain is not None]
        for number, domain in enumerate(known):
            self.lines(f"domains/d{number:03d}.txt", domain)
        self.blob("experimental/modelDetails.json", f"{details}\n".encode())
        self.blob("experimental/README.md", _README.encode())
        return self._zip.finish()

    def _ini(self) -> str:
        lines = ["[info]", *(f"{key} = {value}" for key, value in self._info.items())]
        lines += ["", "[columns]", *map(java_text, self.columns), "", "[domains]"]
        number = 0
        for idx, domain in enumerate(self.domains):
            if domain is not None:
                lines.append(f"{idx}: {len(domain)} d{number:03d}.txt")
                number += 1
        return "\n".join(lines) + "\n"


def _timestamp(ms: int) -> str:
    moment = dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
