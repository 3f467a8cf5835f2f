"""Torchvision networks: state dicts that run, and files that must not run."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch')
safetensors_torch = pytest.importorskip('safetensors.torch')

from torchvision.models import get_model  # noqa: E402

from perception_nodes.inference.backends import Backend, BackendError, open_backend  # noqa: E402
from perception_nodes.inference.bundle import (  # noqa: E402
    ModelBundle,
    placeholder_weights,
    write_bundle,
)
from perception_nodes.inference.bundle_spec import (  # noqa: E402
    ArchitectureSpec,
    DecoderSpec,
    InputSpec,
)

BUILDER = 'ssdlite320_mobilenet_v3_large'
CLASSES = ('__background__', 'cat', 'dog')


@pytest.fixture(scope='module')
def state() -> dict:
    """Return untrained weights whose boxes all have similar, low scores."""
    torch.manual_seed(0)
    network = get_model(BUILDER, weights=None, weights_backbone=None, num_classes=len(CLASSES))
    return network.state_dict()


@pytest.fixture
def bundle_of(tmp_path: Path, make_spec: Callable) -> Callable[..., ModelBundle]:
    """Return a function that puts a weights file into a bundle."""

    def make(path: Path, builder: str = BUILDER, **options: object) -> ModelBundle:
        spec = make_spec(
            weights=placeholder_weights(f'model{path.suffix}'),
            architecture=ArchitectureSpec(name=f'torchvision:{builder}', options=options),
            input=InputSpec(size_wh=None, resize='none', scale=1 / 255),
            decoder=DecoderSpec(name='torchvision'),
            classes=CLASSES,
        )
        return write_bundle(tmp_path / 'bundle', spec, path)

    return make


@pytest.mark.parametrize('suffix', ['.pt', '.pth', '.safetensors'])
def test_state_dict_runs(tmp_path, bundle_of, state, suffix):
    path = tmp_path / f'weights{suffix}'
    if suffix == '.safetensors':
        safetensors_torch.save_file(state, path)
    else:
        torch.save(state, path)
    backend = open_backend(bundle_of(path, score_thresh=0.0), device='cpu', threads=1)
    outputs = backend.infer(np.random.default_rng(0).random((1, 3, 60, 80), np.float32))
    count = len(outputs['scores'])
    assert count > 0
    assert outputs['boxes'].shape == (count, 4)
    assert outputs['boxes'].dtype == outputs['scores'].dtype == np.float32
    assert outputs['labels'].dtype == np.int64
    assert set(outputs['labels']) <= {1, 2}
    assert isinstance(backend, Backend)
    assert backend.input_size_wh is None
    assert backend.output_shapes['boxes'] == ('K', 4)
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match='closed'):
        backend.infer(np.zeros((1, 3, 8, 8), np.float32))


def test_nothing_found_is_empty_arrays(tmp_path, bundle_of, state):
    torch.save(state, tmp_path / 'w.pt')
    backend = open_backend(bundle_of(tmp_path / 'w.pt', score_thresh=1.0), device='cpu')
    outputs = backend.infer(np.zeros((1, 3, 40, 40), np.float32))
    assert outputs['boxes'].shape == (0, 4)
    assert outputs['labels'].shape == outputs['scores'].shape == (0,)


def test_two_pictures_at_once_are_refused(tmp_path, bundle_of, state):
    torch.save(state, tmp_path / 'w.pt')
    backend = open_backend(bundle_of(tmp_path / 'w.pt'), device='cpu')
    with pytest.raises(BackendError, match=r'takes \(1, 3, H, W\)'):
        backend.infer(np.zeros((2, 3, 40, 40), np.float32))


def test_checkpoint_of_a_training_script_is_unpacked(tmp_path, bundle_of, state):
    torch.save({'epoch': 3, 'state_dict': state}, tmp_path / 'w.pt')
    assert open_backend(bundle_of(tmp_path / 'w.pt'), device='cpu').device == 'cpu'


@pytest.mark.skipif(torch.cuda.is_available(), reason='this machine has a usable GPU')
@pytest.mark.parametrize('device', ['cuda', 'tensorrt'])
def test_cuda_that_is_not_there_falls_back_naming_the_reason(
    tmp_path, bundle_of, state, caplog, device
):
    torch.save(state, tmp_path / 'w.pt')
    backend = open_backend(bundle_of(tmp_path / 'w.pt'), device=device, precision='fp16')
    assert backend.device == 'cpu'
    assert backend.description.endswith('cpu fp32')
    assert 'runs on the CPU' in caplog.text
    assert 'fp16 needs a GPU' in caplog.text


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an NVIDIA GPU')
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_gpu_agrees_with_the_cpu(tmp_path, bundle_of, state, precision):
    torch.save(state, tmp_path / 'w.pt')
    bundle = bundle_of(tmp_path / 'w.pt', score_thresh=0.0)
    batch = np.random.default_rng(0).random((1, 3, 60, 80), np.float32)
    scores = [
        np.sort(open_backend(bundle, device=device, precision=precision).infer(batch)['scores'])
        for device in ('cpu', 'cuda')
    ]
    np.testing.assert_allclose(scores[0][-5:], scores[1][-5:], atol=0.02)


class Planted:
    """Pickles to a call that leaves a witness."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple:
        return os.system, (f'touch {self.witness}',)


