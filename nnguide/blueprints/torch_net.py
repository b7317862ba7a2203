"""The network of network2.py in PyTorch, with autograd instead of backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from nnguide.blueprints import optimizers, training_loop
from nnguide.blueprints.activations import LEAK
from nnguide.blueprints.initializers import initial_weights
from nnguide.blueprints.pytorch import data, nn, torch
from nnguide.blueprints.settings import Settings
from nnguide.blueprints.training_loop import Record

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "leaky_relu": lambda z: nn.functional.leaky_relu(z, LEAK),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softmax": lambda z: torch.softmax(z, dim=1),
}


class Batches(data.Sampler[list[int]]):
    """The batches of the NumPy twin, in the same order.

    They are shuffled again each epoch.
    """

    def __init__(self, n: int, settings: Settings) -> None:
        self.n, self.size = n, settings.batch_size
        self.random = np.random.default_rng(settings.seed)

    def __len__(self) -> int:
        return training_loop.updates_per_epoch(self.n, self.size)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in training_loop.batches(self.n, self.size, self.random):
            yield batch.tolist()


class TorchNet(nn.Module):
    """A dense PyTorch network with the four common methods.

    It uses a GPU if there is one.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        settings: Settings | None = None,
        dtype: str = "float32",
        mixed_precision: bool = False,
    ) -> None:
        """Build a network as NumpyNet does.

        `mixed_precision` computes sums in float16 on a GPU, in bfloat16 on a CPU.
        """
        super().__init__()
        self.settings = s = settings or Settings()
        self.dtype, self.mixed_precision = dtype, mixed_precision
        self.sizes = (inputs, *s.hidden, outputs)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.layers: list[nn.Linear] = [nn.Linear(m, n) for m, n in pairwise(self.sizes)]
        self.modules_ = nn.ModuleList(self.layers)
        self.drop = nn.Dropout(s.dropout)
        self.g, self.g_out = ACTIVATIONS[s.activation], ACTIVATIONS[s.output]
        self.to(self.device, getattr(torch, dtype))
        self.set_weights(initial_weights(self.sizes, s.activation, s.seed, dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum z (batch, out) of the last layer.

        ŷ is its activation.
        """
        for layer in self.layers[:-1]:
            x = self.drop(self.g(layer(x)))
        return self.layers[-1](x)

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        validation_data: tuple[np.ndarray, np.ndarray] | None = None,
        on_epoch: Callable[[Any, Record], None] | None = None,
    ) -> list[Record]:
        """Train on examples.

        Arguments, records and errors are those of NumpyNet.fit.
        """
        s = self.settings
        X, Y = training_loop.examples(X, y, self.sizes, self.dtype)
        torch.manual_seed(s.seed)  # which units dropout zeroes
        on_gpu = self.device.type == "cuda"
        loader = self.loader(
            data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), Batches(len(X), s)
        )
        optimizer = self._optimizer()
        half = torch.float16 if on_gpu else torch.bfloat16
        scaler = torch.amp.GradScaler(self.device.type, enabled=self.mixed_precision and on_gpu)
        stopping = training_loop.EarlyStopping(s.patience)
        history: list[Record] = []
        step = 0
        for epoch in range(1, s.epochs + 1):
            self.train()
            total = torch.zeros((), device=self.device)
            for x, target in loader:
                α = optimizers.learning_rate(
                    s.schedule, s.learning_rate, step, s.epochs * len(loader)
                )
                for group in optimizer.param_groups:
                    group["lr"] = α
                x, target = (t.to(self.device, non_blocking=True) for t in (x, target))
                with torch.autocast(self.device.type, half, enabled=self.mixed_precision):
                    z = self(x)
                smooth = self._data_loss(z.to(target.dtype), target) + self._l2()
                optimizer.zero_grad()
                scaler.scale(smooth).backward()
                scaler.step(optimizer)
                scaler.update()
                total += len(x) * (smooth + self._l1()).detach()
                if s.l1:
                    self._soft_threshold(optimizer, α)
                step += 1
            record: Record = {"epoch": epoch, "learning_rate": α, "loss": float(total) / len(X)}
            if validation_data is not None:
                record["val_loss"] = self.loss(*validation_data)
            history.append(record)
            training_loop.check_finite(record)
            if on_epoch is not None:
                on_epoch(self, record)
            if stopping.should_stop(record, self):
                break
        stopping.restore(self)
        return history

    def loader(self, examples: data.Dataset[Any], batches: Batches) -> data.DataLoader[Any]:
        """Return a data loader of whole batches.

        From pinned memory a GPU fetches the next batch while it computes.
        """
        on_gpu = self.device.type == "cuda"
        return data.DataLoader(examples, sampler=batches, batch_size=None, pin_memory=on_gpu)

    @torch.no_grad()
    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return ŷ (n, out).

        These are probabilities; with a linear output, the values themselves.
        """
        self.eval()
        X = training_loop.inputs(X, self.sizes[0], self.dtype)
        return self.g_out(self(torch.from_numpy(X).to(self.device))).cpu().numpy()

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of [W1 (in, out), b1 (out,), …].

        PyTorch itself keeps W as (out, in).
        """
        return [p.detach().cpu().numpy().T.copy() for p in self.parameters()]

    @torch.no_grad()
    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Set weights from any twin, in the order of get_weights."""
        training_loop.check_shapes(self.get_weights(), weights)
        for parameter, value in zip(self.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value.T)))

    @torch.no_grad()
    def loss(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss of examples, with penalties, without dropout."""
        return float(self._loss(X, y))

    def gradients(self, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Return the gradients of `loss`, in the order of get_weights."""
        gradients = torch.autograd.grad(self._loss(X, y), list(self.parameters()))
        return [gradient.cpu().numpy().T.copy() for gradient in gradients]

    def _loss(self, X: np.ndarray, y: np.ndarray) -> torch.Tensor:
        self.eval()
        X, Y = training_loop.examples(X, y, self.sizes, self.dtype)
        x, target = (torch.from_numpy(array).to(self.device) for array in (X, Y))
        return self._data_loss(self(x), target) + self._l1() + self._l2()

    def _data_loss(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        match self.settings.loss:
            case "binary_crossentropy":
                total = nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum")
            case "categorical_crossentropy":
                total = nn.functional.cross_entropy(z, y, reduction="sum")
            case _:
                total = 0.5 * nn.functional.mse_loss(self.g_out(z), y, reduction="sum")
        return total / len(y)

    def _l1(self) -> Any:
        λ = self.settings.l1
        return λ * sum(layer.weight.abs().sum() for layer in self.layers) if λ else 0.0

    def _l2(self) -> Any:
        λ = self.settings.l2
        return λ * sum((layer.weight**2).sum() for layer in self.layers) if λ else 0.0

    def _optimizer(self) -> torch.optim.Optimizer:
        s, parameters = self.settings, self.parameters()
        α, betas, ε = s.learning_rate, (optimizers.BETA_1, optimizers.BETA_2), optimizers.EPSILON
        match s.optimizer:
            case "sgd":
                return torch.optim.SGD(parameters, α)
            case "momentum":
                return torch.optim.SGD(parameters, α, momentum=s.momentum)
            case "adam":
                return torch.optim.Adam(parameters, α, betas, ε)
            case _:
                return torch.optim.AdamW(parameters, α, betas, ε, weight_decay=s.weight_decay)

    @torch.no_grad()
    def _soft_threshold(self, optimizer: torch.optim.Optimizer, α: float) -> None:
        """Apply optimizers.soft_threshold with the reach of the optimizer."""
        s = self.settings
        for layer in self.layers:
            w = layer.weight
            reach: float | torch.Tensor = α
            if s.optimizer == "momentum":
                reach = α / (1 - s.momentum)
            elif s.optimizer != "sgd":
                state = optimizer.state[w]
                v̂ = state["exp_avg_sq"] / (1 - optimizers.BETA_2 ** float(state["step"]))
                reach = α / (v̂.sqrt() + optimizers.EPSILON)
            w.copy_(w.sign() * (w.abs() - s.l1 * reach).clamp(min=0))
