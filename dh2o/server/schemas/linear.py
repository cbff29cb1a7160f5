"""Schemas of the tools of linear models."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Schema, takes


@dataclass(kw_only=True)
class GLMRegularizationPathV3(Schema):
    """Every solution of a lambda search."""

    schema_type: ClassVar[str] = "RegularizationPath"

    model: Key | None = takes("Key<Model>", None, "Key of the model.", required=True)
    lambdas: list[Any] | None = takes("double[]")
    alphas: list[Any] | None = takes("double[]")
    explained_deviance_train: list[Any] | None = takes("double[]")
    explained_deviance_valid: list[Any] | None = takes("double[]")
    coefficients: list[Any] | None = takes("double[][]")
    coefficients_std: list[Any] | None = takes("double[][]")
    coefficient_names: list[Any] | None = takes("string[]")
    z_values: list[Any] | None = takes("double[][]")
    p_values: list[Any] | None = takes("double[][]")
    std_errs: list[Any] | None = takes("double[][]")


@dataclass(kw_only=True)
class MakeGLMModelV3(Schema):
    """Request to make a GLM of given coefficients."""

    model: Key | None = takes("Key<Model>", None, "Key of the model.", required=True)
    dest: Key | None = takes("Key<Model>", None, "Key of the result.")
    names: list[Any] | None = takes("string[]", None, "Names of the coefficients.", required=True)
    beta: list[Any] | None = takes("double[]", required=True)
    threshold: float = takes("float", 0.5)


@dataclass(kw_only=True)
class MakeUnrestrictedGLMModelV3(Schema):
    """Request for a GLM in which control variables and the offset count."""

    model: Key | None = takes("Key<Model>", None, "Key of the model.", required=True)
    dest: str | None = takes("string", None, "Key of the result.")


@dataclass(kw_only=True)
class MakeDerivedGLMModelV3(Schema):
    """Request for a GLM in which other columns count in predictions."""

    model: Key | None = takes("Key<Model>", None, "Key of the model.", required=True)
    dest: str | None = takes("string", None, "Key of the result.")
    remove_control_variables_effects: bool = takes("boolean", False)
    remove_offset_effects: bool = takes("boolean", False)
