"""Every idea of the guide has a command that shows it, a file to read and a test that holds it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from test_docs import resolve

from nnguide.cli.blueprint import command as blueprint

ROOT = Path(__file__).parent.parent


class Idea(NamedTuple):
    """An idea of docs/guide.md, in its order, and where it is run, read and tested."""

    idea: str
    commands: tuple[str, ...]
    files: tuple[str, ...]
    tests: tuple[str, ...]


IDEAS = (
    Idea(
        "The neuron: weights, bias and inputs give z and a; a negative weight pulls down",
        ("nnguide blueprint neuron",),
        ("nnguide/blueprints/neuron.py",),
        ("tests/blueprints/test_neuron_and_trace.py::test_the_neuron_of_the_guide",),
    ),
    Idea(
        "without a bias zero in means zero out",
        ("nnguide blueprint neuron --inputs 0,0 --bias 0",),
        ("nnguide/blueprints/neuron.py",),
        ("tests/blueprints/test_neuron_and_trace.py::test_without_a_bias_zero_in_means_zero_out",),
    ),
    Idea(
        "Activations: value, derivative and picture of each",
        ("nnguide blueprint activations",),
        ("nnguide/blueprints/activations.py",),
        ("tests/blueprints/test_activations.py::test_the_way_back_is_the_derivative",),
    ),
    Idea(
        "safe for z = ±1000",
        ("nnguide blueprint activations",),
        ("nnguide/blueprints/activations.py",),
        ("tests/blueprints/test_activations.py::test_nothing_overflows",),
    ),
    Idea(
        "Why non-linear: two linear layers are one; XOR fails without an activation",
        ("nnguide blueprint linear",),
        ("nnguide/blueprints/experiments/linear_layers.py",),
        ("tests/blueprints/test_experiments.py::test_two_linear_layers_are_one_and_fail_at_xor",),
    ),
    Idea(
        "Layers: input, hidden, output; one sigmoid node or k softmax nodes",
        ("nnguide blueprint trace",),
        ("nnguide/models/dense.py", "nnguide/models/heads.py"),
        (
            "tests/models/test_builders.py::test_the_dense_network_of_the_guide",
            "tests/models/test_builders.py::test_a_head_agrees_with_itself",
        ),
    ),
    Idea(
        "Forward pass, step by step for one example",
        ("nnguide blueprint trace --inputs 1,2",),
        ("nnguide/blueprints/trace.py",),
        (
            "tests/blueprints/test_neuron_and_trace.py::test_the_trace_holds_what_the_network_computes",
        ),
    ),
    Idea(
        "Losses: squared error, binary and categorical cross-entropy",
        ("nnguide blueprint neuron", "nnguide blueprint train --data moons --loss mse"),
        ("nnguide/blueprints/losses.py",),
        ("tests/blueprints/test_losses.py::test_value_and_delta",),
    ),
    Idea(
        "confident wrong answers cost without bound and stay finite",
        ("nnguide blueprint losses",),
        ("nnguide/blueprints/losses.py",),
        (
            "tests/blueprints/test_losses.py::test_confident_wrong_answers_cost_without_bound_and_stay_finite",
        ),
    ),
    Idea(
        "Backpropagation of one neuron, in four ways",
        ("nnguide blueprint neuron",),
        ("nnguide/blueprints/neuron.py",),
        ("tests/blueprints/test_neuron_and_trace.py::test_all_ways_to_the_slopes_agree",),
    ),
    Idea(
        "backpropagation through layers",
        ("nnguide blueprint trace",),
        ("nnguide/blueprints/network2.py",),
        (
            "tests/blueprints/test_neuron_and_trace.py::test_the_trace_holds_what_the_network_computes",
        ),
    ),
    Idea(
        "the gradient check, which catches planted mistakes",
        ("nnguide blueprint check",),
        ("nnguide/blueprints/gradient_check.py",),
        (
            "tests/blueprints/test_gradient_check.py::test_every_activation_loss_and_depth",
            "tests/blueprints/test_gradient_check.py::test_a_wrong_activation_is_caught",
        ),
    ),
    Idea(
        "Gradient descent: one rate crawls, one converges, one diverges",
        ("nnguide blueprint rates",),
        ("nnguide/blueprints/experiments/learning_rates.py",),
        ("tests/blueprints/test_experiments.py::test_one_rate_crawls_one_converges_one_diverges",),
    ),
    Idea(
        "momentum, Adam, AdamW",
        ("nnguide blueprint train --data moons --optimizer adamw",),
        ("nnguide/blueprints/optimizers.py",),
        ("tests/blueprints/test_optimizers.py::test_adam_as_published",),
    ),
    Idea(
        "Batches: full, one at a time, mini-batch",
        ("nnguide blueprint batches",),
        ("nnguide/blueprints/optimizers.py",),
        ("tests/blueprints/test_experiments.py::test_smaller_batches_make_more_updates",),
    ),
    Idea(
        "Epochs, rate decay: constant, step, exponential, cosine, one-cycle",
        ("nnguide blueprint schedules",),
        ("nnguide/blueprints/optimizers.py", "nnguide/models/optimizers.py"),
        (
            "tests/blueprints/test_optimizers.py::test_rates_at_their_marks",
            "tests/training/test_schedules.py::test_one_cycle_rises_and_falls",
        ),
    ),
    Idea(
        "From scratch: a network in a hundred lines of NumPy",
        ("python -m nnguide.blueprints.network",),
        ("nnguide/blueprints/network.py",),
        ("tests/blueprints/test_network.py::test_it_runs_alone_prints_the_check_and_reads_digits",),
    ),
    Idea(
        "with every refinement",
        ("nnguide blueprint train --backend numpy --data moons",),
        ("nnguide/blueprints/network2.py",),
        ("tests/blueprints/test_network2.py::test_it_learns",),
    ),
    Idea(
        "Convolution: a kernel over a digit, feature maps, pooling, stride",
        ("nnguide blueprint convolution",),
        ("nnguide/blueprints/convolution.py",),
        (
            "tests/blueprints/test_convolution.py::test_the_way_back_is_the_derivative",
            "tests/blueprints/test_experiments.py::test_a_convolution_number_by_number",
        ),
    ),
    Idea(
        "weights found by hand in a run like any other",
        ("nnguide blueprint train --data digits --out by-hand",),
        ("nnguide/blueprints/save_run.py",),
        ("tests/blueprints/test_train_problem.py::test_the_twin_answers_as_the_network_by_hand",),
    ),
    Idea(
        "its twin in PyTorch: autograd, DataLoader with pinned memory, autocast",
        ("nnguide blueprint train --backend torch --data moons",),
        ("nnguide/blueprints/torch_net.py",),
        ("tests/blueprints/test_twins.py::test_mixed_precision_learns",),
    ),
    Idea(
        "its twin in Keras",
        ("nnguide blueprint train --backend keras --data moons",),
        ("nnguide/blueprints/keras_net.py",),
        ("tests/blueprints/test_twins.py::test_all_three_reach_the_same_figure_on_moons",),
    ),
    Idea(
        "the same weights give the same predictions, gradients and path",
        ("nnguide blueprint twins",),
        ("nnguide/blueprints/twins.py",),
        (
            "tests/blueprints/test_twins.py::test_answers_and_slopes",
            "tests/blueprints/test_twins.py::test_one_path_of_each_rule",
        ),
    ),
    Idea(
        "Digits: 784 inputs, 10 outputs, the most probable wins",
        ("nnguide train digits", "nnguide predict digits docs/digit.png"),
        ("nnguide/tasks/digits.py",),
        (
            "tests/contracts/test_every_task.py::test_it_learns_in_a_few_epochs",
            "tests/blueprints/test_digits.py::test_it_reads_digits",
        ),
    ),
    Idea(
        "Spam: tokens, embeddings, one node",
        ("nnguide train spam", 'nnguide blueprint trace --text "free offer"'),
        ("nnguide/tasks/spam.py", "nnguide/models/text.py"),
        (
            "tests/models/test_builders.py::test_the_text_network_has_one_node",
            "tests/blueprints/test_neuron_and_trace.py::test_a_message_through_the_spam_network",
        ),
    ),
    Idea(
        "a threshold that the user chooses",
        ("nnguide threshold spam --max-blocked-ham 0.01",),
        ("nnguide/evaluation/thresholds.py",),
        ("tests/evaluation/test_thresholds.py::test_the_lowest_threshold_within_the_bound",),
    ),
    Idea(
        "Overfitting: dropout, L1, L2 and early stopping, curves side by side",
        ("nnguide blueprint overfit",),
        ("nnguide/blueprints/training_loop.py",),
        ("tests/blueprints/test_experiments.py::test_each_cure_helps_and_only_l1_makes_zeros",),
    ),
    Idea(
        "L1 makes weights exactly zero, L2 shrinks them",
        ("nnguide blueprint overfit",),
        ("nnguide/blueprints/optimizers.py",),
        (
            "tests/blueprints/test_network2.py::test_l1_makes_weights_exactly_zero",
            "tests/blueprints/test_network2.py::test_l2_shrinks_weights",
        ),
    ),
    Idea(
        "Small data: transfer from another network, enough updates, statistics of few steps",
        ("nnguide train digits --from digits",),
        (
            "nnguide/training/starting.py",
            "nnguide/training/updates.py",
            "nnguide/training/callbacks.py",
        ),
        (
            "tests/training/test_starting.py::test_other_labels_get_a_new_head",
            "tests/training/test_updates.py::test_what_a_user_sets_stays",
            "tests/training/test_fit.py::test_few_steps_leave_no_stale_statistics",
        ),
    ),
    Idea(
        "early stopping returns to the best weights",
        ("nnguide train digits --patience 3",),
        ("nnguide/blueprints/training_loop.py", "nnguide/training/callbacks.py"),
        (
            "tests/blueprints/test_network2.py::test_early_stopping_returns_to_the_best_weights",
            "tests/training/test_fit.py::test_early_stopping_ends_with_the_best_weights",
        ),
    ),
    Idea(
        "Common mistakes: unscaled inputs",
        ("nnguide blueprint scaling",),
        ("nnguide/blueprints/experiments/feature_scaling.py",),
        (
            "tests/blueprints/test_experiments.py::test_scaled_inputs_are_learned_and_raw_ones_are_not",
        ),
    ),
    Idea(
        "vanishing gradients, per layer",
        ("nnguide blueprint vanishing",),
        ("nnguide/blueprints/experiments/vanishing_gradients.py",),
        ("tests/blueprints/test_experiments.py::test_sigmoids_let_the_gradient_vanish",),
    ),
    Idea(
        "a loss that does not fit is refused, with the one that does",
        ("nnguide blueprint train --data moons --loss mse",),
        ("nnguide/blueprints/settings.py",),
        ("tests/blueprints/test_settings.py::test_a_wrong_setting_is_named",),
    ),
    Idea(
        "mistakes found in a user's own model, with the fix",
        ("nnguide doctor my_model.py:build",),
        ("nnguide/doctor/",),
        (
            "tests/doctor/test_suite_sample.py::test_a_planted_mistake_is_found_by_its_rule",
            "tests/doctor/test_suite_sample.py::test_a_healthy_model_has_no_finding",
        ),
    ),
    Idea(
        "Speed: input pipelines that keep the processor busy",
        ("nnguide train digits",),
        ("nnguide/training/pipeline.py",),
        ("tests/training/test_pipeline.py::test_whole_batches_of_an_epoch_hold_everything",),
    ),
    Idea(
        "GPUs and mixed precision",
        ("nnguide train digits --precision mixed_float16 --strategy mirrored",),
        ("nnguide/training/runtime.py", "scripts/gpu_check"),
        ("tests/test_runtime.py",),
    ),
    Idea(
        "Looking inside: the first layer's pictures",
        ("nnguide blueprint filters by-hand",),
        ("nnguide/blueprints/experiments/first_layer.py",),
        ("tests/blueprints/test_experiments.py::test_filters_of_any_first_layer",),
    ),
    Idea(
        "the pull of each token of a message",
        ('nnguide blueprint trace --text "wire money"',),
        ("nnguide/blueprints/trace_text.py",),
        ("tests/blueprints/test_neuron_and_trace.py::test_a_message_through_the_spam_network",),
    ),
    Idea(
        "SHAP, LIME and gradient attributions for one prediction",
        ("nnguide explain digits docs/digit.png --compare",),
        ("nnguide/explain/",),
        (
            "tests/explain/test_explain.py::test_deleting_by_the_explanation_beats_deleting_at_random",
            "tests/explain/test_explain.py::test_integrated_gradients_sum_to_what_the_input_adds",
        ),
    ),
    Idea(
        "an audit of a whole model",
        ("nnguide audit spam --out spam.html",),
        ("nnguide/audit/",),
        (
            "tests/audit/test_collect.py::test_the_figures_are_those_of_evaluate",
            "tests/audit/test_page.py::test_nothing_is_loaded_from_elsewhere",
        ),
    ),
    Idea(
        "settings found by a search, and whether the gain is more than luck",
        ("nnguide tune spam --trials 10",),
        ("nnguide/tuning/",),
        ("tests/tuning/test_search.py::test_the_comparison_is_honest",),
    ),
    Idea(
        "Use: the trained model in other programs",
        ("nnguide export digits --format saved_model",),
        ("nnguide/export/",),
        ("tests/export/test_saved_model.py::test_picture_files_are_answered_without_nnguide",),
    ),
    Idea(
        "the guide, live in the browser",
        ("nnguide learn descent",),
        ("nnguide/learn/",),
        ("tests/learn/test_lessons.py::test_every_number_is_what_the_copied_python_gives",),
    ),
    Idea(
        "the trained model behind an address",
        ("nnguide serve",),
        ("nnguide/serving/",),
        ("tests/serving/test_bounds.py::test_a_full_queue_is_429_and_says_when_to_come_again",),
    ),
)
by_idea = pytest.mark.parametrize("idea", IDEAS, ids=lambda idea: idea.idea[:40])


@by_idea
def test_its_commands_exist(idea: Idea) -> None:
    for command in idea.commands:
        words = shlex.split(command)
        if words[0] == "nnguide":
            resolve(words[1:])
        else:
            assert words[:2] == ["python", "-m"], command
            assert (ROOT / words[2].replace(".", "/")).with_suffix(".py").exists(), command


@by_idea
def test_its_files_exist(idea: Idea) -> None:
    assert idea.files
    for path in idea.files:
        assert (ROOT / path).exists(), path


@by_idea
def test_its_tests_exist(idea: Idea) -> None:
    assert idea.tests
    for test in idea.tests:
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text("utf-8"), test


def test_every_command_of_the_guide_shows_an_idea() -> None:
    shown = {
        shlex.split(command)[2]
        for idea in IDEAS
        for command in idea.commands
        if command.startswith("nnguide blueprint ")
    }
    assert shown == set(blueprint.commands)
