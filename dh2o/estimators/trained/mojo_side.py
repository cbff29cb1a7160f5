"""What an estimator does with MOJO files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dh2o.errors import ModelError

if TYPE_CHECKING:
    from dh2o.models import Model

__all__ = ["MojoSide"]


class MojoSide:
    """Writing a trained model as H2O's MOJO, under H2O's names."""

    if TYPE_CHECKING:

        @property
        def model(self) -> Model:
            """The trained model."""

    @property
    def have_mojo(self) -> bool:
        """Whether the model can be written as MOJO."""
        from dh2o.models.mojo import have_mojo

        return have_mojo(self.model)

    @property
    def have_pojo(self) -> bool:
        """Always false: dh2o writes no Java code."""
        return False

    def download_mojo(
        self,
        path: str | Path = ".",
        get_genmodel_jar: bool = False,
        genmodel_name: str = "",  # noqa: ARG002  # H2O's signature
    ) -> str:
        """Write the MOJO to the file `path`, or into the folder `path`, and return the file's path.

        Parameters
        ----------
        path : str or Path
            A file, or a folder that is there.
        get_genmodel_jar : bool
            Must stay False: dh2o has no jar.
        genmodel_name : str
            For H2O's signature, not looked at.

        Raises
        ------
        ModelError
            Such models have no MOJO, or H2O's jar was asked for, which dh2o does not have.
        """
        from dh2o.models.mojo import save_mojo

        if get_genmodel_jar:
            raise ModelError(
                "get_genmodel_jar: dh2o does not ship h2o-genmodel.jar. Take it from the package "
                "h2o of PyPI, or score the MOJO without Java: dh2o.scorer."
            )
        return str(save_mojo(self.model, path).resolve())

    def save_mojo(self, path: str | Path = "", force: bool = False, filename: str = "") -> str:
        """Write the MOJO into the folder `path` and return the file's path.

        Parameters
        ----------
        path
            A folder; the current one by default.
        force
            Whether a file that is there is replaced.
        filename
            Name of the file; the model's key and ``.zip`` by default.
        """
        from dh2o.models.mojo import mojo_file_name, save_mojo

        folder = Path(path or ".").expanduser()
        name = filename or mojo_file_name(self.model)
        return str(save_mojo(self.model, folder / name, force=force).resolve())

    def download_pojo(self, *args: object, **kwargs: object) -> NoReturn:  # noqa: ARG002
        """Raise `ModelError`: dh2o writes no Java code.

        Parameters
        ----------
        *args, **kwargs
            H2O's, not looked at.
        """
        raise ModelError("dh2o writes no POJO. download_mojo gives a file for the same purpose.")
