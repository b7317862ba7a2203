"""A report on a whole model, as JSON and as HTML.

    from nnguide.audit import audit, write
    found = audit(runs.load("spam"))
    found.report["slices"]      JSON-able; docs/json.md says what each key is
    write(found, "report.html")

`collect.py` gathers what `about`, `slices`, `mistakes`, `words` and `overlap` find; `attention`
says what of it speaks against the model; `page`, `findings` and `markup` make the file.
"""

from __future__ import annotations

from nnguide.audit.collect import Audit, audit
from nnguide.audit.page import write

__all__ = ["Audit", "audit", "write"]
