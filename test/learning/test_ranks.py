import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from perception_nodes.learning.data.batches import training_batches
from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.learning.ranks import Ranks, join_ranks, own_device
from perception_nodes.learning.recipe import ScheduleRecipe, recipe_to_dict

SCRIPT = """
import json, sys
from pathlib import Path

import torch

from perception_nodes.evaluation.ground_truth import read_coco
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.ranks import join_ranks
from perception_nodes.learning.recipe import read_recipe
from perception_nodes.learning.recipes.detection import DetectionRecipe
from perception_nodes.learning.tasks.detection import DetectionTask

torch.set_num_threads(1)
recipe, labels, out = map(Path, sys.argv[1:])
ranks = join_ranks('cpu')
pictures = read_coco(labels)
task = DetectionTask(read_recipe(recipe, DetectionRecipe), pictures, pictures)
seen = [int(batch.images.sum()) for batch in task.batches(0)]
trainer = Trainer(task, out / 'run', time_limit_s=600)
seeds = set()
trainer.run([lambda now: seeds.add(torch.initial_seed())])
weights = [float(weight.double().sum()) for weight in trainer.model.parameters()]
told = {'weights': weights, 'steps': trainer.step, 'first_pictures': seen}
told |= {'history': trainer.history(), 'seeds': sorted(seeds)}
(out / f'rank_{ranks.rank}_of_{ranks.count}.json').write_text(json.dumps(told))
"""


NETWORKS = """
import hashlib, json, sys
from pathlib import Path

import torch
from torch import nn

from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.ranks import join_ranks
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.learning.tasks.segmentation import SegmentationTask

def digest(tensors):
    return hashlib.sha256(b''.join(x.detach().numpy().tobytes() for x in tensors)).hexdigest()

torch.set_num_threads(1)
told, out = {}, Path(sys.argv[1])
ranks = join_ranks('cpu')
labelled = open_masked_set(sys.argv[2])
for name, values in json.loads(sys.argv[3]).items():
    recipe = recipe_from_dict(values, SegmentationRecipe)
    task = SegmentationTask(recipe, labelled, labelled, Path(sys.argv[4]))
    if name == 'other draws':
        task.seed += ranks.rank
    trainer = Trainer(task, out / name)
    begun = digest(trainer.model.state_dict().values())
    trainer.run()
    told[name] = {'begun': begun, 'ended': digest(trainer.model.parameters())}

class Looks:
    # A task whose network never gets better.
    def __init__(self, task):
        self.task = task
    def __getattr__(self, name):
        return getattr(self.task, name)
    def validate(self, model):
        return {task.metric: 0.5}

task = Looks(SegmentationTask(recipe_from_dict(json.loads(sys.argv[5]), SegmentationRecipe),
                              labelled, labelled))
for words, resume in (('patient', False), ('resumed', True)):
    trainer = Trainer(task, out / 'patient', resume=resume)
    begun = trainer.step
    trainer.run()
    told[words] = {'begun': begun, 'steps': trainer.step, 'end': trainer.early_end}
width = 4 + 2 * ranks.rank
layers = nn.Sequential(nn.Conv2d(3, width, 1), nn.BatchNorm2d(width))
aligned = ranks.aligned(layers, torch.device('cpu')).state_dict()
told['widths'] = [len(layers[0](torch.zeros(1, 3, 2, 2))[0]), digest(aligned.values())]
(out / f'rank_{ranks.rank}.json').write_text(json.dumps(told))
"""


