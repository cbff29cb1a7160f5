"""The table of all routes. ``/3/Metadata/endpoints`` and docs/rest.md are made from it."""
# ruff: noqa: E501 (one row a line)

from __future__ import annotations

from .handlers import (
    builders,
    cluster,
    databases,
    diagnostics,
    downloads,
    explain,
    frames,
    grids,
    importing,
    interface,
    jobs,
    linear,
    models,
    mojo,
    munging,
    pages,
    scoring,
    sessions,
    trees,
)
from .routing import Route
from .schemas import cluster as c
from .schemas import diagnostics as d
from .schemas import explain as x
from .schemas import frames as f
from .schemas import grids as g
from .schemas import linear as lin
from .schemas import metadata as meta
from .schemas import metrics as mm
from .schemas import models as m
from .schemas import munging as u
from .schemas import parse as p
from .schemas.base import Request

__all__ = ["ROUTES"]

CLUSTER = [
    Route("GET", "/", pages.root_page, None, None, "Page with the state of the cluster."),
    Route("GET", "/3/Cloud", cluster.show_cloud, c.CloudV3, c.CloudV3, "State of the cluster."),
    Route("GET", "/3/Ping", cluster.ping, c.PingV3, c.PingV3, "Sign of life and free memory."),
    Route("POST", "/3/CloudLock", cluster.lock_cloud, c.CloudLockV3, c.CloudLockV3, "Accepted; a Dask cluster may always grow."),
    Route("POST", "/3/UnlockKeys", cluster.unlock, c.UnlockKeysV3, c.UnlockKeysV3, "Break all locks on keys."),
    Route("POST", "/3/GarbageCollect", cluster.collect_garbage, c.GarbageCollectV3, c.GarbageCollectV3, "Free what is no longer used."),
    Route("POST", "/3/Shutdown", cluster.shut_down, c.ShutdownV3, c.ShutdownV3, "Stop the server."),
    Route("GET", "/3/SteamMetrics", cluster.steam, c.SteamMetricsV3, c.SteamMetricsV3, "How long the server has been idle."),
    Route("GET", "/3/Jobs", jobs.list_jobs, c.JobsV3, c.JobsV3, "All jobs."),
    Route("GET", "/3/Jobs/{job_id}", jobs.show_job, c.JobsV3, c.JobsV3, "One job."),
    Route("POST", "/3/Jobs/{job_id}/cancel", jobs.cancel_job, c.JobsV3, c.JobsV3, "Ask a job to stop."),
]  # fmt: skip

INTERFACE = [
    Route("GET", "/3/Metadata/endpoints", interface.list_endpoints, meta.MetadataV3, meta.MetadataV3, "All routes."),
    Route("GET", "/3/Metadata/endpoints/{path}", interface.show_endpoint, meta.MetadataV3, meta.MetadataV3, "One route, by number or path."),
    Route("GET", "/3/Metadata/schemas", interface.list_schemas, meta.MetadataV3, meta.MetadataV3, "All schemas."),
    Route("GET", "/3/Metadata/schemas/{schemaname}", interface.show_schema, meta.MetadataV3, meta.MetadataV3, "One schema."),
    Route("GET", "/3/Metadata/schemaclasses/{classname}", interface.show_schema, meta.MetadataV3, meta.MetadataV3, "One schema, by its class."),
    Route("GET", "/3/About", interface.about, c.AboutV3, c.AboutV3, "Properties of the build."),
    Route("GET", "/3/Capabilities", interface.capabilities, c.CapabilitiesV3, c.CapabilitiesV3, "Extensions."),
    Route("GET", "/3/Capabilities/Core", interface.capabilities, c.CapabilitiesV3, c.CapabilitiesV3, "Extensions of the core."),
    Route("GET", "/3/Capabilities/API", interface.capabilities, c.CapabilitiesV3, c.CapabilitiesV3, "Extensions of the interface."),
]  # fmt: skip

