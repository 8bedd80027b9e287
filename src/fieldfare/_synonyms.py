"""Names that other libraries use, and what they are called here: for the hints of messages."""

from __future__ import annotations

from collections.abc import Iterable

# What it is called here: what else it is called.
_OTHER_NAMES = {
    "n_factors": "k d rank dim factors n_components no_components num_factors latent_dim"
    " embedding_dim embedding_size embed_dim emb_size hidden_dim dimension",
    "learning_rate": "lr eta eta0 alpha step_size learn_rate learning_rate_init",
    "max_iter": "epochs n_epochs num_epochs epoch n_iter num_iter iter iters iterations passes"
    " num_iterations n_estimators num_boost_round num_round n_rounds max_epochs",
    "l2_factors": "reg lambda lambda_ l2 reg_lambda l2_reg reg_v weight_decay regularization"
    " l2_regularization l2_leaf_reg penalty lambda_l2",
    "l2_linear": "reg lambda lambda_ l2 reg_lambda l2_reg reg_w weight_decay regularization"
    " l2_regularization l2_leaf_reg penalty lambda_l2",
    "l1_linear": "l1 l1_reg reg_alpha lambda_l1",
    "l1_factors": "l1 l1_reg reg_alpha lambda_l1",
    "random_state": "seed rng random_seed",
    "n_jobs": "threads nthread nthreads n_threads num_threads thread_count workers num_workers"
    " n_workers jobs",
    "n_iter_no_change": "patience early_stopping_rounds stop_window",
    "early_stopping": "early_stop",
    "eval_metric": "metric metrics scoring",
    "metric": "metrics scoring eval_metric",
    "solver": "optimizer optimiser opt algorithm method",
    "init_scale": "init init_std init_stdev sigma init_stddev",
    "verbose": "verbosity silent logging_level",
    "quiet": "silent",
    "target": "label labels y response label_column target_column label_col",
    "weight": "sample_weight weights weight_column",
    "group": "qid query group_id query_id",
    "categorical": "cat cat_features cat_cols categorical_feature categorical_features"
    " categorical_columns",
    "numeric": "numerical num_cols numeric_features numerical_features continuous dense_features",
    "ignore": "drop exclude skip ignored ignored_features ignore_column ignore_columns"
    " drop_columns",
    "na_values": "na missing null null_values nan",
    "model": "model_type kind architecture",
    "task": "objective loss problem problem_type loss_function application",
    "valid": "val validation eval_set validation_data valid_data validation_set dev test eval_data",
    "validation_fraction": "val_split validation_split test_size val_fraction",
    "class_weight": "class_weights scale_pos_weight is_unbalance",
    "sep": "delimiter separator delim",
    "encoding": "charset codec file_encoding",
    "names": "columns column_names col_names header_names",
    "output": "out save output_model output_file model_out save_model",
    "max_time": "time_limit timeout max_seconds",
    "folds": "cv n_folds n_splits nfold k_folds",
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
}
_NAMES: dict[str, list[str]] = {}
for _name, _others in _OTHER_NAMES.items():
    for _other in _others.split():
        _NAMES.setdefault(_other, []).append(_name)


def meant(word: str, options: Iterable[str]) -> list[str]:
    """Return those of the options that another library calls by this word.

    Parameters
    ----------
    word : str
        A parameter (``embedding_dim``) or a flag (``--embedding-dim``).
    options : iterable of str
        What may be given: parameters or flags.

    Returns
    -------
    list of str
        In the order of the options; empty if there are none.
    """
    names = _NAMES.get(_bare(word), ())
    return [option for option in options if _bare(option) in names]


def _bare(word: str) -> str:
    return word.lstrip("-").replace("-", "_").lower()
