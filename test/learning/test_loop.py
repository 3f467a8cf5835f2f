import dataclasses
import json
import math
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from perception_nodes.evaluation.ground_truth import GroundTruth, read_coco
from perception_nodes.learning.averaging import averaged, rate_factor
from perception_nodes.learning.curve import read_record
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.replicas import Replicas
from perception_nodes.learning.tasks.detection import DetectionTask


@pytest.fixture
def task(coco_folder, small_recipe) -> DetectionTask:
    pictures = read_coco(coco_folder / 'annotations.json')
    return DetectionTask(small_recipe, pictures, pictures)


def test_loss_falls_when_two_pictures_are_learnt_by_heart(task, tmp_path: Path):
    trainer = Trainer(task, tmp_path)
    batch = next(iter(task.batches(0)))
    totals = [sum(trainer.train_step(batch, 0.0).values()) for _ in range(20)]
    assert totals[-1] < 0.8 * totals[0]


def test_resumed_run_takes_the_same_steps(task, tmp_path: Path):
    steps: dict[str, list] = {'whole': [], 'broken': []}

    def noting(name: str):
        return lambda now: steps[name].append((now.step, now.losses))

    Trainer(task, tmp_path / 'whole').run([noting('whole')])
    first = Trainer(task, tmp_path / 'broken')
    first._run_epoch([noting('broken')])
    first.epoch += 1
    steps['broken'].append((first.step, None))
    first._save({}, {})
    Trainer(task, tmp_path / 'broken', resume=True).run([noting('broken')])
    whole = [losses for _, losses in steps['whole']]
    broken = [losses for _, losses in steps['broken'] if losses]
    # The whole run tells each epoch's mean after its steps, the broken one only the second's.
    assert whole[3:] == broken[2:]


def test_run_leaves_best_weights_and_a_record(task, tmp_path: Path):
    best = Trainer(task, tmp_path).run()
    lines = [json.loads(line) for line in (tmp_path / 'metrics.jsonl').read_text().splitlines()]
    assert [line['epoch'] for line in lines] == [1, 2]
    assert {'class', 'box', 'quality', 'mAP50'} <= set(lines[0])
    task.build_model().load_state_dict(torch.load(best, weights_only=True))


def test_new_run_removes_what_an_earlier_one_left(task, tmp_path: Path):
    for name in ('last.pt', 'best.pt', 'metrics.jsonl'):
        (tmp_path / name).write_text('of an earlier run')
    trainer = Trainer(task, tmp_path)
    assert not list(tmp_path.glob('*.*'))
    trainer.run()
    assert len(read_record(tmp_path / 'metrics.jsonl')) == 2


def test_run_of_another_recipe_is_not_resumed_and_stays(task, small_recipe, tmp_path: Path):
    Trainer(task, tmp_path, sources={'data': 'drawn'}).run()
    recipe = dataclasses.replace(small_recipe, seed=5)
    other = DetectionTask(recipe, task.truth, task.truth)
    with pytest.raises(ValueError, match='seed was 0, is 5'):
        Trainer(other, tmp_path, sources={'data': 'drawn'}, resume=True)
    with pytest.raises(ValueError, match='data was drawn, is absent'):
        Trainer(task, tmp_path, resume=True)
    assert (tmp_path / 'best.pt').exists()
    assert Trainer(task, tmp_path, sources={'data': 'drawn'}, resume=True).epoch == 2


def told_by(task, figures: Iterable[float]):
    """Return the task with given figures of the validations to come."""
    following = iter(figures)
    task.validate = lambda model: {'mAP50': next(following)}
    return task


