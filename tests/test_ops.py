import keras
import ml_dtypes
import numpy as np
import pytest
from scipy import special, stats

from keras_dldl import ops
from keras_dldl.labels import LabelGrid
from tests import reference

GRIDS = [LabelGrid.age(), LabelGrid.scut_fbp(), LabelGrid.cfd()]
FLOATS = ["float32", "float64"]
# In float32 a label such as 1.3 is itself rounded, which a sigma of 0.05 magnifies.
ABSOLUTE = {"float32": 2e-6, "float64": 1e-13}


def to_numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def labels_of(grid, dtype):
    return grid.labels64.astype(dtype)


def random_rows(grid, rows=64, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(grid.size, 0.1), size=rows)  # spiky, with numbers down to 1e-60
    return p / p.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_label_distribution_against_the_formula(grid, dtype):
    rng = np.random.default_rng(1)
    y = rng.uniform(grid.start, grid.stop, 200).astype(dtype)
    sigma = (grid.step * rng.uniform(0.5, 20, 200)).astype(dtype)
    p = ops.label_distribution(y, sigma, labels_of(grid, dtype))
    assert p.shape == (200, grid.size)
    assert keras.backend.standardize_dtype(p.dtype) == dtype
    expected = reference.label_distribution(y.astype(float), sigma.astype(float), grid.labels64)
    np.testing.assert_allclose(to_numpy(p), expected, atol=ABSOLUTE[dtype])


def test_label_distribution_is_a_normalised_normal_density():
    labels = np.arange(101.0)
    density = stats.norm(36.4, 3.3).pdf(labels)
    p = ops.label_distribution(np.array([36.4]), 3.3, labels)
    np.testing.assert_allclose(to_numpy(p)[0], density / density.sum(), atol=1e-15)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("sigma", [0.0, 1e-320, 1e-38, 1e-30, 1e-10, 1e-3, 0.05])
def test_a_vanishing_sigma_gives_the_nearest_label(dtype, sigma):
    labels = np.arange(101.0, dtype=dtype)
    y = np.array([0.0, 0.3, 36.0, 36.4, 36.6, 99.7, 100.0], dtype)
    p = to_numpy(ops.label_distribution(y, np.full(7, sigma, dtype), labels))
    np.testing.assert_allclose(p, np.eye(101)[[0, 0, 36, 36, 37, 100, 100]], atol=1e-6)


def test_a_tie_of_sigma_zero_goes_down():
    # As the sigma of a tie shrinks the Gaussian stays half and half; 0 itself must choose.
    y, labels = np.array([36.5, 36.5]), np.arange(101.0)
    p = to_numpy(ops.label_distribution(y, np.array([0.0, 1e-10]), labels))
    assert p[0].tolist() == np.eye(101)[36].tolist()
    assert p[1, 36:38].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_ties_between_decimals_go_down_in_any_dtype(grid, dtype):
    midpoints = ((grid.labels64[:-1] + grid.labels64[1:]) / 2).astype(dtype)
    index = to_numpy(ops.nearest_label(midpoints, labels_of(grid, dtype)))
    np.testing.assert_array_equal(index, np.arange(grid.size - 1))
    one_hot = to_numpy(ops.label_distribution(midpoints, 0.0, labels_of(grid, dtype)))
    np.testing.assert_array_equal(one_hot, np.eye(grid.size)[:-1])


@pytest.mark.parametrize("grid", GRIDS)
def test_nearest_label_is_that_of_the_grid(grid):
    y = np.random.default_rng(2).uniform(grid.start - 2, grid.stop + 2, 300)
    index = to_numpy(ops.nearest_label(y, grid.labels64))
    np.testing.assert_array_equal(index, grid.nearest_index(y))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("sigma", [0.0, 1e-10, 0.5, 2.0, 1e6, np.inf])
