"""A new calibration for the network of a bundle, whatever its task, from a labelled set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.detection import Detector
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.evaluation.picture_folders import open_picture_folders
from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import open_backend
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_sections import Calibration
from perception_nodes.inference.decoders import ClassLogits, build_decoder
from perception_nodes.inference.decoders.contract import Outputs
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.learning.calibration import temperature_and_error
from perception_nodes.learning.data.path_sets import open_path_set
from perception_nodes.learning.data.pictures import labelled_pictures
from perception_nodes.learning.detector_bundling import calibrate, weak_boxes
from perception_nodes.learning.path_bundling import dishonesty, looked_at
from perception_nodes.learning.segmenter_bundling import pixels_of
from perception_nodes.learning.tasks.path import sigma_scale
from perception_nodes.learning.tasks.segmentation import ScoredPicture
from perception_nodes.path import PathRegressor
from perception_nodes.structures import Frame

Track = Callable[[Iterable[Any], str], Iterable[Any]]
_WORDS = 'Calibrating'


@dataclass(frozen=True, kw_only=True)
class Recalibration:
    """
    What a labelled set says about a network.

    :param calibration: of the network.
    :param error: expected calibration error, before any scaling and after.
    :param pictures: in the set.
    """

    calibration: Calibration
    error: tuple[float, float]
    pictures: int


def recalibrated(bundle: ModelBundle, address: str, track: Track) -> Recalibration:
    """
    Return the calibration that a labelled set gives the network of a bundle.

    The thresholds of single classes stay.

    :param bundle: of any task; its own calibration does not count.
    :param address: of the set, as ``perception train`` takes it.
    :param track: wraps an iterable to show progress.
    :raises ValueError: for a set of other classes, or a network that gives no scores.
    """
    return _OF_TASK[bundle.spec.task](bundle, address, track)


def _of_masks(bundle: ModelBundle, address: str, track: Track) -> Recalibration:
    labelled = open_masked_set(address)
    if labelled.classes != bundle.classes:
        raise ValueError(
            f'{address} has the classes {", ".join(labelled.classes)}, {bundle.path} has '
            f'{", ".join(bundle.classes)}; the network is calibrated on labels of its own'
        )
    network = _Network(bundle)

    def scored() -> Iterator[ScoredPicture]:
        for picture in track(labelled.pictures, _WORDS):
            frame, truth = labelled.read(picture)
            outputs, resize = network(frame)
            decoded = network.decoder.decode(outputs)
            if not isinstance(decoded, ClassLogits):
                raise ValueError(f'{bundle.path}: its network names classes and gives no scores')
            yield ScoredPicture(picture=picture, truth=truth, logits=decoded.logits, resize=resize)

    count = len(labelled.pictures)
    return _fitted(bundle, *pixels_of(scored(), count), count)


def _of_classes(bundle: ModelBundle, address: str, track: Track) -> Recalibration:
    labelled = open_picture_folders(address).numbered_as(bundle.classes)
    network, rows = _Network(bundle), []
    for picture in track(labelled.pictures, _WORDS):
        outputs, _ = network(read_picture(picture.path))
        rows.append(network.decoder.logits(outputs))
    truth = np.array([picture.class_id for picture in labelled.pictures])
    return _fitted(bundle, np.stack(rows), truth, len(rows))


def _of_boxes(bundle: ModelBundle, address: str, track: Track) -> Recalibration:
    pictures = labelled_pictures(open_dataset(address), bundle.classes)
    opened = Detector.load(_plain(bundle), device='cpu')
    calibration, error = calibrate(weak_boxes(opened, pictures, track), pictures)
    opened.close()
    return _kept(bundle, calibration, error, len(pictures))


def _of_paths(bundle: ModelBundle, address: str, track: Track) -> Recalibration:
    if address.startswith('tub:'):
        raise ValueError(
            f'{address}: what steering means is said in a recipe alone; take a set paths:folder'
        )
    pictures = open_path_set(address).pictures
    opened = PathRegressor.load(_plain(bundle), device='cpu')
    stations_m = np.array(bundle.spec.decoder.options['stations_m'])
    results = [looked_at(opened, picture, stations_m) for picture in track(pictures, _WORDS)]
    opened.close()
    scale = round(sigma_scale(results), 4)
    error = dishonesty(results, 1.0), dishonesty(results, scale)
    return _kept(bundle, Calibration(temperature=scale), error, len(pictures))


_OF_TASK: dict[str, Callable[[ModelBundle, str, Track], Recalibration]] = {
    'segmentation': _of_masks,
    'classification': _of_classes,
    'detection': _of_boxes,
    'path': _of_paths,
}


class _Network:
    """From a frame to the outputs of a bundle's network, with the decoder that reads them."""

    def __init__(self, bundle: ModelBundle) -> None:
        spec = bundle.spec
        self._prepare = Preprocessor.of(spec.input)
        self._backend = open_backend(bundle, device='cpu')
        self.decoder: Any = build_decoder(
            spec.decoder.name, spec.decoder.options, class_count=len(bundle.classes),
            task=spec.task,
        )  # fmt: skip

    def __call__(self, frame: Frame) -> tuple[Outputs, ImageResize]:
        batch, resize = self._prepare(frame)
        return self._backend.infer(batch), resize


def _plain(bundle: ModelBundle) -> ModelBundle:
    """Return the bundle without a calibration."""
    spec = dataclasses.replace(bundle.spec, calibration=Calibration())
    return dataclasses.replace(bundle, spec=spec)


def _fitted(
    bundle: ModelBundle, logits: np.ndarray, truth: np.ndarray, pictures: int
) -> Recalibration:
    """Return the temperature for (N, C) logits of (N,) classes."""
    temperature, error = temperature_and_error(logits, truth)
    return _kept(bundle, Calibration(temperature=temperature), error, pictures)


def _kept(
    bundle: ModelBundle, calibration: Calibration, error: tuple[float, float], pictures: int
) -> Recalibration:
    """Return the calibration with the bundle's thresholds of single classes."""
    thresholds = bundle.spec.calibration.class_thresholds
    return Recalibration(
        calibration=dataclasses.replace(calibration, class_thresholds=thresholds),
        error=error,
        pictures=pictures,
    )
