"""Benchwell's fit of one file; run by bench_models.py.

python fit_benchwell.py FILE linear|nested|logistic [ml]
"""

import json
import sys

import benchwell

COVARIATES = ["age", "phq9_base", "deprivation_quintile", "comorbidity", "sex", "insurance"]

path, model, *method = sys.argv[1:]
if model == "logistic":
    fit = benchwell.fit_logistic(path, "remission", COVARIATES, ["clinic"])
else:
    groups = ["clinic", "clinician"] if model == "nested" else ["clinic"]
    fit = benchwell.fit_linear(path, "change", COVARIATES, groups, *method)
told = {
    "names": list(fit.coefficients),
    "coefficients": list(fit.coefficients.values()),
    "standard_errors": list(fit.standard_errors.values()),
    "group_sd": list(fit.group_sd.values()),
    "loglik": fit.loglik,
    "converged": fit.found.converged,
}
print(json.dumps(told))