SESSIONS = [
    Route("POST", "/4/sessions", sessions.open_session, Request, c.SessionIdV4, "Open a session."),
    Route("DELETE", "/4/sessions/{session_key}", sessions.close_session, c.InitIDV3, c.InitIDV3, "Close a session."),
    Route("GET", "/3/InitID", sessions.start_session, c.InitIDV3, c.InitIDV3, "Open a session for R."),
    Route("DELETE", "/3/InitID", sessions.end_session, c.InitIDV3, c.InitIDV3, "Close a session of R."),
    Route("GET", "/3/SessionProperties", sessions.session_property, c.SessionPropertyV3, c.SessionPropertyV3, "A property of a session."),
    Route("POST", "/3/SessionProperties", sessions.session_property, c.SessionPropertyV3, c.SessionPropertyV3, "Set a property of a session."),
    Route("POST", "/99/Rapids", sessions.evaluate, u.RapidsSchemaV3, u.RapidsSchemaV3, "Run a Rapids expression."),
]  # fmt: skip

IMPORTING = [
    Route("GET", "/3/ImportFiles", importing.import_files, p.ImportFilesV3, p.ImportFilesV3, "Files under a path."),
    Route("POST", "/3/ImportFiles", importing.import_files, p.ImportFilesV3, p.ImportFilesV3, "Files under a path."),
    Route("POST", "/3/ImportFilesMulti", importing.import_many, p.ImportFilesMultiV3, p.ImportFilesMultiV3, "Files under several paths."),
    Route("GET", "/3/Typeahead/files", importing.complete_path, p.TypeaheadV3, p.TypeaheadV3, "Paths that begin with a text."),
    Route("POST", "/3/PostFile", importing.upload, None, None, "Upload a file."),
    Route("POST", "/3/PostFile.bin", importing.upload, None, None, "Upload a file."),
    Route("POST", "/3/PutKey", importing.put_key, None, None, "Upload a file under a key."),
    Route("PUT", "/3/PutKey", importing.put_key, None, None, "Upload a file under a key."),
    Route("POST", "/3/ParseSetup", importing.guess, p.ParseSetupV3, p.ParseSetupV3, "Guess how files are to be parsed."),
    Route("POST", "/3/Parse", importing.parse, p.ParseV3, p.ParseV3, "Parse files."),
    Route("POST", "/99/ImportSQLTable", databases.import_sql, p.ImportSQLTableV99, c.JobV3, "Read a table or a query of a database."),
    Route("POST", "/3/ParseSVMLight", importing.parse_svmlight, p.ParseSVMLightV3, c.JobV3, "Parse SVMLight files."),
]  # fmt: skip

