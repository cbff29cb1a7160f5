"""`H2OContext`: dh2o inside a Dask cluster that also does other work.

Its names are those of Sparkling Water's context, with Dask's collections in place of Spark's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from dh2o.errors import ParameterError
from dh2o.mrtask import dask_client, init
from dh2o.rapids import H2OFrame

if TYPE_CHECKING:
    from dh2o.mrtask import Engine
    from dh2o.server import Server

__all__ = ["H2OContext"]


class H2OContext:
    """dh2o on the workers of a Dask client; frames share the workers with everything else there.

    Parameters
    ----------
    client
        A ``distributed.Client`` or a scheduler's address. None takes the client that is current in
        this process, else starts workers here as `dh2o.init` does.
    **options
        Those of `dh2o.init`.

    Examples
    --------
    >>> context = H2OContext.getOrCreate(client)  # doctest: +SKIP
    >>> frame = context.asH2OFrame(ddf, "flights")  # doctest: +SKIP
    >>> predictions = context.asDaskDataFrame(model.predict(frame))  # doctest: +SKIP
    """

    _present: ClassVar[H2OContext | None] = None

    def __init__(self, client: Any = None, **options: Any) -> None:
        self.engine: Engine = init(dask_client() if client is None else client, **options)
        self._server: Server | None = None
        H2OContext._present = self

    @classmethod
    def getOrCreate(cls, client: Any = None, **options: Any) -> H2OContext:  # noqa: N802
        """Return the context of this process if it is of that client (or None is given), or one.

        Parameters
        ----------
        client : distributed.Client or str, optional
            The client, or a scheduler's address.
        **options
            Those of `dh2o.init`, for a new context.
        """
        present = cls._present
        if present is not None and not present.engine.closed:
            own = present.engine.client
            if client is None or client is own or client == own.scheduler.address:
                return present
        return cls(client, **options)

    @property
    def client(self) -> Any:
        """The ``distributed.Client`` that the context works through."""
        return self.engine.client

    # ---- data in

    def asH2OFrame(  # noqa: N802
        self,
        data: Any,
        h2oFrameName: str | None = None,
        names: Sequence[str] | None = None,
    ) -> H2OFrame:
        """Return a frame of a Dask collection, made partition by partition where these are made.

        Parameters
        ----------
        data
            Dask DataFrame, Series, Array, Bag, Delayed, Future or a list of the last two; or a
            table of this process: pandas, Polars, Arrow, NumPy, Python. Text columns become
            enums or strings by H2O's rule.
        h2oFrameName
            Key under which every client of the cluster finds the frame; default: a new one.
        names
            Names of the columns; default: the data's own.

        Raises
        ------
        FrameError
            Partitions differ in their columns, or a column has a type that no frame holds.
        """
        self._check_open()
        return H2OFrame(
            data,
            destination_frame=h2oFrameName,
            column_names=None if names is None else list(names),
        )

    def getFrame(self, key: str) -> H2OFrame:  # noqa: N802
        """Return the frame that some client of the cluster stored under `key`.

        Parameters
        ----------
        key : str
            The key.

        Raises
        ------
        KeyNotFoundError
            There is none; the message names some that there are.
        """
        self._check_open()
        return H2OFrame.get_frame(key)

    # ---- data out

    def asDaskDataFrame(self, frame: Any) -> Any:  # noqa: N802
        """Return a lazy Dask DataFrame, one partition a block, row numbers as its index.

        Parameters
        ----------
        frame : H2OFrame or Frame
            What is handed over; its blocks are read where they lie when the result is computed.
        """
        self._check_open()
        return frame.to_dask()

    def asDaskArray(self, frame: Any) -> Any:  # noqa: N802
        """Return a lazy Dask Array of float64 with known chunks; enums by code, NA as NaN.

        Parameters
        ----------
        frame : H2OFrame or Frame
            What is handed over: columns of numbers, enums or times.
        """
        self._check_open()
        return frame.to_dask_array()

    def asDaskBag(self, frame: Any) -> Any:  # noqa: N802
        """Return a lazy Dask Bag of one dict a row.

        Parameters
        ----------
        frame : H2OFrame or Frame
            What is handed over; NA are None.
        """
        self._check_open()
        return frame.to_dask_bag()

    def asDelayed(self, frame: Any) -> list[Any]:  # noqa: N802
        """Return one Delayed a block, each giving a pandas DataFrame.

        Parameters
        ----------
        frame : H2OFrame or Frame
            What is handed over.
        """
        self._check_open()
        return list(frame.to_delayed())

    # ---- the cluster

    def getH2ONodes(self) -> list[dict[str, Any]]:  # noqa: N802
        """Return address, threads, memory and memory limit (bytes) of every worker."""
        self._check_open()
        return self.engine.worker_facts()

    def serve(self, port: int = 0, **options: Any) -> str:
        """Return the URL of H2O's REST interface on this cluster, for R, Flow and the h2o client.

        It is served by this process until `stop`; a second call gives the same URL.

        Parameters
        ----------
        port : int
            The port; 0 takes a free one.
        **options
            Those of `dh2o.server.ServerOptions`. By default it listens on loopback without a
            password.
        """
        from dh2o.server import Server, ServerOptions

        self._check_open()
        if self._server is None:
            options = {"no_auth": not {"password", "token"} & options.keys(), **options}
            self._server = Server(self.engine, ServerOptions(port=port, **options)).start()
        return self._server.url

    def stop(self, stopDaskCluster: bool = False) -> None:
        """Leave the cluster: frames that are stored stay there, other work goes on.

        Parameters
        ----------
        stopDaskCluster : bool
            End the scheduler and its workers too. Those that this context started end in any case.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
        if self.engine.closed:
            return
        client = self.engine.client
        if stopDaskCluster and not self.engine.owns_cluster:
            client.shutdown()
        self.engine.close()
        if H2OContext._present is self:
            H2OContext._present = None

    def __enter__(self) -> H2OContext:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        if self.engine.closed:
            return "<H2OContext: stopped>"
        facts = self.engine.worker_facts()
        threads = sum(f["n_threads"] for f in facts)
        where = self.client.scheduler.address
        served = f", REST at {self._server.url}" if self._server else ""
        return f"<H2OContext on {where}: {len(facts)} workers, {threads} threads{served}>"

    def _repr_html_(self) -> str:
        return self.engine._repr_html_()

    def _check_open(self) -> None:
        if self.engine.closed:
            raise ParameterError("This H2OContext was stopped. Make another: H2OContext(client).")


def __dir__() -> list[str]:
    return __all__
