"""A MOJO that is being read: its description, its blobs, and what they say of any model."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.mojo.details_in import Details, read_details
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.ini import ModelIni, read_ini, unescaped
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters

__all__ = ["MojoSource"]

_MAX_CLASSES = 100_000


@dataclass(frozen=True)
class MojoSource:
    """One MOJO: `archive` and the `ini` in it, to become the model `key`."""

    archive: MojoArchive
    ini: ModelIni
    key: str

    @classmethod
    def of(cls, archive: MojoArchive, key: str) -> MojoSource:
        """Return the MOJO in `archive`."""
        return cls(archive, read_ini(archive), key)

    @cached_property
    def version(self) -> float:
        """The version of the algorithm's format."""
        return self.ini.number("mojo_version")

    @cached_property
    def details(self) -> Details:
        """What the MOJO tells besides what scoring needs."""
        return read_details(self.archive)

    @cached_property
    def category(self) -> ModelCategory:
        """What the model predicts."""
        text = self.ini.text("category")
        try:
            return ModelCategory(text)
        except ValueError:
            raise MojoError(f"model.ini: category = {text[:40]!r} is not known.") from None

    @property
    def is_supervised(self) -> bool:
        """Whether the last column is a response."""
        return self.ini.flag("supervised")

    @property
    def n_features(self) -> int:
        """Number of predictors: the first columns."""
        return self.ini.count("n_features", len(self.ini.columns))

    @property
    def n_classes(self) -> int:
        """Number of classes; 1 if there are none."""
        return self.ini.count("n_classes", _MAX_CLASSES)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the predictors."""
        return self.ini.columns[: self.n_features]

    @cached_property
    def feature_domains(self) -> tuple[tuple[str, ...] | None, ...]:
        """Levels of the predictors."""
        return self.ini.domains[: self.n_features]

    def output(self) -> ModelOutput:
        """Return what the MOJO says of any model."""
        names, domains = list(self.ini.columns), list(self.ini.domains)
        response = names[-1] if self.is_supervised and names else None
        if self.category.is_classifier:
            if response is None:
                raise MojoError("The MOJO is of a classifier without a response.")
            domains[-1] = self._classes(domains[-1])
        offset, fold = self._offset(), self._fold()
        if offset is not None and offset not in names:
            names.insert(self.n_features, offset)
            domains.insert(self.n_features, None)
        roles = (response, offset, fold)
        weights = next((n for n in names[self.n_features :] if n not in roles), None)
        return ModelOutput(
            category=self.category,
            names=tuple(names),
            domains=tuple(domains),
            column_types=tuple("Numeric" if d is None else "Enum" for d in domains),
            response=response,
            weights=weights,
            offset=offset,
            fold=fold,
            threshold=self.ini.number("default_threshold", 0.5),
            prior_class_distrib=self._shares("prior_class_distrib"),
            model_class_distrib=self._shares("model_class_distrib"),
            **self.details.output_parts(self.category, domains[-1] if response else None),
        )

    def _offset(self) -> str | None:
        return self.ini.text("offset_column") if self.ini.has("offset_column") else None

    def _fold(self) -> str | None:
        name = self.ini.text("fold_column", "")
        return name if name in self.ini.columns[self.n_features :] else None

    def _classes(self, domain: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the classes; those of a response of numbers have H2O's names 0 and 1."""
        found = domain if domain is not None else tuple(map(str, range(self.n_classes)))
        if len(found) != self.n_classes or self.n_classes < 2:
            raise MojoError(
                f"The MOJO has {self.n_classes} classes, but {len(found)} names for them."
            )
        return found

    def _shares(self, key: str) -> tuple[float, ...] | None:
        if not self.ini.has(key) or not self.ini.flag("balance_classes"):
            return None
        shares = tuple(self.ini.numbers(key).tolist())
        if len(shares) != self.n_classes:
            raise MojoError(f"model.ini: {key} has {len(shares)} shares of {self.n_classes}.")
        return shares if self.category.is_classifier else None

    def params(self) -> ModelParameters:
        """Return the parameters that the MOJO tells."""
        return self.details.params()

    def doubles(self, name: str) -> NDArray[np.float64]:
        """Return an entry that is a big-endian count and as many doubles."""
        data = self.archive.read(name)
        count = struct.unpack(">i", data[:4])[0] if len(data) >= 4 else -1
        if count < 0 or len(data) != 4 + 8 * count:
            raise MojoError(f"{name} of the MOJO does not hold as many numbers as it says.")
        return np.frombuffer(data, ">f8", offset=4).astype(np.float64)

    def texts(self, name: str, n: int) -> tuple[str, ...]:
        """Return an entry of `n` texts, one a line."""
        lines = self.archive.text(name).split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        if len(lines) != n:
            raise MojoError(f"{name} of the MOJO has {len(lines)} lines, not {n}.")
        return tuple(unescaped(line.removesuffix("\r")) for line in lines)