def test_labels_beyond_the_ends(dtype, sigma):
    labels = np.arange(101.0, dtype=dtype)
    y = np.array([-1e9, -20.0, -0.4, 100.4, 130.0, 1e9, 1e30], dtype)
    p = to_numpy(ops.label_distribution(y, sigma, labels))
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1, atol=1e-6)
    # The end nearer to y has the most mass, unless sigma is too large for a difference to show.
    ends = np.array([0, 0, 0, 100, 100, 100, 100])
    assert (p[np.arange(7), ends] == p.max(axis=-1)).all()
    if sigma <= 2.0:
        np.testing.assert_array_equal(p[[0, -2, -1]], np.eye(101)[[0, 100, 100]])
    if sigma in (0.5, 2.0):
        expected = reference.label_distribution(y[1:5].astype(float), sigma, np.arange(101.0))
        np.testing.assert_allclose(p[1:5], expected, atol=ABSOLUTE[dtype] * 2)


def test_cut_gaussian_does_not_have_its_label_as_expectation():
    p = ops.label_distribution(np.array([0.0, 50.0]), 2.0, np.arange(101.0))
    edge, middle = to_numpy(ops.expectation(p, np.arange(101.0)))
    # Half of the Gaussian around 0 is cut off: sum k e^(-k^2 / 8) / sum e^(-k^2 / 8)
    #   = (0.8825 + 2 * 0.6065 + 3 * 0.3247 + 4 * 0.1353 + 5 * 0.0439 + ...) / 3.0065 = 1.302
    assert edge == pytest.approx(1.302, abs=1e-3)
    assert middle == pytest.approx(50.0)


def test_an_infinite_sigma_is_uniform():
    p = ops.label_distribution(np.array([3.0]), np.inf, np.arange(5.0))
    np.testing.assert_allclose(to_numpy(p), np.full((1, 5), 0.2), atol=1e-15)


def test_shapes_of_one_row_and_of_a_scalar():
    labels = np.arange(5.0)
    row = to_numpy(ops.label_distribution(np.array([2.0]), np.array([1.0]), labels))
    scalar = to_numpy(ops.label_distribution(np.float64(2.0), 1.0, labels))
    assert (row.shape, scalar.shape) == ((1, 5), (5,))
    np.testing.assert_array_equal(row[0], scalar)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_expectation_and_variance_against_a_slow_loop(grid, dtype):
    p = random_rows(grid).astype(dtype)
    labels = [float(label) for label in grid.labels64]
    means = [sum(float(q) * label for q, label in zip(row, labels, strict=True)) for row in p]
    variances = [
        sum(float(q) * (label - mean) ** 2 for q, label in zip(row, labels, strict=True))
        for row, mean in zip(p, means, strict=True)
    ]
    tolerance = {"float32": 2e-6, "float64": 1e-13}[dtype]
    found = ops.expectation(p, labels_of(grid, dtype))
    np.testing.assert_allclose(to_numpy(found), means, rtol=tolerance)
    found = ops.variance(p, labels_of(grid, dtype))
    np.testing.assert_allclose(to_numpy(found), variances, rtol=5 * tolerance)


def test_cumulative_is_the_error_function_of_the_paper():
    # c_k = (1 + erf((l_k - y) / (sigma sqrt 2))) / 2 for the continuous Gaussian; the sum over a
    # grid of step h up to l_k stands for the integral up to l_k + h / 2.
    labels, y, sigma = np.arange(101.0), 47.3, 6.0
    c = to_numpy(ops.cumulative(ops.label_distribution(np.array([y]), sigma, labels)))[0]
    expected = 0.5 * (1 + special.erf((labels + 0.5 - y) / (sigma * np.sqrt(2))))
    np.testing.assert_allclose(c, expected, atol=1e-3)
    assert c[-1] == pytest.approx(1)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_ranking_code_against_a_slow_loop(grid, dtype):
    y = np.concatenate([grid.labels64, grid.labels64 + 0.3 * grid.step, [grid.start - 1, 1e3]])
    slow = [[float(v > label + 1e-9) for label in grid.labels64[:-1]] for v in y]
    code = ops.ranking_code(y.astype(dtype), labels_of(grid, dtype))
    np.testing.assert_array_equal(to_numpy(code), slow)
    # float64 values against float32 labels must not differ by the rounding of 1.3.
    np.testing.assert_array_equal(to_numpy(ops.ranking_code(y, grid.labels)), slow)


