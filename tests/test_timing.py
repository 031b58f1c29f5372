"""How long something will take: from what was measured before, and from how a run goes."""

import io

import pytest
from rich.console import Console

from dropnorm import progress
from dropnorm.errors import UserError
from dropnorm.files import write_json
from dropnorm.names import Place, ResultName
from dropnorm.progress import StepProgress
from dropnorm.protocol import load
from dropnorm.timing import core_seconds, in_words, ms_per_replica_step, parse_duration

NAME = ResultName("ioffe2015", "figure1")


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-3s", "9 m", "1d"])
def test_what_is_no_duration(text):
    with pytest.raises(UserError, match="write 90s, 9m or 2h"):
        parse_duration(text)


def test_seconds_of_a_core_are_steps_times_seeds_times_what_one_took(root):
    protocol = load(root, NAME, "smoke")
    steps = protocol.arms["baseline"].steps
    known = {"baseline": 2.0, "batchnorm": 4.0, "baseline.lr-0.1": 6.0}
    assert core_seconds(protocol, {"baseline": 3, "batchnorm": 0}, known) == pytest.approx(2e-3 * steps * 3)
    # What was never timed takes as long as the middle of the others.
    assert core_seconds(protocol, {"batchnorm.lr-0.1": 1}, known) == pytest.approx(4e-3 * steps)
    assert core_seconds(protocol, {"baseline": 3}, {}) is None
    assert in_words(860.4) == "about 0:14:20 on one core"
    assert in_words(None) == "time unknown"


def test_the_nearest_measurement_is_taken_and_smoke_last(root, tmp_path):
    results, published = tmp_path / "results", tmp_path / "published"
    place, protocol = Place(results, "full", NAME), load(root, NAME, "full")

    def known():
        return ms_per_replica_step(place, protocol, published).get("baseline")

    assert known() is None
    measured = [(results, "smoke", 1), (published, "paper", 2), (results, "paper", 3), (published, "full", 4)]
    for folder, scale, ms in [*measured, (results, "full", 5)]:  # each nearer than those before
        arms = {"baseline": {"ms_per_replica_step": ms}}
        write_json(Place(folder, scale, NAME).file("provenance.json"), {"arms": arms})
        assert known() == ms


def test_time_left_follows_the_steps_of_this_session_alone(monkeypatch):
    """A run that goes on at step 500 and makes 10 steps a second has 49 s left at step 510 of 1,000."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "LOG_EVERY", 1.0)
    console = Console(file=io.StringIO(), width=200)
    with StepProgress("figure", 1000, console, first=500) as steps:
        for step in (505, 510, 515, 520):
            now[0] = (step - 500) / 10
            steps.update(step)
    lines = console.file.getvalue().splitlines()
    assert lines == ["figure: step 510 of 1,000, 0:00:49 left", "figure: step 520 of 1,000, 0:00:48 left"]


def test_time_left_follows_a_change_of_pace(monkeypatch):
    """Ten steps a second up to step 100, then one: at step 110 of 130 the 20 that are left take 20 s."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "LOG_EVERY", 1.0)
    console = Console(file=io.StringIO(), width=200)
    with StepProgress("figure", 130, console) as steps:
        for step in range(1, 111):
            now[0] += 0.1 if step <= 100 else 1.0
            steps.update(step)
    assert console.file.getvalue().splitlines()[-1] == "figure: step 110 of 130, 0:00:20 left"
