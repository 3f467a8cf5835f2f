"""What corruptions cost a classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from perception_nodes.classification import Classifier
from perception_nodes.evaluation.class_numbers import label_numbers
from perception_nodes.evaluation.classification import ClassificationMeter
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.picture_folders import ClassedPicture, PictureFolders
from perception_nodes.robustness.stand import Stand
from perception_nodes.robustness.subject import Spoil, Subject, by_name, spoilt
from perception_nodes.structures import Classification, Frame


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassificationSubject(Subject):
    """
    A classifier and pictures in folders, which are named by class and file.

    How wrong a picture is: the confidence in a wrong class.
    """

    metric: ClassVar = 'top1'

    model: Classifier
    labelled: PictureFolders

    def frame(self, name: str) -> Frame:
        """Return a picture as it is stored."""
        return read_picture(self._by_name[name].path)

    def stand(
        self, corruption: Spoil = None, advance: Callable[[], object] = lambda: None
    ) -> Stand:
        """Measure top 1, and calibration of the most probable class."""
        numbers = label_numbers(self.model.class_names, self.labelled.classes, self.renamed)
        meter, seconds = ClassificationMeter(self.labelled.classes, numbers), []
        wrong = {}
        for name, item in self._by_name.items():
            _, found = self.look(name, corruption)
            seconds.append(self.model.times.total_s)
            wrong[name] = 0.0 if meter.add(item.class_id, found) else found.confidence
            advance()
        figures = meter.metrics()
        return Stand.of(figures.top1, figures.calibration_error, seconds, wrong)

    def look(self, name: str, corruption: Spoil = None) -> tuple[Frame, Classification]:
        """Return a picture as it is seen, and what is found."""
        frame, _ = spoilt(self.frame(name), name, corruption)
        return frame, self.model(frame)

    def truth(self, name: str) -> str:
        """Return the labelled class of a picture."""
        return self.labelled.classes[self._by_name[name].class_id]

    @cached_property
    def _by_name(self) -> dict[str, ClassedPicture]:
        pictures, classes = self.labelled.pictures, self.labelled.classes
        names = (f'{classes[item.class_id]}/{item.path.name}' for item in pictures)
        return by_name(names, pictures)