def test_ranking_is_the_limit_of_the_label_distribution():
    y, labels = np.array([0.0, 17.3, 36.0, 99.8]), np.arange(101.0)
    ranking = ops.distribution_to_ranking(ops.label_distribution(y, 1e-3, labels))
    # The code asks y > l_k and the distribution rounds y to its nearest label; of these labels
    # only 17.3 rounds to a smaller one.
    code = to_numpy(ops.ranking_code(np.array([0.0, 17.0, 36.0, 100.0]), labels))
    np.testing.assert_allclose(to_numpy(ranking), code, atol=1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
def test_ranking_and_distribution_are_inverse(dtype):
    p = random_rows(GRIDS[0]).astype(dtype)
    ranking = to_numpy(ops.distribution_to_ranking(p))
    assert ranking.shape == (64, 100)
    np.testing.assert_allclose(ranking, 1 - np.cumsum(p, axis=1)[:, :-1], atol=1e-6)
    assert (ranking >= 0).all()
    assert (np.diff(ranking, axis=1) <= 0).all()
    back = to_numpy(ops.ranking_to_distribution(ranking))
    np.testing.assert_allclose(back, p, atol=1e-6 if dtype == "float32" else 1e-15)


def test_a_rising_ranking_is_made_to_fall():
    r = np.array([[0.9, 0.2, 0.7, -0.1], [1.5, 1.0, 0.4, 0.4]])
    p = to_numpy(ops.ranking_to_distribution(r))
    np.testing.assert_allclose(
        p, [[0.1, 0.2, 0.5, 0.2, 0.0], [0.0, 0.0, 0.6, 0.0, 0.4]], atol=1e-15
    )
    # Decoding is not touched: l_1 + sum of (clipped) codes, and the count of codes over a half.
    labels = np.arange(5.0)
    np.testing.assert_allclose(p @ labels, np.clip(r, 0, 1).sum(axis=1))
    over_half = (to_numpy(ops.distribution_to_ranking(p)) >= 0.5).sum(axis=1)
    assert over_half.tolist() == (r >= 0.5).sum(axis=1).tolist()


@pytest.mark.parametrize("dtype", FLOATS)
def test_kl_divergence_against_scipy(dtype):
    p, q = random_rows(GRIDS[0], seed=1).astype(dtype), random_rows(GRIDS[0], seed=2)
    q = (q + 1e-6).astype(dtype)
    expected = special.rel_entr(p.astype(float), q.astype(float)).sum(axis=1)
    tolerance = {"float32": 2e-6, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(to_numpy(ops.kl_divergence(p, q)), expected, rtol=tolerance)
    assert to_numpy(ops.kl_divergence(p, p)) == pytest.approx(np.zeros(64), abs=1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4, 1e30])
def test_kl_divergence_from_logits_is_exact_at_any_size(dtype, scale):
    logits = (scale * np.random.default_rng(5).normal(size=(32, 101))).astype(dtype)
    p = random_rows(GRIDS[0], 32).astype(dtype)
    exact = logits.astype(float)
    log_q = exact - special.logsumexp(exact, axis=1, keepdims=True)
    expected = np.sum(special.xlogy(p.astype(float), p) - p * log_q, axis=1)
    found = to_numpy(ops.kl_divergence_from_logits(p, logits))
    np.testing.assert_allclose(found, expected, rtol={"float32": 3e-6, "float64": 1e-13}[dtype])


def test_a_lost_unit_of_mass_costs_87_not_infinity():
    p, q = np.float32([[0.0, 1.0], [0.5, 0.5], [0.0, 1.0]]), np.float32([[1, 0], [1, 0], [0, 1]])
    found = to_numpy(ops.kl_divergence(p, q))
    floor = -np.log(np.finfo(np.float32).tiny)  # 87.3
    np.testing.assert_allclose(found, [floor, 0.5 * floor + np.log(0.5), 0.0], rtol=1e-6)


def test_a_logit_of_minus_infinity_is_no_loss_where_no_mass_is():
    found = ops.kl_divergence_from_logits(np.array([[0.0, 1.0]]), np.array([[-np.inf, 2.0]]))
    assert to_numpy(found).tolist() == [0.0]


@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_raised_to_float32(half):
    logits = np.random.default_rng(6).normal(size=(5, 101)).astype(half)
    p32 = ops.softmax32(logits)
    assert keras.backend.standardize_dtype(p32.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(p32), reference.softmax(logits), atol=1e-6)
    for value in (
        ops.expectation(logits, np.arange(101).astype(half)),
        ops.variance(logits, np.arange(101).astype(half)),
        ops.cumulative(logits),
        ops.median(p32, np.arange(101).astype(half)),
        ops.position_distribution(logits[:, 0], 4),
        ops.kl_divergence(p32, logits),
        ops.kl_divergence_from_logits(p32, logits),
        ops.distribution_to_ranking(logits),
        ops.ranking_to_distribution(logits),
        ops.ranking_code(logits[:, 0], np.arange(101).astype(half)),
        ops.label_distribution(logits[:, 0], logits[:, 1], np.arange(101).astype(half)),
    ):
        assert keras.backend.standardize_dtype(value.dtype) == "float32"


def test_softmax_of_a_symbolic_tensor_stays_symbolic():
    inputs = keras.Input((3,), dtype="float16")
    output = ops.softmax32(inputs)
    assert keras.backend.is_keras_tensor(output)
    assert (output.shape, output.dtype) == ((None, 3), "float32")


@pytest.mark.parametrize(
    ("y_true", "y", "sigma"),
    [
        ([30, 40], [30, 40], [2, 2]),
        (np.array([[30.0], [40.0]]), [30, 40], [2, 2]),
        (np.array([[30, 3], [40, 0]]), [30, 40], [3, 0]),
        (np.array([[30.0, -1.0], [40.0, np.nan]]), [30, 40], [2, 2]),
        (np.array([[30.0, -0.0]], np.float32), [30], [0]),
        (np.array([30.0, 3.0]), [30, 3], [2, 2]),  # two labels, not label and sigma
        # Mixtures: means 30 and 25; variances 16 + 10^2, and 4/4 + 3 * 4/4 + 3/16 * 20^2.
        (np.array([[20.0, 4, 40, 4, 0.5]]), [30], [np.sqrt(116)]),
        (np.array([[40.0, -1, 20, np.nan, 0.25]]), [25], [np.sqrt(79)]),
        (np.array([[40.0, 3, 20, 5, 1], [40.0, 3, 20, 5, 0]]), [40, 20], [3, 5]),
    ],
)
def test_split_label_sigma(y_true, y, sigma):
    found_y, found_sigma = ops.split_label_sigma(y_true, 2.0)
    assert to_numpy(found_y).tolist() == y
    assert to_numpy(found_sigma).tolist() == sigma


def test_target_distribution_mixes_distributions_and_not_labels():
    labels = np.arange(101.0)
    y_true = np.array([[20.0, 3.0, 60.0, -1.0, 0.3], [5.0, 0.0, 90.0, 4.0, 1.0]])
    found = to_numpy(ops.target_distribution(y_true, 2.0, labels))
    weight, first, second = y_true[:, 4:], [[20.0, 5.0], [3.0, 0.0]], [[60.0, 90.0], [2.0, 4.0]]
    p, other = (reference.label_distribution(*np.array(x), labels) for x in (first, second))
    np.testing.assert_allclose(found, weight * p + (1 - weight) * other, atol=1e-12)
    assert found[0, 40] < 1e-6  # the mixed label is unlikely
    for y_true in (np.array([31.0, 52.0]), np.array([[31.0, 4.0], [52.0, -1.0]])):
        expected = ops.label_distribution(*ops.split_label_sigma(y_true, 2.0), labels)
        np.testing.assert_array_equal(
            to_numpy(ops.target_distribution(y_true, 2.0, labels)), to_numpy(expected)
        )


@pytest.mark.parametrize("shape", [(), (4, 3), (4, 4), (4, 6), (4, 0), (4, 2, 1)])
def test_split_label_sigma_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"`y_true` has the wrong shape.*\(B, 2\).*Received: "):
        ops.split_label_sigma(np.zeros(shape), 2.0)
