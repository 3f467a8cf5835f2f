"""Learning where the path runs: points in metres with deviations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.inference.decoders import build_decoder
from perception_nodes.inference.decoders.path_points import PathPointsDecoder
from perception_nodes.learning.beginning import begun
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.data.batches import normalised, preprocessor_of, training_batches
from perception_nodes.learning.data.path_sets import PathPicture, PathSet
from perception_nodes.learning.data.paths import PathBatch, PathDataset, stack_paths
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.models.path import LAST_LAYERS, PathNet
from perception_nodes.learning.path_losses import path_loss
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.recipes.path import PathRecipe
from perception_nodes.structures import PathPoints

CLOSE_M = 0.1
"""Points so far off count e⁻¹."""
GAUSSIAN_INSIDE = 0.6827
"""Share of a Gaussian within one deviation."""
SMALLEST_SCALE = 0.01
STEERED_M = 1.0
"""Where on the path the arc leads that tells the steering."""


class PathTask:
    """
    A :class:`~perception_nodes.learning.task.Task` for paths.

    :param recipe: everything that is set.
    :param training: to learn from.
    :param validation: chooses the best epoch.
    :param start: ONNX file of a path network of the same recipe to go on from; None: the trunk's
        ImageNet features, or nothing.
    :param trunk: ONNX file of another network whose trunk is taken over.
    :raises ValueError: when a start is needed.
    """

    metric = 'closeness'

    def __init__(
        self,
        recipe: PathRecipe,
        training: PathSet,
        validation: PathSet,
        start: Path | None = None,
        trunk: Path | None = None,
    ) -> None:
        recipe.pruning.check_start(start)
        self.recipe = recipe
        self.start = start
        self.trunk = trunk
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.dataset = PathDataset(training.pictures, recipe)
        self.validation = spread_over(validation.pictures, recipe.schedule.validation_images)

    def build_model(self) -> nn.Module:
        """Return the network of the recipe, with the function it starts from."""
        return begun(self, PathNet, size_wh=self.recipe.input_wh, fixed=LAST_LAYERS)

    def batches(self, epoch: int, ranks: Ranks | None = None) -> DataLoader:
        """Return this process's share of the epoch's batches, or its share among other ranks."""
        return training_batches(
            self.dataset,
            self.schedule,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
            collate=stack_paths,
            ranks=ranks,
        )

    def loss(self, model: nn.Module, batch: PathBatch) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch."""
        outputs = model(normalised(batch.images, self.recipe))
        return path_loss(outputs, batch.points, batch.seen, self.recipe.loss)

    def parts(self, batch: PathBatch, count: int) -> list[PathBatch]:
        """Return the batch cut into parts."""
        size = -(-len(batch.images) // count)
        return [
            PathBatch(images=images, points=points, seen=seen)
            for images, points, seen in zip(
                batch.images.split(size),
                batch.points.split(size),
                batch.seen.split(size),
                strict=True,
            )
        ]

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return how close the points are, and whether their deviations are honest."""
        return point_figures(list(regressed(model, self.recipe, self.validation)))


@dataclass(frozen=True, eq=False, kw_only=True)
class RegressedPath:
    """
    What the network says about a labelled picture.

    :param truth: (K, 2) float32 metres.
    :param seen: (K,) bool.
    """

    picture: PathPicture
    found: PathPoints
    truth: np.ndarray
    seen: np.ndarray

    @property
    def away_m(self) -> np.ndarray:
        """(S, 2) errors of the points that are seen."""
        return (self.found.points_xy - self.truth)[self.seen]


def decoder_of(recipe: PathRecipe) -> PathPointsDecoder:
    """Return the decoder that the bundle prescribes."""
    options = {'stations_m': list(recipe.stations_m)}
    return build_decoder('path_points', options, class_count=len(recipe.classes))


@torch.inference_mode()
def regressed(
    model: nn.Module, recipe: PathRecipe, pictures: Sequence[PathPicture]
) -> Iterator[RegressedPath]:
    """Yield what the network says about pictures, as the robot would decode it."""
    model.eval()
    prepare, decoder, device = preprocessor_of(recipe), decoder_of(recipe), device_of(model)
    stations = np.array(recipe.stations_m)
    for picture in pictures:
        batch, _ = prepare(read_picture(picture.path))
        image = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
        found = decoder.decode({'path': model(image.to(device)).cpu().numpy()}, 1.0)
        truth, seen = picture.at(stations)
        yield RegressedPath(picture=picture, found=found, truth=truth, seen=seen)


def point_figures(results: Sequence[RegressedPath]) -> dict[str, float]:
    """
    Return the figures of points.

    ``closeness`` 0..1 (a point that is right counts 1, one 0.1 m away e⁻¹), ``point_error_m``,
    ``inside_1_sigma`` of single coordinates, ``seen_accuracy``.
    """
    away = np.concatenate([item.away_m for item in results])
    sigma = np.concatenate([item.found.sigma_m[item.seen] for item in results])
    agree = np.concatenate([(item.found.visible >= 0.5) == item.seen for item in results])
    figures = {'seen_accuracy': float(agree.mean())}
    if not len(away):
        return {'closeness': 0.0, **figures}
    error_m = np.hypot(*away.T)
    return {
        'closeness': float(np.exp(-error_m / CLOSE_M).mean()),
        'point_error_m': float(error_m.mean()),
        'inside_1_sigma': float((np.abs(away) <= sigma[:, None]).mean()),
        **figures,
    }


def sigma_scale(results: Sequence[RegressedPath]) -> float:
    """Return the factor that puts as many errors within one deviation as a Gaussian has there."""
    scaled = [item.away_m / item.found.sigma_m[item.seen][:, None] for item in results]
    size = np.abs(np.concatenate(scaled))
    return max(float(np.quantile(size, GAUSSIAN_INSIDE)), SMALLEST_SCALE) if size.size else 1.0


def curvature_at(points_xy: np.ndarray, distance_m: float) -> float:
    """
    Return the curvature of the arc from base_link to the path at a distance: how to steer.

    :param points_xy: (N, 2) from near to far.
    """
    away = np.hypot(*points_xy.T)
    x, y = (np.interp(distance_m, away, column) for column in points_xy.T)
    return float(2 * y / max(x * x + y * y, 1e-9))


def steering_figures(
    results: Sequence[RegressedPath], mean_curvature_1_m: float
) -> dict[str, float]:
    """
    Return how well the path's curvature tells the steering.

    :param mean_curvature_1_m: of the training set: what a predictor says that sees nothing.
    :returns: ``steering_error_ratio``, mean absolute error by that of the blind predictor, and
        ``steering_r``, the correlation; none where nothing is known or the truth does not vary.
    """
    told = [item for item in results if len(item.picture.arc_m)]
    if not told:
        return {}
    found = np.array([curvature_at(item.found.points_xy, STEERED_M) for item in told])
    truth = np.array([curvature_at(item.picture.points_xy, STEERED_M) for item in told])
    blind = float(np.abs(truth - mean_curvature_1_m).mean())
    if blind < 1e-9 or np.ptp(truth) < 1e-9 or np.ptp(found) < 1e-9:
        return {}
    return {
        'steering_error_ratio': float(np.abs(found - truth).mean()) / blind,
        'steering_r': float(np.corrcoef(found, truth)[0, 1]),
    }
