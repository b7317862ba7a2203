"""Right answers in other styles than the solution's pass: loops, float32, out=, einsum."""

from __future__ import annotations

from nnguide.learn.exercises import catalogue, process

NUMPY = "import math\nimport numpy as np\n"
STYLES: dict[str, list[str]] = {
    "neuron": [
        "def neuron(X, w, b):\n    return np.einsum('ni,i->n', X, w) + b",
        "def neuron(X, w, b):\n    return [sum(x * v for x, v in zip(row, w)) + b for row in X]",
        "def neuron(X, w, b):\n    z = np.empty(len(X))\n    np.dot(X, w, out=z)\n    z += b\n    return z",
        "def neuron(X, w, b):\n    return (X.astype('float32') * w.astype('float32')).sum(1) + b",
    ],
    "activations": [
        "def relu(z):\n    return z * (z > 0)\n"
        "def leaky_relu(z):\n    return np.maximum(0.01 * z, z)\n"
        "def tanh(z):\n    return 2 * (np.tanh(z / 2) / (1 + np.tanh(z / 2) ** 2))",
        "def relu(z):\n    a = z.copy()\n    a[a < 0] = 0\n    return a\n"
        "def leaky_relu(z):\n    a = z.copy()\n    a[a < 0] *= .01\n    return a\n"
        "tanh = np.vectorize(math.tanh)",
    ],
    "slopes": [
        "def relu_slope(z):\n    return np.heaviside(z, 0)\n"
        "def tanh_slope(z):\n    return 1 / np.cosh(z) ** 2\n"
        "def sigmoid_slope(z):\n    return np.exp(-z) / (1 + np.exp(-z)) ** 2",
        "def relu_slope(z):\n    return z > 0\n"
        "def tanh_slope(z):\n    a = np.tanh(z)\n    return (1 - a) * (1 + a)\n"
        "def sigmoid_slope(z):\n    return (1 - np.tanh(z / 2) ** 2) / 4",
    ],
    "sigmoid": [
        "def sigmoid(z):\n    return (1 + np.tanh(z / 2)) / 2",
        "def sigmoid(z):\n    return np.exp(-np.logaddexp(0, -z))",
        "def one(z):\n    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))\n"
        "def sigmoid(z):\n    return np.array([one(v) for v in z.ravel()]).reshape(z.shape)",
        "def sigmoid(z):\n    a = np.empty_like(z)\n    up = z >= 0\n    a[up] = 1 / (1 + np.exp(-z[up]))\n"
        "    e = np.exp(z[~up])\n    a[~up] = e / (1 + e)\n    return a",
    ],
    "softmax": [
        "def softmax(z):\n    z = z - z.max(axis=-1, keepdims=True)\n"
        "    return np.exp(z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))",
        "def softmax(z):\n    a = np.exp((z.T - np.max(z, 1)).T)\n    a /= a.sum(1)[:, None]\n    return a",
        "def softmax(z):\n    rows = []\n    for row in z:\n        e = [math.exp(v - max(row)) for v in row]\n"
        "        rows.append([v / sum(e) for v in e])\n    return np.array(rows, 'float32')",
    ],
    "layer": [
        "def layer(X, W, b):\n    z = np.einsum('ni,io->no', X, W) + b\n    return [z, z * (z > 0)]",
        "def layer(X, W, b):\n    z = np.vstack([sum(x[i] * W[i] for i in range(len(x))) + b for x in X])\n"
        "    return z, np.where(z < 0, 0, z)",
    ],
    "forward": [
        "def forward(X, weights):\n    *hidden, last = zip(weights[::2], weights[1::2])\n    kept = [X]\n"
        "    for W, b in hidden:\n        kept.append(np.clip(kept[-1].dot(W) + b, 0, None))\n"
        "    return [*kept, kept[-1].dot(last[0]) + last[1]]",
    ],
    "mse": [
        "def mse(ŷ, y):\n    return np.sum(np.square(y - ŷ)) / (2 * len(y))\n"
        "def mse_delta(ŷ, y):\n    return np.divide((ŷ - y) * (ŷ - ŷ * ŷ), y.shape[0])",
        "def mse(p, t):\n    return sum(.5 * sum((a - b) ** 2 for a, b in zip(r, s)) for r, s in zip(p, t)) / len(t)\n"
        "def mse_delta(p, t):\n    return [[(a - b) * a * (1 - a) / len(t) for a, b in zip(r, s)]"
        " for r, s in zip(p, t)]",
    ],
    "bce": [
        "def bce(z, y):\n    return np.mean(np.logaddexp(0, z) - y * z)\n"
        "def bce_delta(z, y):\n    return ((1 + np.tanh(z / 2)) / 2 - y) / z.size",
        "def bce(z, y):\n    return np.mean(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))\n"
        "def bce_delta(z, y):\n    return (np.exp(-np.logaddexp(0, -z)) - y) / len(z)",
    ],
    "cce": [
        "def cce(z, Y):\n    top = z.max(1)\n    total = top + np.log(np.exp(z - top[:, None]).sum(1))\n"
        "    return (total - z[Y.astype(bool)]).mean()\n"
        "def cce_delta(z, Y):\n    e = np.exp(z - z.max(1)[:, None])\n"
        "    return e / (e.sum(1)[:, None] * len(Y)) - Y / len(Y)",
    ],
    "layer_back": [
        "def layer_back(δ, z_before, W):\n    a = z_before * (z_before > 0)\n"
        "    back = np.einsum('no,io->ni', δ, W)\n    back[z_before <= 0] = 0\n"
        "    return np.einsum('ni,no->io', a, δ), np.ones(len(δ)) @ δ, back",
        "def layer_back(d, z, W):\n    dW, db = np.zeros_like(W), np.zeros(d.shape[1])\n"
        "    for row, e in zip(np.maximum(z, 0), d):\n        dW += np.outer(row, e)\n        db += e\n"
        "    return dW, db, np.where(z > 0, W.dot(d.T).T, 0)",
    ],
    "backward": [
        "def backward(activations, weights, δ):\n    out = []\n"
        "    for W, a in zip(weights[-2::-2], activations[-2::-1]):\n"
        "        out += [δ.sum(0), np.matmul(a.T, δ)]\n        δ = δ.dot(W.T) * np.sign(a)\n    return out[::-1]",
    ],
    "gradient_check": [
        "def numerical_gradient(f, θ, h):\n    g = []\n    for i in range(θ.size):\n"
        "        step = np.zeros(θ.size)\n        step[i] = h\n        step = step.reshape(θ.shape)\n"
        "        g.append((f(θ + step) - f(θ - step)) / (2 * h))\n    return np.reshape(g, θ.shape)",
    ],
    "sgd": [
        "def sgd(θ, g, α):\n    θ -= α * g\n    return θ",
        "def sgd(θ, g, α):\n    return np.subtract(θ, np.multiply(g, α), out=np.empty_like(θ))",
        "def sgd(θ, g, α):\n    return (θ.astype('float32') - np.float32(α) * g.astype('float32'))",
    ],
    "momentum": [
        "def momentum(θ, v, g, α, μ):\n    v *= μ\n    v += g\n    θ -= α * v\n    return θ, v",
        "def momentum(θ, v, g, α, μ):\n    new = g + v * μ\n    return [θ - new * α, new]",
    ],
    "adam": [
        "class Adam:\n    def __init__(self, θ):\n        self.m, self.v, self.t = 0 * θ, 0 * θ, 0\n"
        "    def step(self, θ, g, α):\n        self.t += 1\n        self.m = .9 * self.m + .1 * g\n"
        "        self.v = .999 * self.v + .001 * g * g\n        a = α * (1 - .999 ** self.t) ** .5\n"
        "        θ -= a / (1 - .9 ** self.t) * self.m / (self.v ** .5 + 1e-8 * (1 - .999 ** self.t) ** .5)\n"
        "        return θ",
    ],
    "minibatches": [
        "def minibatches(X, y, size, random):\n    order = np.arange(len(X))\n    random.shuffle(order)\n"
        "    parts = np.split(order, range(size, len(X), size))\n    return [(X[i], y[i]) for i in parts]",
        "def minibatches(X, y, size, random):\n    order = random.choice(len(X), len(X), replace=False)\n"
        "    for i in range(0, len(X), size):\n        yield X[order[i:i + size]], y[order[i:i + size]]",
    ],
    "schedule": [
        "def cosine(highest, step, steps):\n    return highest * np.cos(np.pi * step / steps / 2) ** 2\n"
        "def step_decay(highest, step, steps):\n    if 3 * step < steps:\n        return highest\n"
        "    return highest / 10 if 3 * step < 2 * steps else highest / 100",
    ],
    "initialise": [
        "def initialise(sizes, random):\n    out = []\n    for i in range(len(sizes) - 1):\n"
        "        W = random.standard_normal((sizes[i], sizes[i + 1])).astype('float32')\n"
        "        out += [W * (2 / sizes[i]) ** .5, np.zeros(sizes[i + 1])]\n    return out",
    ],
    "dropout": [
        "def dropout(a, rate, training, random):\n    if training:\n"
        "        return np.where(random.uniform(size=a.shape) < rate, 0, a / (1 - rate))\n    return a",
        "def dropout(a, rate, training, random):\n"
        "    keep = random.binomial(1, 1 - rate, a.shape) if training else np.ones(a.shape)\n"
        "    return a * keep / (1 - rate if training else 1)",
    ],
    "penalty": [
        "def penalty(weights, l1, l2):\n    total = 0\n    for i in range(0, len(weights), 2):\n"
        "        for w in weights[i].flat:\n            total += l1 * abs(w) + l2 * w * w\n    return total\n"
        "def penalty_gradients(weights, l1, l2):\n    return [(l1 * np.sign(w) + l2 * (w + w)) if w.ndim == 2"
        " else w * 0 for w in weights]",
    ],
    "early_stopping": [
        "def early_stopping(losses, patience):\n    for end in range(1, len(losses) + 1):\n"
        "        best = int(np.argmin(losses[:end])) + 1\n        if end - best >= patience:\n"
        "            return best, end\n    return int(np.argmin(losses)) + 1, len(losses)",
    ],
    "scaling": [
        "def fit_scaling(X):\n    m = X.sum(0) / len(X)\n    s = np.sqrt(((X - m) ** 2).mean(0))\n"
        "    s[s == 0] = 1\n    return m, s\n"
        "def scale(X, mean, std):\n    return np.divide(np.subtract(X, mean), std)",
    ],
    "tokenise": [
        "import re\ndef split(t):\n    return re.sub('[^a-z0-9]', ' ', t.lower()).split()\n"
        "def vocabulary(texts, size):\n    n = {}\n    for t in texts:\n        for w in split(t):\n"
        "            n[w] = n.get(w, 0) + 1\n    best = sorted(sorted(n), key=n.get, reverse=True)[:size]\n"
        "    return dict(zip(best, range(1, size + 1)))\n"
        "def tokenise(text, words):\n    return [words[w] if w in words else 0 for w in split(text)]",
    ],
    "embedding": [
        "def embed(ids, E):\n    total = np.zeros(E.shape[1])\n    for i in ids:\n        total += E[i]\n"
        "    return total / max(len(ids), 1)\n"
        "def embed_back(ids, E, δ):\n    dE = np.zeros_like(E)\n    if len(ids):\n"
        "        np.add.at(dE, np.asarray(ids), δ / len(ids))\n    return dE",
        "def embed(ids, E):\n    return np.bincount(ids, minlength=len(E)) @ E / (len(ids) or 1)\n"
        "def embed_back(ids, E, δ):\n    n = np.bincount(ids, minlength=len(E)) / (len(ids) or 1)\n"
        "    return np.outer(n, δ)",
    ],
    "threshold": [
        "def threshold(probabilities, labels, most):\n    ham = np.sort(probabilities[labels == 0])[::-1]\n"
        "    blocked = int(np.floor(most * len(ham) + 1e-9))\n"
        "    return ham[blocked] if blocked < len(ham) else 0.0",
    ],
}  # fmt: skip


def test_right_answers_in_other_styles_pass(tmp_path):
    asked, sources = [], []
    for name, styles in STYLES.items():
        for source in styles:
            path = tmp_path / f"{len(asked)}.py"
            path.write_text(NUMPY + source + "\n", "utf-8")
            asked.append({"exercise": name, "path": str(path)})
            sources.append(source)
    assert len(asked) >= 40
    assert set(STYLES) == {e.name for e in catalogue.EXERCISES if not e.keras}
    answers = list(process.ask(asked, 60))
    wrong = [
        (question["exercise"], source, answer)
        for question, source, answer in zip(asked, sources, answers, strict=True)
        if answer["state"] != "passed"
    ]
    assert wrong == []