FRAMES = [
    Route("GET", "/3/Frames", frames.list_frames, f.FramesListV3, f.FramesListV3, "All frames."),
    Route("DELETE", "/3/Frames", frames.delete_frames, f.FramesV3, f.FramesV3, "Delete all frames."),
    Route("GET", "/3/Frames/{frame_id}", frames.show_frame, f.FramesV3, f.FramesV3, "One frame with a window of its rows."),
    Route("DELETE", "/3/Frames/{frame_id}", frames.delete_frame, f.FramesV3, f.FramesV3, "Delete a frame."),
    Route("GET", "/3/Frames/{frame_id}/light", frames.show_light, f.FramesV3, f.FramesV3, "One frame without its blocks."),
    Route("GET", "/3/Frames/{frame_id}/summary", frames.show_summary, f.FramesV3, f.FramesV3, "One frame with histograms."),
    Route("GET", "/3/Frames/{frame_id}/columns", frames.show_columns, f.FramesV3, f.FramesV3, "Columns of a frame."),
    Route("GET", "/3/Frames/{frame_id}/columns/{column}", frames.show_column, f.FramesV3, f.FramesV3, "One column."),
    Route("GET", "/3/Frames/{frame_id}/columns/{column}/summary", frames.show_column_summary, f.FramesV3, f.FramesV3, "One column with its histogram."),
    Route("GET", "/3/Frames/{frame_id}/columns/{column}/domain", frames.show_domain, f.FramesV3, f.FramesV3, "Levels of a column."),
    Route("GET", "/3/FrameChunks/{frame_id}", frames.show_chunks, f.FrameChunksV3, f.FrameChunksV3, "Blocks of a frame."),
    Route("POST", "/3/Frames/{frame_id}/export", downloads.export, f.FramesV3, f.FramesV3, "Write a frame to a file of the server."),
    Route("GET", "/3/Frames/{frame_id}/export/{path}/overwrite/{force}", downloads.export_old, f.FramesV3, f.FramesV3, "Write a frame to a file of the server."),
    Route("GET", "/3/DownloadDataset", downloads.download, None, None, "A frame as CSV."),
    Route("GET", "/3/DownloadDataset.bin", downloads.download, None, None, "A frame as CSV."),
    Route("DELETE", "/3/DKV", frames.remove_all_keys, f.RemoveAllV3, f.RemoveAllV3, "Remove all keys but some."),
    Route("DELETE", "/3/DKV/{key}", frames.remove_key, f.RemoveV3, f.RemoveV3, "Remove a key."),
    Route("POST", "/99/Assembly", munging.assemble, u.AssemblyV99, u.AssemblyV99, "Run the steps of an assembly on a frame."),
    Route("POST", "/3/Frames/load", frames.load, f.FrameLoadV3, f.FrameLoadV3, "Read a frame from a file of the server."),
    Route("POST", "/3/Frames/{frame_id}/save", frames.save, f.FrameSaveV3, f.FrameSaveV3, "Write a frame to a file of the server, in dh2o's own format."),
    Route("POST", "/3/CreateFrame", munging.make_frame, u.CreateFrameV3, c.JobV3, "Make a frame of random values."),
    Route("POST", "/3/SplitFrame", munging.split, u.SplitFrameV3, u.SplitFrameV3, "Split a frame by ratios."),
    Route("POST", "/3/Interaction", munging.cross, u.InteractionV3, c.JobV3, "Cross categorical columns."),
    Route("POST", "/3/MissingInserter", munging.insert_na, u.MissingInserterV3, c.JobV3, "Put NA into a frame."),
]  # fmt: skip

