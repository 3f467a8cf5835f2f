"""What all tests share: the place of the real data, and a ROS domain of their own."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perception_nodes.ros.domains import free_domain

if TYPE_CHECKING:
    from perception_nodes.inference.bundle import ModelBundle

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PUBLIC_WEIGHTS = {'yolox_nano_sample': 'yolox_nano.onnx', 'fastestdet': 'FastestDet.onnx'}

# Before anything imports rclpy: nothing leaves this machine, and no other graph is disturbed.
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
os.environ['ROS_DOMAIN_ID'] = str(free_domain())
os.environ.setdefault('ROS_PYTHON_CHECK_FIELDS', '1')
_shares_cores = 'PYTEST_XDIST_WORKER' in os.environ
os.environ.setdefault('OMP_NUM_THREADS', '1' if _shares_cores else '2')
if _shares_cores:
    os.environ.setdefault('LP_NUM_THREADS', '0')  # Mesa draws in the thread that asks it to


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Skip what talks to ROS where there is none, with the cure in the reason.

    Where there is one, such a test gets a second try, which the summary names as RERUN: processes
    find each other over DDS in their own time, and a busy machine now and then takes it. Of
    several workers (``-n``) one has all of them, since they wait more than they compute; the
    others have the rest, file by file.
    """
    if importlib.util.find_spec('rclpy') is None:
        reason = 'rclpy is not importable: run `make setup`, then `source environment/activate.sh`'
        mark = pytest.mark.skip(reason=reason)
    else:
        mark = pytest.mark.flaky(reruns=1)
    for item in items:
        talks = item.get_closest_marker('ros') is not None
        item.add_marker(pytest.mark.xdist_group('ros' if talks else str(item.path)))
        if talks:
            item.add_marker(mark)


@pytest.fixture(scope='session')
def project_root() -> Path:
    """Return the folder of package.xml."""
    return PROJECT_ROOT


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Return the folder of real images and models, or skip saying how to provide it."""
    folder = Path(os.environ.get('PERCEPTION_TEST_DATA', PROJECT_ROOT.parent / 'shared' / 'data'))
    if not folder.is_dir():
        pytest.skip(f'no real images and models at {folder}: set PERCEPTION_TEST_DATA')
    return folder


@pytest.fixture(scope='session')
def public_bundle(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], 'ModelBundle']:
    """Return a function that gives the bundle of a public detector, by its catalogue entry."""
    from perception_nodes.inference.bundle import write_bundle
    from perception_nodes.inference.catalogue import load_catalogue

    folder = tmp_path_factory.mktemp('bundles')
    bundles: dict[str, ModelBundle] = {}

    def get(name: str) -> 'ModelBundle':
        if name not in bundles:
            weights = shared_data / 'models' / PUBLIC_WEIGHTS[name]
            bundles[name] = write_bundle(folder / name, load_catalogue()[name].spec, weights)
        return bundles[name]

    return get


@pytest.fixture(scope='session')
def write_mask_bundle() -> Callable[..., 'ModelBundle']:
    """
    Return a function that writes a segmentation bundle whose answers one can foresee.

    The network looks at 64x32 pixels in cells of ``stride`` pixels; the logits of a cell are 0 for
    ``floor``, 10 · (red − ½) for ``red`` and 10 · (blue − ½) for ``blue``, of its mean colour.
    """
    from dataclasses import replace

    onnx = pytest.importorskip('onnx')
    import numpy as np

    from perception_nodes.inference.bundle import placeholder_weights, write_bundle
    from perception_nodes.inference.bundle_spec import DecoderSpec, InputSpec, ModelSpec

    def write(folder: Path, stride: int = 8, scale: float = 10.0, **changes: object):
        rows, columns = 32 // stride, 64 // stride
        weights = np.zeros((3, 3, 1, 1), np.float32)
        weights[1, 0], weights[2, 2] = scale, scale
        bias = np.array([0, -scale / 2, -scale / 2], np.float32)
        sides = {'kernel_shape': [stride] * 2, 'strides': [stride] * 2}
        make, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            [
                make('AveragePool', ['picture'], ['cells'], **sides),
                make('Conv', ['cells', 'weights', 'bias'], ['logits']),
            ],
            'colours',
            [info('picture', 1, [1, 3, 32, 64])],
            [info('logits', 1, [1, 3, rows, columns])],
            [
                onnx.numpy_helper.from_array(weights, 'weights'),
                onnx.numpy_helper.from_array(bias, 'bias'),
            ],
        )
        folder.mkdir(parents=True, exist_ok=True)
        network = folder / 'colours.onnx'
        opset = [onnx.helper.make_opsetid('', 13)]
        onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), network)
        spec = ModelSpec(
            name='colours',
            task='segmentation',
            weights=placeholder_weights('model.onnx'),
            input=InputSpec(size_wh=(64, 32), resize='letterbox', pad_value=0, scale=1 / 255),
            decoder=DecoderSpec(name='semantic_logits'),
            classes=('floor', 'red', 'blue'),
        )
        golden = changes.pop('golden_files', ())
        return write_bundle(folder / 'colours', replace(spec, **changes), network, *golden)

    return write
