"""ONNX Runtime: what runs, what is refused, and what falls back with which words."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from perception_nodes.inference.backends import (
    Backend,
    BackendError,
    BackendRequest,
    open_backend,
)
from perception_nodes.inference.backends.onnx import devices, loading
from perception_nodes.inference.backends.onnx.engine import build_engine
from perception_nodes.inference.bundle import file_sha256, write_bundle
from perception_nodes.inference.bundle_spec import WeightsSpec

PICTURE = np.arange(1 * 3 * 8 * 8, dtype=np.float32).reshape(1, 3, 8, 8)


@pytest.fixture
def bundle_of(tmp_path: Path, make_spec):
    """Return a function that puts a network into a bundle."""

    def make(path: Path, **changes: object):
        return write_bundle(tmp_path / f'bundle_{path.stem}', make_spec(**changes), path)

    return make


@pytest.fixture
def gpu_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pretend that the driver's device file is there."""
    monkeypatch.setattr(devices, '_GPU_FILES', ('/dev/null',))
    return None


def pretend_providers(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: list(names))


def test_small_network_computes_what_it_says(small_bundle):
    backend = open_backend(small_bundle, device='cpu', threads=1)
    means = backend.infer(PICTURE)['means']
    np.testing.assert_allclose(means.ravel(), 2 * PICTURE.mean(axis=(0, 2, 3)), rtol=1e-6)
    assert isinstance(backend, Backend)
    assert backend.device == 'cpu'
    assert backend.input_size_wh == (8, 8)
    assert backend.output_shapes == {'means': (1, 3, 1, 1)}
    assert 'CPU fp32' in backend.description


def test_network_of_any_size_has_none(bundle_of, write_model):
    backend = open_backend(bundle_of(write_model('side')), device='cpu')
    assert backend.input_size_wh is None
    assert backend.infer(np.zeros((1, 3, 5, 5), np.float32))['means'].shape == (1, 3, 1, 1)


def test_batch_that_is_a_strided_view_gives_the_same(small_bundle):
    backend = open_backend(small_bundle, device='cpu')
    flipped = PICTURE[:, ::-1]
    expected = 2 * flipped.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(backend.infer(flipped)['means'].ravel(), expected, rtol=1e-6)


def test_torch_tensor_is_taken(small_bundle):
    torch = pytest.importorskip('torch')
    backend = open_backend(small_bundle, device='cpu')
    result = backend.infer(torch.from_numpy(PICTURE))
    np.testing.assert_array_equal(result['means'], backend.infer(PICTURE)['means'])


@pytest.mark.parametrize(
    'batch',
    [
        np.zeros((1, 3, 9, 8), np.float32),
        np.zeros((2, 3, 8, 8), np.float32),
        np.zeros((1, 1, 8, 8), np.float32),
        np.zeros((1, 3, 8, 8), np.float64),
        np.zeros((1, 3, 8, 8), np.uint8),
        np.zeros((3, 8, 8), np.float32),
        np.zeros((0, 3, 8, 8), np.float32),
    ],
)
def test_wrong_batch_is_refused_with_both_shapes(small_bundle, batch):
    backend = open_backend(small_bundle, device='cpu')
    with pytest.raises(BackendError, match=r'takes \(1, 3, 8, 8\) float32, got'):
        backend.infer(batch)


def test_closed_network_says_so(small_bundle):
    backend = open_backend(small_bundle, device='cpu')
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match='closed'):
        backend.infer(PICTURE)


@pytest.mark.parametrize(
    'device', ['gpu', 'CUDA', 'cuda:', 'cuda:x', 'cpu:0', 'auto:1', '', 'cuda:-1']
)
def test_unknown_device_is_an_error(small_bundle, device):
    with pytest.raises(BackendError, match='is not one of auto, cpu, cuda, cuda:N'):
        open_backend(small_bundle, device=device)


@pytest.mark.parametrize(('precision', 'threads'), [('int8', 0), ('fp32', -1), ('fp32', 10**9)])
def test_unknown_precision_and_threads_are_errors(small_bundle, precision, threads):
    with pytest.raises(BackendError, match=r'precision|threads'):
        open_backend(small_bundle, precision=precision, threads=threads)


def test_cuda_without_gpu_falls_back_naming_the_reason(small_bundle, monkeypatch, caplog):
    monkeypatch.setattr(devices, '_GPU_FILES', ())
    backend = open_backend(small_bundle, device='cuda')
    assert backend.device == 'cpu'
    assert backend.infer(PICTURE)['means'].shape == (1, 3, 1, 1)
    assert 'no NVIDIA GPU was found' in caplog.text


