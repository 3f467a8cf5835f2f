"""From trained weights to the bundle of a path network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import nn

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.inference.bundle_sections import Calibration, DecoderSpec, Metric
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.learning.bundling import Bundler, Tuning
from perception_nodes.learning.data.path_sets import PathPicture, PathSet
from perception_nodes.learning.recipes.path import PathRecipe
from perception_nodes.learning.tasks.path import (
    GAUSSIAN_INSIDE,
    STEERED_M,
    RegressedPath,
    curvature_at,
    point_figures,
    regressed,
    sigma_scale,
    steering_figures,
)
from perception_nodes.path import PathPointsConfig, PathRegressor, path_of_points


@dataclass(frozen=True, eq=False, kw_only=True)
class PathBundler(Bundler):
    """
    Export, calibrate, measure and write a path network.

    :param training: its mean steering is what a predictor says that sees nothing.
    """

    task: ClassVar = 'path'
    output_names: ClassVar = ('path',)
    model_class: ClassVar = PathRegressor

    recipe: PathRecipe
    training: PathSet
    validation: PathSet
    held_out: PathSet | None = None

    def validation_pictures(self) -> list[Path]:
        """Return the pictures of the validation set."""
        return [picture.path for picture in self.validation.pictures]

    def decoder(self) -> DecoderSpec:
        """Return the decoder of points."""
        return DecoderSpec(
            name='path_points', options={'stations_m': list(self.recipe.stations_m)}
        )

    def decide(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return which points are seen, as 0 and 1."""
        return (outputs['path'][..., 3] > 0).astype(np.int64)

    def tune(self, model: nn.Module, draft: FrameModel) -> Tuning:
        """Scale the deviations to the errors on the validation set."""
        results = list(
            self.track(regressed(model, self.recipe, self.validation.pictures), 'Calibrating')
        )
        scale = round(sigma_scale(results), 4)
        clearest = max(results, key=lambda item: _confidence(item, scale))
        return Tuning(
            calibration=Calibration(temperature=scale),
            error=(dishonesty(results, 1.0), dishonesty(results, scale)),
            golden=clearest.picture.path,
        )

    def figures(self, opened: FrameModel) -> tuple[Sequence[Metric], list[float]]:
        """Return the figures and the seconds of the held-out set."""
        if self.held_out is None:
            return (), []
        results, seconds = [], []
        stations_m = np.array(self.recipe.stations_m)
        for picture in self.track(self.held_out.pictures, 'Measuring the held-out set'):
            results.append(looked_at(opened, picture, stations_m))
            seconds.append(opened.times.total_s)
        named = {**point_figures(results), **steering_figures(results, self._mean_curvature())}
        metrics = [
            Metric(name=name, value=round(value, 4), data=self.held_out_words)
            for name, value in named.items()
        ]
        return metrics, seconds

    def _mean_curvature(self) -> float:
        """Return how the training set steers on average."""
        known = [
            curvature_at(picture.points_xy, STEERED_M)
            for picture in self.training.pictures
            if len(picture.arc_m)
        ]
        return float(np.mean(known)) if known else 0.0


def looked_at(network: FrameModel, picture: PathPicture, stations_m: np.ndarray) -> RegressedPath:
    """Return what an opened bundle says about a labelled picture."""
    network(read_picture(picture.path))
    if not isinstance(network, PathRegressor) or network.points is None:
        raise TypeError(f'a path bundle opens as PathRegressor, got {type(network).__name__}')
    truth, seen = picture.at(stations_m)
    return RegressedPath(picture=picture, found=network.points, truth=truth, seen=seen)


def _confidence(item: RegressedPath, scale: float) -> float:
    """Return how sure the path of a picture is with scaled deviations, -1 without one."""
    points = dataclasses.replace(item.found, sigma_m=scale * item.found.sigma_m)
    estimate = path_of_points(points, PathPointsConfig())
    return estimate.confidence if estimate.is_valid else -1.0


def dishonesty(results: Sequence[RegressedPath], scale: float) -> float:
    """Return how far the share of errors within one deviation is from a Gaussian's."""
    inside = [
        np.abs(item.away_m) <= scale * item.found.sigma_m[item.seen][:, None] for item in results
    ]
    share = np.concatenate(inside).mean() if sum(map(len, inside)) else GAUSSIAN_INSIDE
    return float(abs(share - GAUSSIAN_INSIDE))
