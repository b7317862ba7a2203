"""Rules about training: penalties, learning rate and history.

A short probe tests the learning rate.
"""

from __future__ import annotations

import numpy as np

from nnguide.doctor.case import Case
from nnguide.doctor.data import arrays
from nnguide.doctor.probes import RateProbe, reason, tensors, unchanged
from nnguide.doctor.rule import CannotCheckError, Evidence, rule

LEARNS = 0.05  # fraction of the loss that a good rate removes in a probe
STANDS = 0.005  # share that is no progress
SPIKE = 5.0  # times its start that the loss reaches only where steps are too long
FEWEST_EPOCHS = 4  # from which a history shows a course


def penalty_and_loss(case: Case) -> tuple[float, float]:
    """Return the sum of all weight penalties, and the loss.

    The loss is that of guessing or the present one, the larger.
    """
    x, y = case.sample
    model = case.model
    if not getattr(model, "compiled", False) or model._compile_loss is None:
        raise CannotCheckError("the model is not compiled with a loss")
    with unchanged(model):
        try:
            outputs = model(tensors(x), training=False)
            penalty = float(sum(float(loss) for loss in model.losses))
            if not penalty:
                return 0.0, 1.0
            whole = float(model.compute_loss(y=tensors(y), y_pred=outputs))
        except Exception as error:
            raise CannotCheckError(f"the loss cannot be computed ({reason(error)})") from error
    return penalty, max(whole - penalty, _guessing(case, y))


def _guessing(case: Case, y: object) -> float:
    """Return the loss of the same answer for all.

    It is the entropy of classes, the variance of numbers.
    """
    total = 0.0
    for end, labels in zip(case.endings, arrays(y), strict=False):
        if end.family == "distance":
            total += float(np.var(labels))
        elif end.family == "binary":
            total += float(np.log(2))
        elif end.nodes:
            total += float(np.log(max(end.nodes, 2)))
    return total


@rule(
    "drowning-penalty",
    "warning",
    "A weight penalty should be a small part of the loss; where it dominates, the network learns "
    "small weights and nothing else.",
    "Lower the factor: 1e-5 to 1e-3 for L2, less for L1.",
)
def drowning_penalty(case: Case) -> Evidence | None:
    penalty, loss = penalty_and_loss(case)
    if penalty < 3 * loss:
        return None
    return Evidence(
        f"the weight penalty is {penalty:.3g}, the loss of guessing {loss:.3g}",
        {"penalty": penalty, "loss": loss},
    )


@rule(
    "rate-too-large",
    "error",
    "W := W − α ∂L/∂W steps over the minimum when α is too large, and the loss grows from step "
    "to step.",
    "Divide the learning rate by 10 until the loss falls: Adam usually works near 1e-3, plain "
    "gradient descent near 1e-2.",
)
def rate_too_large(case: Case) -> Evidence | None:
    probe = _probe(case)
    own, still = _losses(case, probe.rate), _losses(case, 0.0)
    spiked = not np.isfinite(own).all() or own.max() > SPIKE * still.max()
    if not spiked and _falls(own, still) > STANDS:
        return None
    for factor in (10, 100, 1000, 10_000):
        lower = _losses(case, probe.rate / factor)
        calm = np.isfinite(lower).all() and lower.max() < 1.5 * still.max()
        if calm and _falls(lower, still) > max(LEARNS, 0 if spiked else 2 * _falls(own, still)):
            return _compared(probe.rate, own, probe.rate / factor, lower)
    return None


@rule(
    "rate-too-small",
    "warning",
    "W := W − α ∂L/∂W hardly moves when α is too small: the loss crawls, and an epoch achieves "
    "what one step could.",
    "Multiply the learning rate by 10 until the loss falls at once: Adam usually works near 1e-3, "
    "plain gradient descent near 1e-2.",
)
def rate_too_small(case: Case) -> Evidence | None:
    probe = _probe(case)
    own, still = _losses(case, probe.rate), _losses(case, 0.0)
    if not abs(_falls(own, still)) < STANDS or own.max() > 1.01 * still.max():
        return None
    for factor in (100, 1000, 10_000, 100_000):
        higher = _losses(case, probe.rate * factor)
        if _falls(higher, still) > LEARNS:
            return _compared(probe.rate, own, probe.rate * factor, higher)
    return None


def _compared(rate: float, own: np.ndarray, other: float, losses: np.ndarray) -> Evidence:
    return Evidence(
        f"at learning rate {rate:g} the loss goes from {own[0]:.4g} to {own[-1]:.4g} in a few "
        f"short "
        f"passes, at {other:g} to {losses[-1]:.4g}",
        {
            "rate": rate,
            "losses": own.tolist(),
            "other_rate": other,
            "other_losses": losses.tolist(),
        },
    )