def test_run_ends_when_its_patience_does_also_when_resumed(task, tmp_path: Path):
    task.schedule = dataclasses.replace(task.schedule, epochs=5, patience=2, batch=4)
    figures = [0.2, 0.3, 0.1, 0.3, 0.9]
    whole = Trainer(told_by(task, figures), tmp_path / 'whole')
    whole.run()
    assert whole.epoch == 4
    assert whole.history()['ended_early'] == (
        'after epoch 4 of 5: no better mAP50 for a patience of 2'
    )
    first = Trainer(told_by(task, figures[:3]), tmp_path / 'broken')
    with pytest.raises(StopIteration):
        first.run()
    again = Trainer(told_by(task, figures[3:]), tmp_path / 'broken', resume=True)
    assert again.best.waited == 1
    again.run()
    assert again.epoch == 4
    assert again.history()['validation_mAP50'] == 0.3
    over = Trainer(told_by(task, []), tmp_path / 'broken', resume=True)
    over.run()
    assert over.early_end == whole.early_end
    task.schedule = dataclasses.replace(task.schedule, patience=0)
    more = Trainer(told_by(task, [0.4]), tmp_path / 'broken', resume=True)
    more.run()
    assert more.epoch == 5
    assert 'ended_early' not in more.history()


def test_figure_that_is_not_finite_ends_the_run_at_the_first_validation(task, tmp_path: Path):
    with pytest.raises(ValueError, match=r'mAP50: nan .* cannot choose'):
        Trainer(told_by(task, [math.nan]), tmp_path).run()


@pytest.mark.parametrize('side', ['training', 'validation'])
def test_set_without_an_object_is_refused_before_training(task, small_recipe, side):
    content = dict(task.truth.content)
    content['annotations'] = [{**item, 'iscrowd': 1} for item in content['annotations']]
    sets = {'training': task.truth, 'validation': task.truth, side: GroundTruth(content, Path())}
    with pytest.raises(ValueError, match=rf'{side}: .* no object of disc, square'):
        DetectionTask(small_recipe, **sets)


def test_time_limit_ends_the_run(task, tmp_path: Path):
    trainer = Trainer(task, tmp_path, time_limit_s=1e-6)
    trainer.run()
    assert trainer.step == 1


def test_loss_that_is_not_finite_stops_the_run_with_the_cure(task, tmp_path: Path):
    trainer = Trainer(task, tmp_path)
    with torch.no_grad():
        trainer.model.head.classify.bias.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match='learning_rate'):
        trainer.train_step(next(iter(task.batches(0))), 0.0)


def test_training_without_pictures_is_refused(small_recipe):
    nothing = GroundTruth({'images': [], 'annotations': [], 'categories': []}, Path())
    with pytest.raises(ValueError, match='at least one'):
        DetectionTask(small_recipe, nothing, nothing)


def test_average_follows_the_weights_slower_than_they_move():
    model = torch.nn.Linear(1, 1, bias=False)
    mean = averaged(model, 0.9)
    with torch.no_grad():
        model.weight.fill_(0.0)
        mean.update_parameters(model)
        for _ in range(200):
            mean.update_parameters(model)
        model.weight.fill_(1.0)
        mean.update_parameters(model)
    assert mean.module.weight.item() == pytest.approx(0.1, abs=1e-6)


def test_pace_warms_up_and_falls():
    assert rate_factor(0, 9, 0.0) == pytest.approx(0.1)
    assert rate_factor(9, 9, 0.0) == pytest.approx(1.0)
    assert rate_factor(99, 9, 1.0) == pytest.approx(0.02)
    assert rate_factor(99, 9, 7.0) == pytest.approx(0.02)


def test_two_threads_share_weights_and_average_gradients(task):
    torch.manual_seed(0)
    model = task.build_model().eval()
    alone, together = Replicas(model, 1), Replicas(model, 2)
    batch = next(iter(task.batches(0)))
    parts = task.parts(batch, 2)
    assert [len(part.targets) for part in parts] == [1, 1]
    expected = []
    for part in parts:
        alone.zero_grad()
        alone.backward(task.loss, [part])
        expected.append(model.head.classify.weight.grad.clone())
    together.zero_grad()
    together.backward(task.loss, parts)
    mean = torch.stack(expected).mean(0)
    assert torch.allclose(model.head.classify.weight.grad, mean, atol=1e-6)
    twin = together.models[1]
    assert twin.head.classify.weight.data_ptr() == model.head.classify.weight.data_ptr()


def test_two_threads_learn(task, tmp_path: Path):
    trainer = Trainer(task, tmp_path, threads=2)
    batch = next(iter(task.batches(0)))
    totals = [sum(trainer.train_step(batch, 0.0).values()) for _ in range(12)]
    assert totals[-1] < totals[0]
