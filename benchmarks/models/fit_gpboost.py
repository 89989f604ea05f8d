"""GPBoost's fit of one file; run by bench_models.py in an environment that has gpboost.

    python fit_gpboost.py FILE linear|nested|logistic

GPBoost knows no REML: its linear fits are ML. Logistic ones are Laplace. Its own defaults otherwise.
"""

import json
import sys

import gpboost
import numpy as np
from model_arrays import model_arrays

path, model = sys.argv[1:]
y, x, groups, names = model_arrays(path, model)
likelihood = "bernoulli_logit" if model == "logistic" else "gaussian"
fit = gpboost.GPModel(group_data=np.column_stack(groups), likelihood=likelihood)
fit.fit(y=y, X=x)
coefficients = np.asarray(fit.get_coef(std_err=True))
variances = np.asarray(fit.get_cov_pars(std_err=False)).ravel()
told = {
    "names": names,
    "coefficients": coefficients[0].tolist(),
    "standard_errors": coefficients[1].tolist(),
    # The residual variance comes first in a linear model; a logistic one has none.
    "group_sd": np.sqrt(variances if model == "logistic" else variances[1:]).tolist(),
    "loglik": -float(fit.get_current_neg_log_likelihood()),
}
print(json.dumps(told))
