import pytest
import torch

from perception_nodes.evaluation.ground_truth import read_coco
from perception_nodes.learning.compute import Compute, device_of, placed
from perception_nodes.learning.data.batches import BoxBatch, BoxTargets
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.tasks.detection import DetectionTask

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an NVIDIA GPU')
without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason='needs no NVIDIA GPU')


@pytest.fixture
def task(coco_folder, small_recipe) -> DetectionTask:
    pictures = read_coco(coco_folder / 'annotations.json')
    return DetectionTask(small_recipe, pictures, pictures)


@pytest.mark.parametrize(
    ('device', 'precision', 'named'),
    [('gpu', 'auto', 'cuda:N'), ('cpu:1', 'auto', 'cuda:N'), ('cpu', 'fp16', 'bf16')],
)
def test_unknown_words_are_refused_with_the_allowed_ones(device, precision, named):
    with pytest.raises(ValueError, match=named):
        Compute.choose(device, precision)


@without_gpu
def test_auto_takes_the_cpu_and_a_named_gpu_is_refused_with_the_reason():
    assert Compute.choose() == Compute()
    with pytest.raises(ValueError, match='or take cpu'):
        Compute.choose('cuda:0')


def test_whole_batch_is_placed():
    targets = [BoxTargets(xyxy=torch.ones(1, 4), class_ids=torch.ones(1), ignored=torch.ones(1))]
    batch = placed(BoxBatch(images=torch.ones(1, 3, 2, 2), targets=targets), torch.device('meta'))
    found = [batch.images, *vars(batch.targets[0]).values()]
    assert [tensor.device.type for tensor in found] == ['meta'] * 4


def test_mixed_precision_learns_and_keeps_weights_in_float32(task, tmp_path):
    trainer = Trainer(task, tmp_path, compute=Compute.choose('cpu', 'bf16'))
    batch = next(iter(task.batches(0)))
    insides: list[torch.dtype] = []
    trainer.model.head.classify.register_forward_hook(lambda *a: insides.append(a[2].dtype))
    totals = [sum(trainer.train_step(batch, 0.0).values()) for _ in range(20)]
    assert totals[-1] < 0.8 * totals[0]
    assert set(insides) == {torch.bfloat16}
    assert {weight.dtype for weight in trainer.model.parameters()} == {torch.float32}


@needs_gpu
def test_training_on_a_gpu_leaves_a_network_for_the_cpu(task, tmp_path):
    trainer = Trainer(task, tmp_path, compute=Compute.choose('cuda', 'auto'))
    trainer.run()
    assert device_of(trainer.model).type == 'cuda'
    assert device_of(trainer.best_model()).type == 'cpu'
