"""A file of episodes as the arrays that GPBoost and statsmodels fit: read in the fastest way that is open to them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

NUMBERS = ("age", "phq9_base", "deprivation_quintile")


def model_arrays(path, model):
    """Outcome, design with the constant first, codes of the groups from the outside in, and names of columns."""
    groups = ["clinic", "clinician"] if model == "nested" else ["clinic"]
    outcome = "remission" if model == "logistic" else "change"
    table = pq.read_table(path, columns=[outcome, *NUMBERS, "comorbidity", "sex", "insurance", *groups])
    rows = table.num_rows
    columns = {"(intercept)": np.ones(rows)}
    columns |= {name: table[name].to_numpy().astype(float) for name in NUMBERS}
    columns["comorbidity[true]"] = table["comorbidity"].to_numpy().astype(float)
    for name, reference in (("sex", "female"), ("insurance", "none")):
        for level in sorted(set(pc.unique(table[name]).to_pylist()) - {reference}):
            columns[f"{name}[{level}]"] = pc.equal(table[name], level).to_numpy().astype(float)
    codes = [_codes(table[name]) for name in groups]
    return table[outcome].to_numpy().astype(float), np.column_stack(list(columns.values())), codes, list(columns)


def _codes(column):
    whole = column.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.unify_dictionaries().combine_chunks()
    return whole.indices.to_numpy()
