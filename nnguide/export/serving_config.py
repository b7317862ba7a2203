"""The configuration files for TensorFlow Serving's container.

They lie beside the exported tasks.
"""

from __future__ import annotations

from pathlib import Path

from nnguide.files import write_text

MODELS = "/models"  # where the container finds the folder of exports
MODEL_CONFIG = "model.config"
BATCHING = "batching_parameters.txt"

BATCHING_TEXT = """max_batch_size { value: 128 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 4 }
"""


def write(out: Path, task: str) -> list[Path]:
    """Write model.config and the batching settings.

    model.config names `task` and every other SavedModel in `out`.

    Returns:
        The files that were written.
    """
    names = sorted({task, *(p.parent.parent.name for p in out.glob("*/[0-9]*/saved_model.pb"))})
    models = "".join(
        "  config {\n"
        f'    name: "{name}"\n'
        f'    base_path: "{MODELS}/{name}"\n'
        '    model_platform: "tensorflow"\n'
        "  }\n"
        for name in names
    )
    write_text(out / MODEL_CONFIG, f"model_config_list {{\n{models}}}\n")
    write_text(out / BATCHING, BATCHING_TEXT)
    return [out / MODEL_CONFIG, out / BATCHING]
