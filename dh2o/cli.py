"""The ``dh2o`` command: server, demo, and training and scoring of files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.errors import DH2OError, ParameterError
from dh2o.version import __version__

if TYPE_CHECKING:
    from dh2o.mrtask import Engine


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return the exit status."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options) or 0)
    except DH2OError as error:
        print(f"dh2o: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dh2o: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dh2o", description="H2O-3 rebuilt for Dask: frames, models, REST server"
    )
    parser.add_argument("--version", action="version", version=f"dh2o {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_server(commands)
    _add_demo(commands)
    _add_train(commands)
    _add_predict(commands)
    return parser


def _add_cluster_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("cluster")
    where = group.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="use the Dask cluster at ADDRESS")
    where.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="start N worker processes (default 0: one worker inside this process)",
    )
    group.add_argument(
        "--threads-per-worker",
        type=int,
        metavar="T",
        help="threads of each worker (default: cores)",
    )


@contextmanager
def _engine(options: argparse.Namespace, **more: Any) -> Iterator[Engine]:
    """Make an engine of this command's own, current until the command ends."""
    from dh2o.mrtask import use_engine
    from dh2o.mrtask.start import join_cluster, start_cluster

    if options.workers < 0:
        raise ParameterError(f"--workers is {options.workers}; it must be 0 or more.")
    if options.workers:
        more |= {"n_workers": options.workers, "processes": True}
    if options.threads_per_worker:
        more["threads_per_worker"] = options.threads_per_worker
    engine = join_cluster(options.scheduler) if options.scheduler else start_cluster(**more)
    with engine, use_engine(engine):
        yield engine


# -------------------------------------------------------------------------------------- server


def _add_server(commands: Any) -> None:
    parser = commands.add_parser(
        "server",
        help="answer H2O's REST interface (official clients: h2o for Python)",
        description="Answer H2O's REST interface. By default on loopback, with a password made for "
        "this run; the line to paste into Python is printed.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=54321, help="0: any free one (default 54321)")
    _add_cluster_options(parser)
    parser.add_argument(
        "--dashboard",
        metavar="ADDRESS",
        help="show Dask's dashboard of workers started here, e.g. at 127.0.0.1:8787 (default: "
        "none; needs dh2o[dashboard])",
    )
    access = parser.add_argument_group("access")
    access.add_argument("--no-auth", action="store_true", help="no password (loopback only)")
    access.add_argument("--user", default="dh2o", help="user name of the password (default dh2o)")
    access.add_argument(
        "--password-file", type=Path, metavar="PATH", help="read the password from PATH"
    )
    access.add_argument(
        "--import-root",
        action="append",
        metavar="FOLDER",
        help="import files only from below FOLDER (may be given several times)",
    )
    parser.add_argument(
        "--client-version",
        metavar="VERSION",
        help="version of H2O that clients are told, e.g. 3.46.0.11 (default: 3.46.0.12); a client "
        "talks only to a server of its own version",
    )
    parser.add_argument(
        "--genmodel-jar",
        type=Path,
        metavar="PATH",
        help="file that clients get when they ask for h2o-genmodel.jar (default: none)",
    )
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="PATH",
        help="write the URL to PATH once requests are answered",
    )
    parser.set_defaults(run=_run_server)


def _run_server(options: argparse.Namespace) -> None:
    from dh2o.server import ServerOptions, serve

    password = options.password_file.read_text().strip() if options.password_file else None
    serve(
        ServerOptions(
            host=options.host,
            port=options.port,
            scheduler=options.scheduler,
            n_workers=options.workers,
            threads_per_worker=options.threads_per_worker,
            dashboard=options.dashboard,
            no_auth=options.no_auth,
            user=options.user,
            password=password,
            ready_file=options.ready_file,
            import_roots=tuple(options.import_root) if options.import_root else None,
            genmodel_jar=options.genmodel_jar,
            **({"client_version": options.client_version} if options.client_version else {}),
        )
    )


# ---------------------------------------------------------------------------------------- demo


