"""The fit of one file by statsmodels; run by bench_models.py in an environment that has statsmodels.

    python fit_statsmodels.py FILE linear|nested

REML; nested by Powell's method, as the default one did not converge on these data. Statsmodels has no likelihood fit
of a logistic mixed model (its Bayesian one has priors: another model).
"""

import json
import sys

import numpy as np
from model_arrays import model_arrays
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

path, model = sys.argv[1:]
y, x, groups, names = model_arrays(path, model)


def within(inner, outer):
    """A variance component per clinic: an indicator of each of its clinicians."""
    order = np.argsort(outer, kind="stable")
    matrices, labels = [], []
    for rows in np.split(order, np.flatnonzero(np.diff(outer[order])) + 1):
        own, codes = np.unique(inner[rows], return_inverse=True)
        matrices.append((codes[:, None] == np.arange(len(own))).astype(float))
        labels.append([str(each) for each in own])
    return VCSpec(["clinician"], [labels], [matrices])


components, options = None, {}
if model == "nested":
    components, options = within(groups[1], groups[0]), {"method": "powell"}
constant = np.ones((len(y), 1))
fit = MixedLM(y, x, groups=groups[0], exog_re=constant, exog_vc=components).fit(reml=True, **options)
group_sd = [np.sqrt(np.asarray(fit.cov_re)[0, 0]), *np.sqrt(fit.vcomp)]
told = {
    "names": names,
    "coefficients": np.asarray(fit.fe_params).tolist(),
    "standard_errors": np.asarray(fit.bse_fe).tolist(),
    "group_sd": [float(sd) for sd in group_sd],
    "loglik": float(fit.llf),
    "converged": bool(fit.converged),
}
print(json.dumps(told))
