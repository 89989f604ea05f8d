# Growth model of weekly scores by lme4, for test_models_growth_curve.py:
#   Rscript weekly_growth.R weekly_growth.csv weekly_growth.json
suppressPackageStartupMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(arguments[1])
rows$time <- log(rows$day / 7 + 1)
fit <- lmer(value ~ time + (time | person), data = rows, REML = TRUE,
            control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 2e-3, rhoend = 1e-9, maxfun = 1e5)))
g <- as.data.frame(VarCorr(fit))
number <- function(x) formatC(x, digits = 12, format = "g")
lines <- c(
  sprintf('  "r": "%s"', R.version.string),
  sprintf('  "lme4": "%s"', as.character(packageVersion("lme4"))),
  sprintf('  "call": "lmer(value ~ log(day / 7 + 1) + (log(day / 7 + 1) | person), REML = TRUE)"'),
  sprintf('  "intercept": %s', number(fixef(fit)[1])),
  sprintf('  "slope": %s', number(fixef(fit)[2])),
  sprintf('  "intercept_se": %s', number(sqrt(vcov(fit)[1, 1]))),
  sprintf('  "slope_se": %s', number(sqrt(vcov(fit)[2, 2]))),
  sprintf('  "intercept_variance": %s', number(VarCorr(fit)$person[1, 1])),
  sprintf('  "covariance": %s', number(VarCorr(fit)$person[1, 2])),
  sprintf('  "slope_variance": %s', number(VarCorr(fit)$person[2, 2])),
  sprintf('  "residual_variance": %s', number(sigma(fit)^2)),
  sprintf('  "loglik": %s', number(as.numeric(logLik(fit))))
)
writeLines(c("{", paste(lines, collapse = ",\n"), "}"), arguments[2])