MODELS = [
    Route("GET", "/3/ModelBuilders", builders.list_builders, m.ModelBuildersV3, m.ModelBuildersV3, "All algorithms."),
    Route("GET", "/3/ModelBuilders/{algo}", builders.show_builder, m.ModelBuildersV3, m.ModelBuildersV3, "One algorithm."),
    Route("POST", "/3/ModelBuilders/{algo}", builders.train, None, m.ModelBuilderSchema, "Train a model."),
    Route("POST", "/3/ModelBuilders/{algo}/parameters", builders.check_parameters, None, m.ModelBuilderSchema, "Check parameters without training."),
    Route("POST", "/3/ModelBuilders/{algo}/model_id", builders.fresh_model_id, m.ModelBuildersV3, m.ModelIdV3, "A fresh key for a model."),
    Route("GET", "/3/Models", models.list_models, m.ModelsV3, m.ModelsV3, "All models."),
    Route("DELETE", "/3/Models", models.delete_models, m.ModelsV3, m.ModelsV3, "Delete all models."),
    Route("GET", "/3/Models/{model_id}", models.show_model, m.ModelsV3, m.ModelsV3, "One model."),
    Route("DELETE", "/3/Models/{model_id}", models.delete_model, m.ModelsV3, m.ModelsV3, "Delete a model."),
    Route("GET", "/3/Models.fetch.bin/{model_id}", models.fetch_model, m.ModelsV3, None, "A model as a file."),
    Route("GET", "/99/Models.bin/{model_id}", models.export_model, m.ModelExportV3, m.ModelExportV3, "Write a model to a file of the server."),
    Route("POST", "/99/Models.bin", models.import_model, m.ModelImportV3, m.ModelsV3, "Read a model from a file of the server."),
    Route("POST", "/99/Models.bin/{model_id}", models.import_model, m.ModelImportV3, m.ModelsV3, "Read a model from a file of the server."),
    Route("POST", "/99/Models.upload.bin", models.upload_model, m.ModelImportV3, m.ModelsV3, "Read a model from an upload."),
    Route("POST", "/99/Models.upload.bin/{model_id}", models.upload_model, m.ModelImportV3, m.ModelsV3, "Read a model from an upload."),
    Route("GET", "/99/Models/{model_id}/json", models.export_details, m.ModelExportV3, m.ModelExportV3, "Write what is known of a model to a file of the server."),
    Route("POST", "/99/Grid/{algo}", grids.search, None, m.ModelBuilderSchema, "Build the models of a grid."),
    Route("POST", "/99/Grid/{algo}/resume", grids.resume, None, m.ModelBuilderSchema, "Go on with a grid."),
    Route("POST", "/3/Grid.bin/import", grids.import_grid, g.GridImportV3, g.GridIdV3, "Read a grid and its models from files of the server."),
    Route("POST", "/3/Grid.bin/{grid_id}/export", grids.export_grid, g.GridExportV3, g.GridIdV3, "Write a grid and its models to files of the server."),
    Route("POST", "/3/SegmentModelsBuilders/{algo}", builders.train_segments, None, c.JobV3, "Train a model for each segment."),
    Route("GET", "/99/Grids", grids.list_grids, g.GridsV99, g.GridsV99, "All grids."),
    Route("GET", "/99/Grids/{grid_id}", grids.show_grid, g.GridSchemaV99, g.GridSchemaV99, "One grid, best model first."),
    Route("GET", "/3/GetGLMRegPath", linear.show_path, lin.GLMRegularizationPathV3, lin.GLMRegularizationPathV3, "Solutions of a lambda search."),
    Route("POST", "/3/MakeGLMModel", linear.make_model, lin.MakeGLMModelV3, m.ModelSchemaBaseV3, "A linear model of given coefficients."),
    Route("POST", "/3/MakeUnrestrictedGLMModel", linear.make_unrestricted, lin.MakeUnrestrictedGLMModelV3, m.ModelSchemaBaseV3, "A linear model with all effects in its predictions."),
    Route("POST", "/3/MakeDerivedGLMModel", linear.make_derived, lin.MakeDerivedGLMModelV3, m.ModelSchemaBaseV3, "A linear model with other effects in its predictions."),
    Route("GET", "/3/Models/{model_id}/mojo", mojo.download_mojo, m.ModelsV3, None, "A model as MOJO."),
    Route("GET", "/99/Models.mojo/{model_id}", mojo.save_mojo_file, m.ModelExportV3, m.ModelExportV3, "Write a model as MOJO to a file of the server."),
    Route("GET", "/3/Models.java/{model_id}", mojo.refuse_pojo, m.ModelsV3, None, "Not served: models are not written as Java code."),
    Route("GET", "/3/Models.java/{model_id}/preview", mojo.refuse_pojo, m.ModelsV3, None, "Not served: models are not written as Java code."),
    Route("GET", "/3/h2o-genmodel.jar", mojo.genmodel_jar, None, None, "The jar that the server was given."),
]  # fmt: skip

