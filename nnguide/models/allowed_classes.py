"""Classes that a model file may name.

Nothing else is built from a file. The lists are written out and not taken from Keras, so that a new
version of it adds nothing. What is missing on purpose: `Lambda`, `TFSMLayer`, `TorchModuleWrapper`,
`JaxLayer` and `FlaxLayer`, which hold or name code; and every function as an object.
"""

from __future__ import annotations

import re


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Classes of nnguide's own, which Keras finds by their registered names alone, as nnguide>Tokens.
NNGUIDE = frozenset(
    _words("""
    Calibration Columns Dropout MaskedPool MeanOfLooks MeanOfViews Penalty Pixels SumOfRows
    TestTimeShift TokenEmbedding Tokens
    """)
)
_SHARED = {
    "keras": ("DTypePolicy",),
    "keras.src.models.functional": ("Functional",),
    "keras.initializers": (
        *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity"),
        *("LecunNormal", "LecunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform"),
        *("TruncatedNormal", "VarianceScaling", "Zeros"),
    ),
    "keras.regularizers": ("L1", "L1L2", "L2"),
    "keras.constraints": ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"),
    "keras.layers": (
        *("Activation", "Add", "Average", "BatchNormalization", "Concatenate", "Conv2D", "Dense"),
        *("Dropout", "Embedding", "Flatten", "InputLayer", "MaxPooling2D", "Permute", "Reshape"),
        *("LeakyReLU", "Softmax"),
    ),
}
_LAYERS = _words("""
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AdditiveAttention AlphaDropout Attention AutoContrast Average AveragePooling1D
    AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CategoryEncoding CenterCrop
    Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D
    ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D
    Discretization Dot Dropout EinsumDense ELU Embedding Equalization Flatten GaussianDropout
    GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention GRU GRUCell HashedCrossing Hashing Identity InputLayer IntegerLookup
    LayerNormalization LeakyReLU LSTM LSTMCell Masking Maximum MaxPooling1D MaxPooling2D
    MaxPooling3D MelSpectrogram Minimum MultiHeadAttention Multiply Normalization Permute PReLU
    RandomBrightness RandomContrast RandomCrop RandomErasing RandomFlip RandomGrayscale RandomHue
    RandomInvert RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation
    RandomZoom ReLU RepeatVector Rescaling Reshape Resizing RMSNormalization RNN SeparableConv1D
    SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells STFTSpectrogram StringLookup Subtract
    TextVectorization TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
""")
_LOSSES = _words("""
    BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy
    CategoricalFocalCrossentropy CategoricalHinge CosineSimilarity Dice Hinge Huber KLDivergence
    LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
    MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge Tversky
""")
_METRICS = _words("""
    Accuracy AUC BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy
    CategoricalCrossentropy CategoricalHinge CosineSimilarity F1Score FalseNegatives
    FalsePositives FBetaScore Hinge IoU KLDivergence LogCoshError Mean MeanAbsoluteError
    MeanAbsolutePercentageError MeanIoU MeanSquaredError MeanSquaredLogarithmicError OneHotIoU
    OneHotMeanIoU Poisson Precision PrecisionAtRecall R2Score Recall RecallAtPrecision
    RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy
    SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SpecificityAtSensitivity
    SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives TruePositives
""")
_KERAS = {
    "keras": ("Sequential", "Functional"),
    "keras.layers": _LAYERS,
    "keras.regularizers": ("OrthogonalRegularizer",),
    "keras.losses": _LOSSES,
    "keras.metrics": _METRICS,
    "keras.optimizers": (
        *("Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "AdamW", "Ftrl", "Lamb", "Lion"),
        *("LossScaleOptimizer", "Muon", "Nadam", "RMSprop", "SGD"),
    ),
    "keras.optimizers.schedules": (
        *("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay"),
        *("PiecewiseConstantDecay", "PolynomialDecay"),
    ),
    # How a Functional model names the arithmetic between its layers, as in `x + y`.
    "keras.src.ops.numpy": (
        *("Absolute", "Add", "Concatenate", "Divide", "Exp", "ExpandDims", "Log", "Matmul", "Max"),
        *("Maximum", "Mean", "Min", "Minimum", "Multiply", "Negative", "Power", "Reshape", "Sqrt"),
        *("Square", "Squeeze", "Subtract", "Sum", "Transpose", "TrueDivide"),
    ),
}


def _pairs(*tables: dict[str, tuple[str, ...]]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (module, name) for table in tables for module, names in table.items() for name in names
    )


RUN_CLASSES = _pairs(_SHARED)  # of a run: what nnguide's own networks are made of
DOCTOR_CLASSES = RUN_CLASSES | _pairs(_KERAS)  # of a stranger's model that is looked at

# What Keras saves by its name alone.
ACTIVATIONS = frozenset(
    _words("""
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
    leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink
    softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh
    tanh_shrink threshold
    """)
)
DTYPES = frozenset(
    _words("""
    bfloat16 bool float16 float32 float64 int8 int16 int32 int64 mixed_bfloat16 mixed_float16
    string uint8 uint16 uint32 uint64
    """)
)
# Losses and metrics, which Keras saves as functions by these names.
LOSS_FUNCTIONS = frozenset(
    _words("""
    accuracy acc bce binary_accuracy binary_crossentropy binary_focal_crossentropy
    categorical_accuracy categorical_crossentropy categorical_focal_crossentropy
    categorical_hinge cosine_similarity crossentropy ce dice hinge huber kl_divergence
    log_cosh logcosh mae mape mean_absolute_error mean_absolute_percentage_error
    mean_squared_error mean_squared_logarithmic_error mse msle poisson
    sparse_categorical_accuracy sparse_categorical_crossentropy squared_hinge
    sparse_top_k_categorical_accuracy top_k_categorical_accuracy tversky
    """)
)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# What `compile` names by strings: functions, and classes as they are or in snake case.
MEASURES = LOSS_FUNCTIONS | {form for name in _LOSSES + _METRICS for form in (name, _snake(name))}
