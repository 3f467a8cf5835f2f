"""
The picture of docs/classification.md: ``python -m benchmarks.classification_sheet``.

Discs of three colours are drawn in coloured light; a network that only compares the means of the
channels names them, and what it gets wrong is shown as ``perception evaluate classification``
shows it. Nothing is trained.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from perception_nodes.classification import ClassificationConfig, Classifier
from perception_nodes.cli.classification_report import wrong_sheet
from perception_nodes.cli.evaluate_classification import measure
from perception_nodes.evaluation.picture_folders import open_picture_folders
from perception_nodes.inference.bundle import placeholder_weights, write_bundle
from perception_nodes.inference.bundle_spec import DecoderSpec, InputSpec, ModelSpec
from perception_nodes.structures import ColorOrder

COLOURS = {'blue': (40, 70, 210), 'green': (40, 190, 70), 'red': (210, 50, 40)}
SIDE_PX = 64
PICTURES = 60
SHOWN = 6
TARGET = Path(__file__).resolve().parent.parent / 'docs' / 'images' / 'classification.jpg'


def draw(rgb: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a disc (64, 64, 3) uint8, RGB, in light of a random colour."""
    pixels = np.full((SIDE_PX, SIDE_PX, 3), 120, np.uint8)
    place = tuple((32 + rng.integers(-6, 7, 2)).tolist())
    cv2.circle(pixels, place, int(rng.integers(12, 24)), rgb, -1)
    light = rng.uniform(0.55, 1.25, 3)
    return (pixels * light + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)


def write_network(path: Path) -> None:
    """Write a network that tells twenty times the mean of each channel, blue first."""
    picture = helper.make_tensor_value_info('picture', TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX])
    output = helper.make_tensor_value_info('logits', TensorProto.FLOAT, [1, 3, 1, 1])
    factor = numpy_helper.from_array(np.array([20.0], np.float32), 'factor')
    nodes = [
        helper.make_node('GlobalAveragePool', ['picture'], ['mean']),
        helper.make_node('Mul', ['mean', 'factor'], ['logits']),
    ]
    graph = helper.make_graph(nodes, 'colours', [picture], [output], [factor])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 13)])
    path.write_bytes(model.SerializeToString())


def main() -> None:
    """Draw, name, and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--out', type=Path, default=TARGET)
    target = parser.parse_args().out
    rng = np.random.default_rng(3)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, rgb in COLOURS.items():
            (work / 'set' / name).mkdir(parents=True)
            for number in range(PICTURES // len(COLOURS)):
                path = work / 'set' / name / f'{number:02d}.png'
                cv2.imwrite(str(path), draw(rgb, rng)[..., ::-1])
        write_network(work / 'colours.onnx')
        spec = ModelSpec(
            name='colours', task='classification', weights=placeholder_weights('model.onnx'),
            input=InputSpec(
                size_wh=(SIDE_PX, SIDE_PX), color_order=ColorOrder.BGR, scale=1 / 255
            ),
            decoder=DecoderSpec(name='class_logits'), classes=('blue', 'green', 'red'),
        )  # fmt: skip
        bundle = write_bundle(work / 'bundle', spec, work / 'colours.onnx')
        labelled = open_picture_folders(f'folder:{work / "set"}')
        classifier = Classifier.load(bundle, device='cpu', threads=1)
        metrics, wrong, _ = measure(classifier, labelled, {}, ClassificationConfig())
    target.parent.mkdir(parents=True, exist_ok=True)
    sheet = np.ascontiguousarray(wrong_sheet(wrong[:SHOWN]).in_order(ColorOrder.BGR))
    cv2.imwrite(str(target), sheet, (cv2.IMWRITE_JPEG_QUALITY, 85))
    print(f'top1 {metrics.top1:.3f}, confusion {metrics.confusion} → {target}')


if __name__ == '__main__':
    main()