SCORING = [
    Route("POST", "/3/Predictions/models/{model}/frames/{frame}", scoring.predict, mm.ModelMetricsListSchemaV3, mm.ModelMetricsListSchemaV3, "Score a frame now."),
    Route("POST", "/4/Predictions/models/{model}/frames/{frame}", scoring.start_predict, mm.ModelMetricsListSchemaV3, c.JobV3, "Score a frame in a job."),
    Route("POST", "/3/ModelMetrics/models/{model}/frames/{frame}", scoring.score, mm.ModelMetricsListSchemaV3, mm.ModelMetricsListSchemaV3, "Metrics of a model on a frame."),
    Route("POST", "/3/ModelMetrics/predictions_frame/{predictions_frame}/actuals_frame/{actuals_frame}", scoring.make_metrics, mm.ModelMetricsMakerSchemaV3, mm.ModelMetricsMakerSchemaV3, "Metrics of predictions and responses."),
    Route("GET", "/3/ModelMetrics", scoring.list_metrics, mm.ModelMetricsListSchemaV3, mm.ModelMetricsListSchemaV3, "Metrics that models keep."),
    Route("GET", "/3/ModelMetrics/models/{model}", scoring.list_metrics, mm.ModelMetricsListSchemaV3, mm.ModelMetricsListSchemaV3, "Metrics that a model keeps."),
    Route("GET", "/3/ModelMetrics/frames/{frame}", scoring.list_metrics, mm.ModelMetricsListSchemaV3, mm.ModelMetricsListSchemaV3, "Metrics on a frame."),
    Route("GET", "/3/ModelMetrics/models/{model}/frames/{frame}", scoring.list_metrics, mm.ModelMetricsListSchemaV3, mm.ModelMetricsListSchemaV3, "Metrics of a model on a frame that it keeps."),
    Route("GET", "/3/ModelMetrics/frames/{frame}/models/{model}", scoring.list_metrics, mm.ModelMetricsListSchemaV3, mm.ModelMetricsListSchemaV3, "Metrics of a model on a frame that it keeps."),
]  # fmt: skip

EXPLAIN = [
    Route("GET", "/3/Tree", trees.show_tree, x.TreeV3, x.TreeV3, "One tree of a model."),
    Route("POST", "/3/PartialDependence/", explain.start_partial, m.PartialDependenceV3, c.JobV3, "Start to compute partial dependence."),
    Route("GET", "/3/PartialDependence/{name}", explain.show_partial, None, m.PartialDependenceV3, "Tables of partial dependence."),
    Route("POST", "/3/FeatureInteraction", explain.show_interactions, x.FeatureInteractionV3, x.FeatureInteractionV3, "Features that are split one after the other."),
    Route("POST", "/3/FriedmansPopescusH", explain.show_h, x.FriedmanPopescusHV3, x.FriedmanPopescusHV3, "How strongly columns interact."),
]  # fmt: skip

DIAGNOSTICS = [
    Route("GET", "/3/LogAndEcho", diagnostics.echo, d.LogAndEchoV3, d.LogAndEchoV3, "Write a message to the log."),
    Route("POST", "/3/LogAndEcho", diagnostics.echo, d.LogAndEchoV3, d.LogAndEchoV3, "Write a message to the log."),
    Route("GET", "/3/Logs/nodes/{nodeidx}/files/{name}", diagnostics.show_log, d.LogsV3, d.LogsV3, "The log from a level on."),
    Route("GET", "/3/Logs/download", diagnostics.download_logs, None, None, "The log in a zip."),
    Route("GET", "/3/Logs/download/{container}", diagnostics.download_logs, None, None, "The log, in a zip or as text."),
    Route("GET", "/3/Timeline", diagnostics.timeline, d.TimelineV3, d.TimelineV3, "Time of the server."),
    Route("GET", "/3/JStack", diagnostics.stacks, d.JStackV3, d.JStackV3, "Stacks of all threads."),
    Route("GET", "/3/Profiler", diagnostics.profile, d.ProfilerV3, d.ProfilerV3, "Stacks by number of threads."),
    Route("GET", "/3/KillMinus3", diagnostics.log_stacks, d.KillMinus3V3, d.KillMinus3V3, "Write all stacks to the log."),
    Route("GET", "/3/NetworkTest", diagnostics.network, d.NetworkTestV3, d.NetworkTestV3, "Round trip to the scheduler."),
    Route("GET", "/3/WaterMeterCpuTicks/{nodeidx}", diagnostics.cpu_ticks, d.WaterMeterCpuTicksV3, d.WaterMeterCpuTicksV3, "Ticks of the processors."),
    Route("GET", "/3/WaterMeterIo", diagnostics.io_counts, d.WaterMeterIoV3, d.WaterMeterIoV3, "Reads and writes."),
]  # fmt: skip

ROUTES: list[Route] = [
    *CLUSTER,
    *INTERFACE,
    *SESSIONS,
    *IMPORTING,
    *FRAMES,
    *MODELS,
    *SCORING,
    *EXPLAIN,
    *DIAGNOSTICS,
]