def run_twice(script: str, folder: Path, *words: object) -> None:
    """Run a script in two processes of one training."""
    file = folder / 'train.py'
    file.write_text(script)
    done = subprocess.run(
        [
            sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2',
            str(file), *map(str, words),
        ],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_two_processes_see_other_pictures_and_take_the_same_steps(
    small_recipe, coco_folder, tmp_path: Path
):
    values = json.loads(json.dumps(recipe_to_dict(small_recipe)))
    values['schedule'] |= {'batch': 2, 'epochs': 2}
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text(yaml.safe_dump(values))
    run_twice(SCRIPT, tmp_path, recipe, coco_folder / 'annotations.json', tmp_path)
    first, second = (
        json.loads((tmp_path / f'rank_{rank}_of_2.json').read_text()) for rank in range(2)
    )
    assert first['weights'] == pytest.approx(second['weights'], rel=1e-6)
    assert first['steps'] == second['steps'] > 0
    assert first['first_pictures'] != second['first_pictures']
    assert len({*first['seeds'], *second['seeds']}) == 4, 'each epoch of each augments differently'
    assert first['history']['processes'] == 2
    record = (tmp_path / 'run' / 'metrics.jsonl').read_text().splitlines()
    assert [json.loads(line)['epoch'] for line in record] == [1, 2], 'written once'


def test_processes_begin_and_end_with_one_network_and_end_together(
    mask_recipe, masks_folder, tmp_path: Path
):
    values = json.loads(json.dumps(recipe_to_dict(mask_recipe)))
    values['schedule'] |= {'epochs': 1, 'epoch_pictures': 4}
    cases = {
        'start': {},
        'pruned': {'pruning': {'macs': 0.6, 'weights': 0.7, 'batches': 1, 'round_to': 4}},
        'quantised': {'quantised': {'form': 'int8', 'pictures': 2}},
        'other draws': {},
    }
    patient = {**values, 'schedule': {**values['schedule'], 'epochs': 6, 'patience': 2}}
    model = SegmenterNet(mask_recipe).eval()
    start = export_onnx(
        model, tmp_path / 'start.onnx', size_wh=mask_recipe.input_wh, output_names=('logits',)
    )
    run_twice(
        NETWORKS, tmp_path, tmp_path, f'masks:{masks_folder}',
        json.dumps({name: {**values, **changes} for name, changes in cases.items()}), start,
        json.dumps(patient),
    )  # fmt: skip
    first, second = (json.loads((tmp_path / f'rank_{rank}.json').read_text()) for rank in range(2))
    assert first == second
    assert all(first[name]['begun'] != first[name]['ended'] for name in cases)
    assert first['patient']['steps'] == 3, 'a step an epoch, the second and third no better'
    assert first['patient']['end'].startswith('after epoch 3 of 6: no better mIoU')
    assert first['resumed'] == {**first['patient'], 'begun': 3}
    assert first['widths'][0] == 4


def test_processes_vary_the_same_picture_in_their_own_ways():
    pictures = torch.zeros(8)
    schedule = ScheduleRecipe(batch=4)
    seeds, orders = [], []
    for rank in range(2):
        ranks = Ranks(rank=rank, count=2)
        batches = training_batches(
            list(pictures), schedule, workers=0, seed=5, collate=list, ranks=ranks
        )
        orders.append(list(batches.sampler))
        seeds.append(torch.empty((), dtype=torch.int64).random_(generator=batches.generator))
    assert sorted([*orders[0], *orders[1]]) == list(range(8)), 'one order is shared'
    assert seeds[0] != seeds[1], 'of the workers'
    assert Ranks(rank=0, count=2).own_seed(5) == 5 != Ranks(rank=1, count=2).own_seed(5)


def test_one_process_alone_averages_and_waits_for_nothing():
    ranks = Ranks.now()
    assert ranks == Ranks(rank=0, count=1)
    assert ranks.leads
    assert join_ranks('cpu') == ranks
    assert own_device('cpu') == 'cpu'
    assert ranks.agreed(lambda: 0.25, torch.device('cpu')) == 0.25
    model = nn.Linear(2, 1)
    model(torch.ones(1, 2)).sum().backward()
    before = model.weight.grad.clone()
    ranks.average_gradients(model)
    assert torch.equal(model.weight.grad, before)


def test_shares_are_disjoint_and_of_one_length():
    whole = list(range(11))
    shares = [Ranks(rank=rank, count=3).share(whole) for rank in range(3)]
    assert shares == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert Ranks().share(whole) == whole


def test_batch_that_cannot_be_shared_is_refused_with_the_cure():
    assert Ranks(count=4).share_of(8) == 2
    with pytest.raises(ValueError, match='batch: 6 cannot be shared by 4'):
        Ranks(count=4).share_of(6)
