from pathlib import Path

import numpy as np
import pytest
import torch

from perception_nodes.detection import Detector
from perception_nodes.evaluation.ground_truth import read_coco, read_picture
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.learning.bundling import provenance_of
from perception_nodes.learning.detector_bundling import DetectorBundler
from perception_nodes.learning.export import (
    DETECTOR_OUTPUTS,
    ExportError,
    check_parity,
    export_onnx,
)
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.models.detector import DetectorNet
from perception_nodes.learning.recalibration import recalibrated
from perception_nodes.learning.tasks.detection import DetectionTask


@pytest.fixture
def onnx(small_recipe, tmp_path: Path):
    torch.manual_seed(0)
    model = DetectorNet(small_recipe).eval()
    path = export_onnx(
        model,
        tmp_path / 'model.onnx',
        size_wh=small_recipe.input_wh,
        output_names=DETECTOR_OUTPUTS,
    )
    return model, path


def best_class(outputs) -> np.ndarray:
    return outputs['logits'].argmax(-1)


@pytest.mark.parametrize('batch', [1, 3])
def test_file_says_what_the_network_says_for_any_batch(onnx, batch: int):
    model, path = onnx
    rng = np.random.default_rng(0)
    pictures = [rng.normal(size=(batch, 3, 128, 160)).astype(np.float32)]
    parity = check_parity(model, path, pictures, best_class)
    assert set(parity.differences) == set(DETECTOR_OUTPUTS)
    assert max(parity.differences.values()) <= 1e-3
    assert parity.agreement == 1.0
    assert parity.pictures == batch


@pytest.mark.parametrize(('decide', 'warns'), [(lambda _: np.full(9, -1), True), (None, False)])
def test_agreement_is_unknown_where_nothing_is_decided(onnx, caplog, decide, warns: bool):
    model, path = onnx
    parity = check_parity(model, path, [np.zeros((2, 3, 128, 160), np.float32)], decide)
    assert parity.agreement is None
    assert (parity.decisions, parity.pictures) == (0, 2)
    assert 'decisions were not compared' in parity.words
    assert ('decides nothing on any of 2 pictures' in caplog.text) is warns


def test_file_of_another_network_is_refused(onnx, small_recipe):
    _, path = onnx
    torch.manual_seed(1)
    other = DetectorNet(small_recipe)
    with pytest.raises(ExportError, match='differs'):
        check_parity(other, path, [np.ones((1, 3, 128, 160), np.float32)], best_class)


def test_file_that_decides_otherwise_is_refused_however_small_the_difference(onnx):
    model, path = onnx
    answers = iter([np.zeros(1000), np.r_[np.zeros(998), np.ones(2)]])
    with pytest.raises(ExportError, match=r'99\.80%'):
        check_parity(model, path, [np.ones((1, 3, 128, 160), np.float32)], lambda _: next(answers))


def test_bundle_is_read_back_and_agrees_with_its_golden_frame(
    coco_folder, small_recipe, tmp_path: Path
):
    truth = read_coco(coco_folder / 'annotations.json')
    task = DetectionTask(small_recipe, truth, truth)
    trainer = Trainer(task, tmp_path / 'run')
    batch = next(iter(task.batches(0)))
    for _ in range(60):
        trainer.train_step(batch, 0.0)
    report = DetectorBundler(
        recipe=small_recipe,
        validation=truth,
        held_out=truth,
        held_out_words='four drawn pictures',
        provenance=provenance_of('test', 'drawn', 'Apache-2.0', {'steps': 60}, features='random'),
        threads=1,
    ).write(trainer.mean.module, tmp_path / 'bundle')
    bundle = read_bundle(tmp_path / 'bundle')
    assert bundle.classes == small_recipe.classes
    assert bundle.spec.provenance.licence == 'Apache-2.0'
    assert {'mAP50', 'mAP', 'AP50/disc'} <= {metric.name for metric in bundle.spec.metrics}
    assert report.latency_ms > 0
    parity = bundle.spec.provenance.details['parity']
    assert set(parity['largest_difference']) == set(DETECTOR_OUTPUTS)
    assert parity['pictures'] == 4
    assert parity['decisions'] == report.parity.decisions > 0
    assert parity['agreement'] == 1.0
    address = f'coco:{coco_folder / "annotations.json"}'
    again = recalibrated(bundle, address, lambda items, _: items)
    assert again.calibration == bundle.spec.calibration
    assert again.error == report.calibration_error
    detector = Detector.load(bundle, device='cpu')
    detector.verify()
    assert len(detector(read_picture(bundle.file(bundle.spec.golden.frame))))