def test_auto_without_gpu_does_not_warn(small_bundle, monkeypatch, caplog):
    monkeypatch.setattr(devices, '_GPU_FILES', ())
    with caplog.at_level(logging.WARNING):
        assert open_backend(small_bundle, device='auto').device == 'cpu'
    assert caplog.text == ''


def test_cpu_wheel_on_a_gpu_machine_is_named(small_bundle, monkeypatch, caplog, gpu_machine):
    pretend_providers(monkeypatch, 'CPUExecutionProvider')
    assert open_backend(small_bundle, device='auto').device == 'cpu'
    assert 'replace the package onnxruntime by onnxruntime-gpu' in caplog.text


def test_library_that_does_not_load_is_named(small_bundle, monkeypatch, caplog, gpu_machine):
    """The wheel names the provider, but the session runs without it."""
    if devices.CUDA_PROVIDER in onnxruntime.get_available_providers():
        pytest.skip('this machine has the CUDA provider')
    pretend_providers(monkeypatch, 'CUDAExecutionProvider', 'CPUExecutionProvider')
    with pytest.warns(UserWarning, match='CUDAExecutionProvider'):
        backend = open_backend(small_bundle, device='cuda:1')
    assert backend.device == 'cpu'
    assert 'could not load CUDAExecutionProvider' in caplog.text
    assert 'GPU 1' in caplog.text


def test_fp16_on_a_cpu_falls_back_naming_the_reason(small_bundle, caplog):
    backend = open_backend(small_bundle, device='cpu', precision='fp16')
    assert backend.description.endswith('fp32')
    assert 'fp16 needs a GPU' in caplog.text


def test_cuda_and_its_gpu_number_are_chosen(small_bundle, monkeypatch, gpu_machine):
    pretend_providers(monkeypatch, 'CUDAExecutionProvider', 'CPUExecutionProvider')
    choice = devices.choose_providers(small_bundle, BackendRequest.parse('cuda:2', 'fp16', 0))
    assert choice.device == 'cuda:2'
    assert choice.providers[0] == ('CUDAExecutionProvider', {'device_id': '2'})
    assert choice.precision.value == 'fp16'


def test_tensorrt_is_used_only_with_a_cached_engine(
    small_bundle, monkeypatch, caplog, gpu_machine, tmp_path
):
    monkeypatch.setenv('PERCEPTION_CACHE', str(tmp_path / 'cache'))
    pretend_providers(monkeypatch, 'TensorrtExecutionProvider', 'CUDAExecutionProvider')
    request = BackendRequest.parse('tensorrt', 'fp16', 0)
    assert devices.choose_providers(small_bundle, request).wanted == 'CUDAExecutionProvider'
    assert 'perception models build' in caplog.text
    folder = devices.engine_folder(small_bundle, request)
    folder.mkdir(parents=True)
    (folder / 'x.engine').write_bytes(b'')
    choice = devices.choose_providers(small_bundle, request)
    assert choice.wanted == 'TensorrtExecutionProvider'
    assert choice.providers[0][1]['trt_engine_cache_path'] == str(folder)
    fp32 = BackendRequest.parse('tensorrt', 'fp32', 0)
    assert devices.choose_providers(small_bundle, fp32).wanted == 'CUDAExecutionProvider'


def test_tensorrt_that_does_not_load_leaves_cuda_then_the_cpu(
    small_bundle, monkeypatch, caplog, gpu_machine, tmp_path
):
    if devices.CUDA_PROVIDER in onnxruntime.get_available_providers():
        pytest.skip('this machine has the CUDA provider')
    monkeypatch.setenv('PERCEPTION_CACHE', str(tmp_path / 'cache'))
    pretend_providers(monkeypatch, 'TensorrtExecutionProvider', 'CUDAExecutionProvider')
    folder = devices.engine_folder(small_bundle, BackendRequest.parse('tensorrt', 'fp16', 0))
    folder.mkdir(parents=True)
    (folder / 'x.engine').write_bytes(b'')
    with pytest.warns(UserWarning, match='ExecutionProvider'):
        backend = open_backend(small_bundle, device='tensorrt', precision='fp16')
    assert 'runs with CUDAExecutionProvider' in caplog.text
    assert 'runs with CPUExecutionProvider' in caplog.text
    assert backend.description.endswith('CPU fp32')
    np.testing.assert_allclose(
        backend.infer(PICTURE)['means'].ravel(), 2 * PICTURE.mean(axis=(0, 2, 3)), rtol=1e-6
    )


def test_building_an_engine_without_tensorrt_names_the_reason(small_bundle, monkeypatch):
    monkeypatch.setattr(devices, '_GPU_FILES', ())
    with pytest.raises(BackendError, match='no NVIDIA GPU'):
        build_engine(small_bundle, device='tensorrt', precision='fp16')
    with pytest.raises(BackendError, match='has no engine to build'):
        build_engine(small_bundle, device='cpu', precision='fp16')


