# The fit of one file by lme4; run by bench_models.py where R has lme4.
#
#   Rscript fit_lme4.R FILE linear|nested|logistic     (a Parquet file through arrow, or an .rds file)
#   Rscript fit_lme4.R FILE.csv FILE.rds               (writes the .rds file, not timed)

arguments <- commandArgs(trailingOnly = TRUE)
path <- arguments[1]
model <- arguments[2]

if (grepl("\\.rds$", model)) {
  rows <- read.csv(path, stringsAsFactors = TRUE)
  rows$sex <- relevel(rows$sex, "female")
  rows$insurance <- relevel(rows$insurance, "none")
  saveRDS(rows, model, compress = FALSE)
  quit(status = 0)
}

suppressPackageStartupMessages(library(lme4))
if (grepl("\\.rds$", path)) {
  rows <- readRDS(path)
} else {
  outcome <- if (model == "logistic") "remission" else "change"
  wanted <- c("age", "phq9_base", "deprivation_quintile", "comorbidity", "sex", "insurance", "clinic", "clinician")
  rows <- as.data.frame(arrow::read_parquet(path, col_select = tidyselect::all_of(c(outcome, wanted))))
  rows$comorbidity <- as.numeric(rows$comorbidity)
  rows$sex <- relevel(factor(rows$sex), "female")
  rows$insurance <- relevel(factor(rows$insurance), "none")
}

covariates <- "age + phq9_base + deprivation_quintile + comorbidity + sex + insurance"
fit <- switch(model,
  linear = lmer(as.formula(paste("change ~", covariates, "+ (1 | clinic)")), rows),
  nested = lmer(as.formula(paste("change ~", covariates, "+ (1 | clinic) + (1 | clinician)")), rows),
  logistic = glmer(as.formula(paste("remission ~", covariates, "+ (1 | clinic)")), rows, family = binomial, nAGQ = 1)
)
names <- names(fixef(fit))
names <- sub("^\\(Intercept\\)$", "(intercept)", names)
names <- sub("^comorbidity$", "comorbidity[true]", names)
names <- sub("^(sex|insurance)(.+)$", "\\1[\\2]", names)
variances <- as.data.frame(VarCorr(fit))
deviations <- setNames(variances$sdcor, variances$grp)
deviations <- deviations[intersect(c("clinic", "clinician"), names(deviations))]
list_of <- function(values) paste0("[", paste(values, collapse = ", "), "]")
numbers <- function(values) list_of(formatC(values, digits = 15, format = "g"))
cat(sprintf('{"names": %s, "coefficients": %s, "standard_errors": %s, "group_sd": %s, "loglik": %s, "converged": %s}\n',
  list_of(shQuote(names, type = "cmd")), numbers(fixef(fit)), numbers(sqrt(diag(as.matrix(vcov(fit))))),
  numbers(deviations), formatC(as.numeric(logLik(fit)), digits = 15, format = "g"),
  if (fit@optinfo$conv$opt == 0) "true" else "false"))
