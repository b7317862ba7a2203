"""The operations that a SavedModel's graph may contain.

None may touch files or run Python.

A SavedModel is code: operations of TensorFlow read and write files and call Python. An operation
that has no state and no name of that kind is allowed; of the others only those on the list here
are. The two functions that save and restore the variables write and read files, but they are never
called when a model is served, so they are allowed as long as nothing else refers to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nnguide.errors import RunError

STATEFUL = frozenset(
    """
    AnonymousHashTable AnonymousMutableHashTable Assert AssignVariableOp Case
    DisableCopyOnRead HashTableV2 If
    InitializeTableV2 LookupTableExportV2 LookupTableFindV2 LookupTableImportV2
    LookupTableInsertV2 LookupTableSizeV2 MutableHashTableV2 PartitionedCall Placeholder
    ReadVariableOp ResourceGather ResourceGatherNd StatefulPartitionedCall
    StatelessRandomUniformV2 StatelessRandomGetKeyCounter TensorListConcatV2 VarHandleOp
    VarIsInitializedOp While
    """.split()  # noqa: SIM905
)
# Some without state read files all the same, as ReadFile, or run Python, as PyFuncStateless.
OUTSIDE = re.compile(
    "File|Dataset|Proto|Summary|Py|Reader|Save|Restore|Checkpoint|Record|Rpc|Print|Debug|Load"
    "|Remote|Http|Xla|TPU|Custom"
)
SAVERS = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"})


def check(folder: Path, meta_graphs: Iterable[Any]) -> None:
    """Raise RunError if a graph contains an operation that is not allowed.

    Args:
        folder: for the message.
        meta_graphs: the MetaGraphDefs of its saved_model.pb.
    Raises:
        RunError: one does; it is named.
    """
    for meta in meta_graphs:
        if not meta.object_graph_def.nodes:  # its graph would be run as it stands
            raise _refusal(folder, "a graph of TensorFlow 1")
        library = {item.signature.name: item.node_def for item in meta.graph_def.library.function}
        ends = {meta.saver_def.save_tensor_name, meta.saver_def.restore_op_name}
        nodes = {name.partition(":")[0] for name in ends if name}
        main = {node.name: node for node in meta.graph_def.node}
        savers = {name for node in nodes & main.keys() for name in _called(main[node])}
        for name, body in library.items():
            for node in body:
                _check(folder, node, name in savers, savers)
        for node in meta.graph_def.node:
            _check(folder, node, False, set() if node.name in nodes else savers)
        if held := savers & set(meta.object_graph_def.concrete_functions):
            raise _refusal(folder, f"the function {min(held)}, which saves or restores")


def _check(folder: Path, node: Any, saves: bool, savers: set[str]) -> None:
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(node.op)
    known = definition is not None and not definition.is_stateful and not OUTSIDE.search(node.op)
    if not known and node.op not in STATEFUL and not (saves and node.op in SAVERS):
        raise _refusal(folder, f"the operation {node.op[:60]}")
    if node.op in SAVERS and not saves:
        raise _refusal(folder, f"the operation {node.op}")
    if called := savers & set(_called(node)):
        raise _refusal(folder, f"a call of {min(called)}, which saves or restores")


def _called(node: Any) -> Iterator[str]:
    """Yield the functions that a node refers to."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (item.name for item in value.list.func)


def _refusal(folder: Path, what: str) -> RunError:
    return RunError(
        f"{folder} holds {what}, so it was not loaded: a SavedModel is code. Expected a graph "
        "that only computes, as nnguide export writes it. If you trust who made it: --trust"
    )
