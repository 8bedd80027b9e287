"""Names that other libraries use, and what they are called here: for the hints of messages."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What it is called here: what else it is called. First parameters and flags, then attributes of
# estimators, functions and commands. Names of Spark's kind are written with underscores.
_OTHER_NAMES = {
    "n_factors": "k d rank dim factors n_components no_components num_factors latent_dim"
    " embedding_dim embedding_size embed_dim emb_size hidden_dim dimension factor_size",
    "learning_rate": "lr eta eta0 alpha step_size learn_rate learning_rate_init",
    "max_iter": "epochs n_epochs num_epochs epoch n_iter num_iter iter iters iterations passes"
    " num_iterations n_estimators num_boost_round num_round n_rounds max_epochs num_trees",
    "l2_factors": "reg lambda lambda_ l2 reg_lambda l2_reg reg_v weight_decay regularization"
    " l2_regularization l2_leaf_reg penalty lambda_l2 reg_param regular alpha",
    "l2_linear": "reg lambda lambda_ l2 reg_lambda l2_reg reg_w weight_decay regularization"
    " l2_regularization l2_leaf_reg penalty lambda_l2 reg_param regular alpha",
    "l1_linear": "l1 l1_reg reg_alpha lambda_l1",
    "l1_factors": "l1 l1_reg reg_alpha lambda_l1",
    "random_state": "seed rng random_seed",
    "n_jobs": "threads nthread nthreads n_threads num_threads thread_count workers num_workers"
    " n_workers jobs",
    "n_iter_no_change": "patience early_stopping_rounds early_stopping_round stop_window od_wait",
    "early_stopping": "early_stop od_type",
    "eval_metric": "metric metrics scoring",
    "metric": "metrics scoring eval_metric",
    "solver": "optimizer optimiser opt algorithm method",
    "init_scale": "init init_std init_stdev sigma init_stddev",
    "verbose": "verbosity silent logging_level verbose_eval",
    "quiet": "silent",
    "target": "label labels y response label_column target_column label_col label_idx",
    "y": "label labels target label_col label_column",
    "weight": "sample_weight weights weight_column weight_col",
    "sample_weight": "weight weights weight_column weight_col",
    "group": "qid query group_id query_id",
    "qid": "group_id query_id query groups group_col",
    "categorical": "cat cat_features cat_cols categorical_feature categorical_features"
    " categorical_columns enable_categorical",
    "numeric": "numerical num_cols numeric_features numerical_features continuous dense_features",
    "ignore": "drop exclude skip ignored ignored_features ignore_column ignore_columns"
    " drop_columns",
    "na_values": "na missing null null_values nan",
    "model": "model_type kind architecture",
    "task": "objective loss problem problem_type loss_function application",
    "loss": "objective loss_function",
    "valid": "val validation eval_set validation_data valid_data validation_set dev test eval_data"
    " evals valid_sets valid_names",
    "eval_set": "val valid validation validation_data valid_data validation_set evals valid_sets",
    "validation_fraction": "val_split validation_split test_size val_fraction",
    "class_weight": "class_weights scale_pos_weight is_unbalance auto_class_weights",
    "sep": "delimiter separator delim",
    "encoding": "charset codec file_encoding",
    "names": "columns column_names col_names header_names",
    "output": "out save output_model output_file model_out save_model",
    "max_time": "time_limit timeout max_seconds",
    "folds": "cv n_folds n_splits nfold k_folds num_folds",
    "fit_intercept": "bias use_bias intercept k0",
    "fit_linear": "linear k1 first_order",
    "instance_norm": "norm normalize normalise normalization",
    "scale_features": "scale standardize scaling normalize_features",
    "id": "ids id_column row_id index",
    "json": "output_json as_json",
    "folder": "dir directory",
    "n": "top_k top_n n_recs",
    "n_warmup": "burn_in burnin n_burn n_burn_in warmup",
    "n_samples": "draws n_draws mcmc_samples n_iter num_iter iterations",
    "feature_importances_": "feature_importance get_feature_importance feature_importances"
    " get_score get_fscore plot_importance",
    "feature_names_in_": "feature_names_ feature_name_ feature_names",
    "history_": "evals_result evals_result_ get_evals_result best_iteration best_iteration_"
    " best_score_ best_ntree_limit history loss_curve_ train_errors_",
    "coef_": "w_ coefficients linear weights_",
    "factors_": "v_ p_ factors embeddings user_factors item_factors item_embeddings",
    "intercept_": "w0_ intercept bias_",
    "save": "save_model write dump to_file store",
    "save_model": "dump save_file",
    "load": "load_model read from_file",
    "load_model": "load booster read_model",
    "predict": "transform infer apply calc score_samples",
    "cross_validate": "cv cross_val crossval",
    "cv": "cross_validate crossval cross_val",
    "load_data": "read_csv read_parquet data_frame load_svmlight_file",
    "train": "fit learn build",
    "evaluate": "eval test score validate",
    "inspect": "info describe profile stats head",
    "show": "describe print summary dump",
    "convert": "transform",
    "binary": "classification binary_classification c",
    "regression": "r",
    "rank": "ranking learning_to_rank",
    "rmse": "root_mean_squared_error neg_root_mean_squared_error",
    "mse": "mean_squared_error neg_mean_squared_error l2",
    "mae": "mean_absolute_error neg_mean_absolute_error l1",
    "FMClassifier": "fm factorization_machine factorization_machine_classifier fmclassification"
    " create_fm pylibfm",
    "FFMClassifier": "ffm create_ffm ffmmodel",
    "LinearClassifier": "create_linear linear_model lrmodel",
    "FMRegressor": "fmregression factorization_machine_regressor",
    "FMRanker": "ranker fmrecommender light_fm bpr",
    "BayesianFMRegressor": "my_fmregressor mcmc",
    "top_features": "plot_importance",
}
_NAMES: dict[str, list[str]] = {}
for _name, _others in _OTHER_NAMES.items():
    for _other in _others.split():
        _NAMES.setdefault(_other, []).append(_name)

# What there is nothing like here, and what to do without it.
_INSTEAD = {
    "dmatrix quantile_dmatrix pool": "Tables, arrays and files are passed as they are: there is "
    "nothing to wrap them in.",
    "set_train set_validate set_test": "Files are arguments: fit(path, eval_set=path), and "
    "predict(path); fieldfare.compat.xlearn has the handles of xLearn.",
    "objective loss_function task application": "The class says what is learned: FMClassifier, "
    "FMRegressor or FMRanker.",
    "early_stopping log_evaluation record_evaluation": "Stopping early is a setting of estimators "
    "and of train: early_stopping=True, n_iter_no_change=5.",
    "disable_early_stop": "Set early_stopping=False to run all epochs.",
    "use_best_model": "Where validation data decide, the best epoch is kept anyway.",
    "eval_names": "Validation data need no name.",
    "eval_group eval_qid": "Put the groups with the data: eval_set=(X, y, qid).",
    "group": "The groups of samples are qid, an array or the name of a column.",
    "features_col features feature_cols": "All columns are features, but for those in ignore=.",
    "label_col": "Name the target in fit, as in fit(table, 'clicked').",
    "weight_col": "Name the column of weights in fit: sample_weight='w'.",
    "user_col item_col rating_col": "Name the columns in fit, as in roles={'user': 'user_id'}.",
    "batch_size mini_batch_fraction minibatch": "There are no batches: solvers take a step after "
    "each row, or all rows at once.",
    "c": "It is the inverse of a penalty: set l2_linear and l2_factors.",
    "verbose v": "The report is printed without it; -q leaves it out.",
    "output_margin raw_score": "Raw scores are what decision_function returns.",
    "prediction_type set_sigmoid sigmoid": "Probabilities are what predict_proba returns.",
    "set_sign": "Classes are what predict returns.",
    "validate_features": "Columns are found by name anyway.",
    "ntree_limit num_iteration iteration_range": "Leave it out: the whole model predicts.",
    "set_txtmodel": "fieldfare.export(model, path, to='xlearn') writes a model for xLearn.",
    "grid_search randomized_search": "Search with scikit-learn's GridSearchCV or "
    "RandomizedSearchCV.",
    "disable_norm": "Rows are normalised only where instance_norm=True.",
    "get_booster": "An estimator is its own model: coef_ and factors_ are its parameters.",
    "cv": "fieldfare.cross_validate does it, and so does scikit-learn's cross_val_score.",
}
_SETTERS = "Parameters are set by name: set_params(n_factors=8)."
_ADVICE = {word: advice for words, advice in _INSTEAD.items() for word in words.split()}


def meant(word: str, options: Iterable[str]) -> list[str]:
    """Return those of the options that another library calls by this word.

    Parameters
    ----------
    word : str
        A parameter (``embedding_dim``, ``embeddingDim``) or a flag (``--embedding-dim``).
    options : iterable of str
        What may be given: parameters or flags.

    Returns
    -------
    list of str
        In the order of the options; empty if there are none.
    """
    bare = _bare(word)
    names = {bare, *_NAMES.get(bare, ())}
    return [option for option in options if option in names or _bare(option) in names]


def advice(word: str) -> str:
    """Return what to do where a word of another library has no counterpart; empty if not known."""
    bare = _bare(word)
    return _ADVICE.get(bare, _SETTERS if bare.startswith("set_") else "")


def _bare(word: str) -> str:
    """Return a word without dashes and capitals: ``stepSize`` and ``--step-size`` are one."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word.lstrip("-"))
    return parted.replace("-", "_").lower()
