"""pyarrow does without pandas where it is told to, and finds it again where it is needed."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import pyarrow as pa
from hydranet.bulk.arrow import leave_pandas_out

leave_pandas_out()
table = pa.table({"n": pa.array([1, 2]), "s": ["a", None]})
assert table.to_pylist() == [{"n": 1, "s": "a"}, {"n": 2, "s": None}]
assert "pandas" not in sys.modules
frame = table.to_pandas()
import pandas as pd
assert isinstance(frame, pd.DataFrame)
assert pa.Table.from_pandas(frame).to_pydict() == {"n": [1, 2], "s": ["a", None]}
assert pa.array(pd.Series([1.0, float("nan")]), from_pandas=True).null_count == 1
leave_pandas_out()
assert pa.array(pd.Series([1.0, float("nan")]), from_pandas=True).null_count == 1
"""


def test_pandas_is_loaded_only_where_it_is_wanted() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
