import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from perception_nodes.learning.ranks import Ranks, join_ranks, own_device
from perception_nodes.learning.recipe import recipe_to_dict

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
trainer.run()
weights = [float(weight.double().sum()) for weight in trainer.model.parameters()]
told = {'weights': weights, 'steps': trainer.step, 'first_pictures': seen}
(out / f'rank_{ranks.rank}_of_{ranks.count}.json').write_text(json.dumps(told))
"""


def test_two_processes_see_other_pictures_and_take_the_same_steps(
    small_recipe, coco_folder, tmp_path: Path
):
    values = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in recipe_to_dict(small_recipe).items()
    }
    values['schedule'] |= {'batch': 2, 'epochs': 2}
    recipe, script = tmp_path / 'recipe.yaml', tmp_path / 'train.py'
    recipe.write_text(yaml.safe_dump(values))
    script.write_text(SCRIPT)
    done = subprocess.run(
        [
            sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2',
            str(script), str(recipe), str(coco_folder / 'annotations.json'), str(tmp_path),
        ],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (
        json.loads((tmp_path / f'rank_{rank}_of_2.json').read_text()) for rank in range(2)
    )
    assert first['weights'] == pytest.approx(second['weights'], rel=1e-6)
    assert first['steps'] == second['steps'] > 0
    assert first['first_pictures'] != second['first_pictures']
    record = (tmp_path / 'run' / 'metrics.jsonl').read_text().splitlines()
    assert [json.loads(line)['epoch'] for line in record] == [1, 2], 'written once'


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