def _add_demo(commands: Any) -> None:
    parser = commands.add_parser(
        "demo", help="the main job on 336,776 real flights: parse, look, clean, train, judge, score"
    )
    _add_cluster_options(parser)
    parser.set_defaults(run=_run_demo)


def _run_demo(options: argparse.Namespace) -> None:
    from dh2o.demo import run

    with _engine(options, dashboard_address="127.0.0.1:0") as engine:
        run(engine, sys.stdout)


# ----------------------------------------------------------------------------- train, predict


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a model on files and save it",
        description="Train a model on files, print it, and save it to a file.",
    )
    parser.add_argument("algorithm", help="gbm or glm")
    parser.add_argument("data", nargs="+", help="training files (CSV, plain or compressed; globs)")
    parser.add_argument("-y", "--response", required=True, metavar="COLUMN")
    parser.add_argument("-x", "--predictors", metavar="A,B,…", help="default: all other columns")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where to save the model")
    parser.add_argument("--validation", metavar="FILE", help="validation file")
    parser.add_argument(
        "--classify", action="store_true", help="take a numeric response as classes"
    )
    parser.add_argument(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the algorithm, e.g. -p ntrees=100 (may be given several times)",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing output file")
    _add_cluster_options(parser)
    parser.set_defaults(run=_run_train)


def _pairs(texts: Sequence[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` texts as a dict; values are JSON where they can be, else text."""
    pairs: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ParameterError(f"--param {text!r} is not of the form NAME=VALUE.")
        try:
            pairs[name] = json.loads(value)
        except json.JSONDecodeError:
            pairs[name] = value
    return pairs


def _run_train(options: argparse.Namespace) -> None:
    from dh2o import api
    from dh2o.estimators import builder_of, estimator_class

    if options.output.exists() and not options.force:
        raise ParameterError(f"{options.output} exists. Give --force to replace it.")
    table = builder_of(options.algorithm).params
    given = {}
    for name, value in _pairs(options.param).items():
        param = table.find(name)
        if param is None:
            known = ", ".join(table)
            raise ParameterError(f"{options.algorithm} has no parameter {name!r}. It has: {known}.")
        given[param.python_name] = value
    estimator = estimator_class(options.algorithm)(**given)
    with _engine(options):
        train = api.import_file(options.data)
        valid = api.import_file(options.validation) if options.validation else None
        for frame in (train, valid):
            if options.classify and frame is not None:
                frame[options.response] = frame[options.response].asfactor()
        names = options.predictors.split(",") if options.predictors else None
        estimator.train(x=names, y=options.response, training_frame=train, validation_frame=valid)
        print(estimator)
        saved = api.save_model(estimator, options.output, force=options.force)
    print(f"Model saved to {saved}")


def _add_predict(commands: Any) -> None:
    parser = commands.add_parser(
        "predict",
        help="score files with a saved model",
        description="Score files with a saved model and write the predictions as CSV.",
    )
    parser.add_argument("model", type=Path, help="a model that `dh2o train` or save_model wrote")
    parser.add_argument("data", nargs="+", help="files to score")
    parser.add_argument("-o", "--output", type=Path, help="CSV file (default: standard output)")
    parser.add_argument("--force", action="store_true", help="replace an existing output file")
    _add_cluster_options(parser)
    parser.set_defaults(run=_run_predict)


def _run_predict(options: argparse.Namespace) -> None:
    from dh2o import api
    from dh2o.estimators import predict_frame

    if options.output and options.output.exists() and not options.force:
        raise ParameterError(f"{options.output} exists. Give --force to replace it.")
    with _engine(options):
        model = api.load_model(options.model)
        frame = api.import_file(options.data)
        predictions = predict_frame(model.model, frame.frame)
        if options.output:
            api.export_file(predictions, options.output, force=options.force)
        else:
            for part in predictions.to_csv_stream():
                sys.stdout.write(part.decode())


if __name__ == "__main__":
    sys.exit(main())
