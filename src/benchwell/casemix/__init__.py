"""Case mix: who comes to whom, coded as declared; what is expected of them; weights and imputations for the missing.

Modules are imported by name: a fit of one frame needs neither the registry nor imputation, and starts twice as fast.
"""