def _probe(case: Case) -> RateProbe:
    """Return the case's learning-rate probe, made once."""
    if case.probe is None:
        case.probe = RateProbe(case)
    return case.probe


def _losses(case: Case, rate: float) -> np.ndarray:
    """Return the losses at a learning rate, measured once."""
    probe = _probe(case)
    if rate not in probe.known:
        probe.known[rate] = probe.losses(rate)
    return probe.known[rate]


def _falls(losses: np.ndarray, still: np.ndarray) -> float:
    """Return by which fraction the loss falls in the last passes.

    -inf where it is not finite. It is compared with the passes of a network that stands still,
    under the same dropout.
    """
    if not np.isfinite(losses).all():
        return -float("inf")
    return float((still[-3:].mean() - losses[-3:].mean()) / max(abs(still[-3:].mean()), 1e-12))


@rule(
    "no-validation",
    "warning",
    "Training metrics alone cannot tell learning from memorizing.",
    "Give fit a validation set: validation_data=(x_val, y_val).",
    cheap=True,
)
def no_validation(case: Case) -> Evidence | None:
    history = case.require_history()
    if any(name.startswith("val_") for name in history):
        return None
    return Evidence(
        f"the history has {', '.join(history)}, and nothing measured on out-of-sample examples",
        {"columns": list(history)},
    )


@rule(
    "overfitting",
    "warning",
    "The training loss keeps falling while the validation loss rises: the network memorizes its "
    "examples.",
    "Stop at the best epoch (EarlyStopping(restore_best_weights=True)), add Dropout or L2, "
    "use a smaller network or more data.",
    cheap=True,
)
def overfitting(case: Case) -> Evidence | None:
    history, epochs = _course(case)
    if "val_loss" not in history:
        raise CannotCheckError("the history has no val_loss")
    loss, held = history["loss"], history["val_loss"]
    best = int(np.nanargmin(held)) if np.isfinite(held).any() else 0
    late = float(np.mean(held[-2:]))
    measured = {"best_epoch": best + 1, "best": float(held[best]), "last": float(held[-1])}
    rises = late > 1.1 * held[best] and best < epochs - 2 and loss[-1] < loss[best]
    if rises and late - held[best] > 0.02:
        return Evidence(
            f"val_loss is lowest in epoch {best + 1} ({held[best]:.3g}) and {held[-1]:.3g} in the "
            f"last, while loss falls from {loss[best]:.3g} to {loss[-1]:.3g}",
            measured,
        )
    if {"accuracy", "val_accuracy"} <= set(history):
        gap = float(np.mean(history["accuracy"][-2:] - history["val_accuracy"][-2:]))
        if gap > 0.1:
            return Evidence(
                f"in the end accuracy is {history['accuracy'][-1]:.1%} in training and "
                f"{history['val_accuracy'][-1]:.1%} on validation",
                {**measured, "gap": gap},
            )
    return None


@rule(
    "underfitting",
    "warning",
    "A loss that hardly falls, or still falls fast when training ends: the network has not learned "
    "what the data can teach.",
    "Train longer, raise the learning rate, or use a larger network; remove penalties and dropout "
    "while it underfits.",
    cheap=True,
)
def underfitting(case: Case) -> Evidence | None:
    history, epochs = _course(case)
    loss = history["loss"]
    if not np.isfinite(loss).all():
        return Evidence("the loss is not finite", {"loss": None}, severity="error")
    fallen = float(1 - loss[-1] / loss[0]) if loss[0] > 0 else 1.0
    if loss[0] > 0 and fallen < 0.1:
        return Evidence(
            f"the loss is {loss[0]:.4g} in the first epoch and {loss[-1]:.4g} in the last of "
            f"{epochs}",
            {"first": float(loss[0]), "last": float(loss[-1]), "fallen": fallen},
        )
    held = history.get("val_loss", loss)
    late = [float(1 - column[-1] / column[-3]) for column in (loss, held) if column[-3] > 0]
    if late and min(late) > 0.3:
        return Evidence(
            f"in the last two of {epochs} epochs the loss still fell by {min(late):.0%}",
            {"fell": min(late), "epochs": epochs},
        )
    return None


def _course(case: Case) -> tuple[dict[str, np.ndarray], int]:
    """Return the history and its length.

    Raises CannotCheckError where it is too short to judge.
    """
    history = dict(case.require_history())
    epochs = len(history["loss"])
    if epochs < FEWEST_EPOCHS:
        raise CannotCheckError(
            f"the history has {epochs} epochs; {FEWEST_EPOCHS} are needed to judge it"
        )
    return history, epochs
