"""The convolution by hand: as Keras computes it, and each way back against differences."""

import numpy as np
import pytest

from nnguide.blueprints import convolution


def numeric(f, θ, h=1e-6):
    """∂f/∂θ by central differences, θ changed in place and put back."""
    gradient = np.zeros_like(θ)
    for i in np.ndindex(θ.shape):
        middle = θ[i]
        θ[i] = middle + h
        up = f()
        θ[i] = middle - h
        gradient[i] = (up - f()) / (2 * h)
        θ[i] = middle
    return gradient


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_way_back_is_the_derivative(stride):
    random = np.random.default_rng(0)
    a, K = random.normal(size=(8, 9)), random.normal(size=(3, 3))
    shape = convolution.convolve(a, K, 0.5, stride).shape
    dz = random.normal(size=shape)

    def loss():
        return float((convolution.convolve(a, K, 0.5, stride) * dz).sum())

    da, dK, db = convolution.convolve_back(dz, a, K, stride)
    np.testing.assert_allclose(da, numeric(loss, a), atol=1e-8)
    np.testing.assert_allclose(dK, numeric(loss, K), atol=1e-8)
    assert db == pytest.approx(dz.sum())


def test_the_way_back_through_a_pool():
    random = np.random.default_rng(1)
    a = random.normal(size=(6, 8))
    dp = random.normal(size=(3, 4))

    def loss():
        return float((convolution.max_pool(a) * dp).sum())

    np.testing.assert_allclose(convolution.max_pool_back(dp, a), numeric(loss, a), atol=1e-8)


@pytest.mark.parametrize("stride", [1, 2])
def test_keras_computes_the_same(stride, tf):
    import keras

    random = np.random.default_rng(2)
    a, K = random.normal(size=(8, 8)), random.normal(size=(3, 3))
    z = keras.ops.conv(a[None, :, :, None], K[:, :, None, None], strides=stride)
    np.testing.assert_allclose(convolution.convolve(a, K, 0, stride), np.array(z)[0, :, :, 0])
    pooled = keras.ops.max_pool(a[None, :, :, None], 2, 2)
    np.testing.assert_allclose(convolution.max_pool(a), np.array(pooled)[0, :, :, 0])


def test_every_kernel_sees_what_it_is_named_for():
    seven = convolution.digit(7)
    assert seven.shape == (8, 8) and seven.min() == 0 and seven.max() == 16
    for K in convolution.KERNELS.values():
        assert K.sum() == 0  # an even grey gives 0
        assert convolution.convolve(np.full((5, 5), 7.0), K).max() == 0
    rising, falling = (convolution.KERNELS[name] for name in ("rising", "falling"))
    assert convolution.convolve(seven, rising).max() > convolution.convolve(seven, falling).max()
