"""``python -m tests.documents``: write the generated parts of the documentation again."""

from __future__ import annotations

from tests.documents.generated import PARTS, with_generated

for path in sorted({part.path for part in PARTS}):
    before = path.read_text(encoding="utf-8")
    after = with_generated(path, before)
    path.write_text(after, encoding="utf-8", newline="\n")
    print(f"{path.name}: {'as it was' if after == before else 'written'}")