def legacy_pickle(payload: object) -> bytes:
    return pickle.dumps(payload)


def modern_archive(payload: object) -> bytes:
    stream = io.BytesIO()
    torch.save(payload, stream)
    return stream.getvalue()


def torchscript_archive(payload: object) -> bytes:
    """Return an archive laid out like TorchScript, whose loader would run its code."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('archive/constants.pkl', pickle.dumps(payload))
        archive.writestr('archive/data.pkl', pickle.dumps(payload))
        archive.writestr('archive/version', '3\n')
    return stream.getvalue()


@pytest.mark.parametrize('wrap', [legacy_pickle, modern_archive, torchscript_archive])
@pytest.mark.parametrize('suffix', ['.pt', '.pth', '.safetensors', '.bin'])
@pytest.mark.parametrize('nested', [False, True])
def test_planted_code_never_runs(tmp_path, bundle_of, wrap, suffix, nested):
    witness = tmp_path / 'ran'
    payload = {'weight': Planted(witness)} if nested else Planted(witness)
    path = tmp_path / f'evil{suffix}'
    path.write_bytes(wrap(payload))
    with pytest.raises(BackendError, match=r'refused, nothing in it was run|safetensors'):
        open_backend(bundle_of(path), device='cpu')
    assert not witness.exists()


def test_the_planted_code_would_have_run(tmp_path):
    """The witness proves something only if the attack works where nobody looks."""
    witness = tmp_path / 'ran'
    pickle.loads(legacy_pickle(Planted(witness)))
    assert witness.exists()


@pytest.mark.parametrize('content', [b'', b'junk', b'PK\x03\x04', b'\x80\x02.', bytes(64)])
@pytest.mark.parametrize('suffix', ['.pt', '.safetensors'])
def test_broken_file_is_refused(tmp_path, bundle_of, content, suffix):
    path = tmp_path / f'broken{suffix}'
    path.write_bytes(content)
    with pytest.raises(BackendError, match=r'refused|not a safetensors'):
        open_backend(bundle_of(path), device='cpu')


@pytest.mark.parametrize('data', [[1, 2], {}, {'a': 1}, {1: 2}, torch.zeros(3)])
def test_file_without_state_dict_is_refused(tmp_path, bundle_of, data):
    torch.save(data, tmp_path / 'w.pt')
    with pytest.raises(BackendError, match='holds no state dict'):
        open_backend(bundle_of(tmp_path / 'w.pt'), device='cpu')


def test_weights_of_another_network_are_refused(tmp_path, bundle_of):
    torch.save({'weight': torch.zeros(3)}, tmp_path / 'w.pt')
    with pytest.raises(BackendError, match=f'does not fit torchvision:{BUILDER} with 3 classes'):
        open_backend(bundle_of(tmp_path / 'w.pt'), device='cpu')


@pytest.mark.parametrize(
    ('builder', 'options', 'words'),
    [
        ('ssdlite321', {}, 'no detection or segmentation model'),
        ('resnet18', {}, 'no detection or segmentation model'),
        ('fcn_resnet50', {}, 'is for segmentation, task says detection'),
        (BUILDER, {'weights': 'DEFAULT'}, "'weights' is not allowed"),
        (BUILDER, {'weights_backbone': 'DEFAULT'}, 'is not allowed'),
        (BUILDER, {'nonsense': 1}, 'nonsense'),
    ],
)
def test_wrong_architecture_is_refused(tmp_path, bundle_of, state, builder, options, words):
    torch.save(state, tmp_path / 'w.pt')
    with pytest.raises(BackendError, match=words):
        open_backend(bundle_of(tmp_path / 'w.pt', builder, **options), device='cpu')