@pytest.mark.parametrize('content', [b'', b'junk', b'\x08\x08', b'ORTM' * 10, bytes(100)])
def test_file_that_is_no_network_is_refused(tmp_path, bundle_of, content):
    path = tmp_path / 'junk.onnx'
    path.write_bytes(content)
    with pytest.raises(BackendError, match='is not an ONNX model'):
        open_backend(bundle_of(path), device='cpu')


def external_factor(location: str):
    """Return a change that moves the stored factor into another file."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField('raw_data')
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = 'location', location

    return change


@pytest.mark.parametrize('location', ['../secret.bin', '/etc/passwd', 'a/../../x.bin', 'more.bin'])
def test_external_data_must_be_listed_and_inside(write_model, bundle_of, location):
    path = write_model(change=external_factor(location))
    with pytest.raises(BackendError, match=r'leaves the bundle|does not list'):
        open_backend(bundle_of(path), device='cpu')


def test_listed_external_data_is_used(tmp_path, write_model, bundle_of):
    (tmp_path / 'more.bin').write_bytes(np.array([3.0], np.float32).tobytes())
    digest = file_sha256(tmp_path / 'more.bin')
    weights = WeightsSpec(file='model.onnx', sha256='0' * 64, external={'more.bin': digest})
    bundle = bundle_of(write_model(change=external_factor('more.bin')), weights=weights)
    means = open_backend(bundle, device='cpu').infer(PICTURE)['means']
    np.testing.assert_allclose(means.ravel(), 3 * PICTURE.mean(axis=(0, 2, 3)), rtol=1e-6)


def test_external_data_hidden_in_a_branch_is_found(write_model, bundle_of):
    tensor = TensorProto(name='hidden', data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = 'location', '/etc/passwd'
    output = helper.make_tensor_value_info('hidden', TensorProto.FLOAT, [1])
    branch = helper.make_graph([], 'branch', [], [output], [tensor])
    node = helper.make_node('If', ['factor'], ['y'], then_branch=branch, else_branch=branch)
    with pytest.raises(BackendError, match='leaves the bundle'):
        open_backend(bundle_of(write_model(extra_nodes=[node])), device='cpu')


def test_operator_that_loads_compiled_code_is_refused(write_model, bundle_of):
    node = helper.make_node('EPContext', ['picture'], ['y'], domain='com.microsoft')
    with pytest.raises(BackendError, match='loads compiled'):
        open_backend(bundle_of(write_model(extra_nodes=[node])), device='cpu')


def test_operator_of_a_foreign_library_is_refused(write_model, bundle_of):
    def change(model: onnx.ModelProto) -> None:
        model.graph.node.append(helper.make_node('Evil', ['picture'], ['y'], domain='evil'))
        model.opset_import.append(helper.make_opsetid('evil', 1))

    with pytest.raises(BackendError, match='cannot be opened'):
        open_backend(bundle_of(write_model(change=change)), device='cpu')


def test_network_that_takes_no_picture_is_refused(write_model, bundle_of):
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4

    with pytest.raises(BackendError, match=r'must take one picture .* picture \[1, 4, 8, 8\]'):
        open_backend(bundle_of(write_model(change=change)), device='cpu')


def test_weights_changed_after_reading_are_refused(small_bundle):
    small_bundle.weights_path.write_bytes(b'other')
    with pytest.raises(ValueError, match='was changed'):
        open_backend(small_bundle, device='cpu')


@pytest.mark.data
def test_fp16_variant_of_a_real_detector_stays_close(yolox_bundle):
    content = yolox_bundle.read_weights()
    half = loading.to_fp16(content)
    assert len(half) < 0.6 * len(content)
    batch = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    session = onnxruntime.InferenceSession(half, providers=['CPUExecutionProvider'])
    exact = open_backend(yolox_bundle, device='cpu', threads=1).infer(batch)['output']
    close = session.run(None, {'images': batch})[0]
    assert close.dtype == np.float32
    assert np.abs(close - exact)[..., 4:].max() < 0.05


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 250), noise=st.binary(min_size=1, max_size=6))
def test_corrupted_networks_raise_nothing_but_backend_errors(
    small_bundle, tmp_path_factory, place, noise
):
    """The hash is right here, as it would be in a bundle that somebody made on purpose."""
    content = small_bundle.read_weights()
    folder = tmp_path_factory.mktemp('corrupted')
    (folder / 'm.onnx').write_bytes(content[:place] + noise + content[place + len(noise) :])
    bundle = write_bundle(folder / 'b', small_bundle.spec, folder / 'm.onnx')
    with suppress(BackendError):
        outputs = open_backend(bundle, device='cpu', threads=1).infer(PICTURE)
        assert all(isinstance(value, np.ndarray) for value in outputs.values())
