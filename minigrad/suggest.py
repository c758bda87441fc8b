"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable

# Other frameworks' names for arguments that have PyTorch's names here; used only for suggestions.
FOREIGN = {
    name: frozenset(words.split())
    for name, words in {
        "lr": "learning_rate learningrate eta step_length",
        "max_epochs": "epochs num_epochs n_epochs nepochs num_train_epochs max_epoch max_iter",
        "max_steps": "steps num_steps max_iters iterations num_iterations",
        "loss": "criterion loss_fn loss_function objective",
        "batch_size": "batch bs batchsize minibatch_size train_batch_size per_device_train_batch_size",
        "device": "accelerator gpu cuda use_cuda",
        "accumulate": "accumulate_grad_batches gradient_accumulation_steps accumulation_steps grad_accum_steps",
        "shards": "num_workers workers n_jobs devices num_processes",
        "val_every": "eval_steps eval_strategy evaluation_strategy val_check_interval check_val_every_n_epoch",
        "log_every": "logging_steps log_every_n_steps log_interval",
        "val_fraction": "validation_split val_split val_size validation_fraction",
        "test_fraction": "test_size test_split",
        "path": "file filename file_name csv data_files data_path filepath file_path directory root_dir",
        "target": "label label_column target_column labels y",
        "kernel_size": "kernel filter_size ksize",
        "rank": "r lora_r",
        "alpha": "lora_alpha",
        "match": "target_modules modules_to_save",
        "weight_decay": "wd l2 decay l2_penalty",
        "data": "dataset datasets datamodule",
        "loader": "dataloader data_loader",
        "model": "net network architecture module",
        "optimizer": "optim optimiser opt solver",
        "schedule": "scheduler lr_scheduler lr_schedule",
        "trainer": "training train fit",
        "name": "experiment run title",
        "seed": "random_seed random_state rng seed_everything set_seed",
        "weights": "pretrained init_from checkpoint_path from_pretrained load_from finetune_from",
        "adapters": "adapter peft lora",
        "freeze": "frozen freeze_layers",
        "groups": "param_groups parameter_groups",
        "ema": "ema_decay moving_average averaged_weights",
        "recompute": "gradient_checkpointing activation_checkpointing",
        "base": "inherits extends parent include defaults",
        "p": "rate dropout drop prob probability dropout_rate",
        "bias": "use_bias",
        "in_features": "input_dim in_dim input_size in_size n_in in_channels",
        "out_features": "output_dim out_dim output_size units out_size n_out out_channels hidden_size",
        "grad_clip": "clip gradient_clip_val max_norm clip_norm max_grad_norm gradient_clip",
        "warmup_steps": "warmup num_warmup_steps warmup_iters",
        "total_steps": "num_training_steps total_iters t_max",
        "early_stopping": "early_stop earlystopping",
        "checkpoint": "checkpointing model_checkpoint",
        "monitor": "metric watch",
        "metrics": "metric",
        "n_embd": "d_model hidden_size embed_dim n_embed embedding_dim dim",
        "n_head": "num_heads n_heads nhead heads",
        "n_layer": "num_layers n_layers layers depth num_hidden_layers",
        "block_size": "context_length seq_len max_seq_len sequence_length n_positions n_ctx",
        "vocab_size": "vocabulary_size n_vocab num_embeddings",
        "betas": "beta beta1 beta2",
        "eps": "epsilon",
        "CrossEntropyLoss": "crossentropy cross_entropy nllloss categorical_crossentropy categoricalcrossentropy",
        "MSELoss": "mse meansquarederror mean_squared_error l2loss",
        "L1Loss": "mae meanabsoluteerror mean_absolute_error",
        "BCEWithLogitsLoss": "bce bceloss binarycrossentropy binary_crossentropy binary_cross_entropy_with_logits",
        "BCELoss": "binary_cross_entropy",
        "KLDivLoss": "kl_div kldiv",
        "GaussianNLLLoss": "gaussian_nll",
        "PoissonNLLLoss": "poisson_nll",
        "HuberLoss": "huber",
        "Linear": "dense fullyconnected fc",
        "WarmupCosine": "cosine cosineannealinglr cosineannealing",
        "F1": "f1score f1_score",
        "R2": "r2score r2_score",
        "MeanAbsoluteError": "mae",
        "TopK": "topkaccuracy top_k_accuracy top5",
        "Table": "csv tabular csvdataset dataframe csvdata",
        "ImageFolder": "images imagedataset image_dataset_from_directory imagefolderdataset",
        "Digits": "load_digits",
        "MLP": "mlpclassifier mlpregressor feedforward",
    }.items()
}


SETTINGS = {
    "earlystopping": "trainer: {early_stopping: {monitor: val/loss, patience: 3}}",
    "modelcheckpoint": "trainer: {checkpoint: {monitor: val/loss}}",
    "stochasticweightaveraging": "trainer: {ema: 0.999}",
    "exponentialmovingaverage": "trainer: {ema: 0.999}",
    "gradientaccumulationscheduler": "trainer: {accumulate: 2}",
    "learningratescheduler": "schedule: {StepLR: {step_size: 100}}",
}
"""Other tools' callbacks for which a config has a key; used only for suggestions."""

READERS = {".csv": "Table", ".tsv": "Table", ".txt": "CharText", ".npz": "Arrays"}
"""The class that reads each kind of file; used only for suggestions."""

ARGUMENT_KEYS = ("init_args", "args", "kwargs", "params", "arguments", "config")
"""The keys under which other tools' configs have the arguments of a class, next to its name."""


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that was most likely meant.

    A word of another framework gives its equivalent, any other word the name with the fewest edits: at most one edit
    per three letters, where a difference in case counts as a tenth of an edit.
    """
    names = list(names)
    for name in names:
        if word.lower() in FOREIGN.get(name, ()):
            return name
    word = word[:30]
    distances = [(_distance(word, name), name) for name in names if abs(len(name) - len(word)) <= 1 + len(word) // 3]
    best = min(distances, default=None)
    return best[1] if best and best[0] <= max(1.1, len(word) / 3) else None


def most_similar(word: str, names: Iterable[str]) -> str | None:
    """Return the name that is spelled most alike, or None.

    It suits long names, such as paths of parameters, and does not know other frameworks.
    """
    from difflib import get_close_matches  # imported only for error messages

    return next(iter(get_close_matches(word, list(names), n=1)), None)


def did_you_mean(word: str, names: Iterable[str], heading: str = "known are", near: str | None = None) -> str:
    """Return a hint for a wrong name.

    The hint consists of the right name (`near`, or the nearest), and all known names, or the first of many.
    """
    names = list(names)
    near = near or nearest(word, names)
    shown = ", ".join(names[:24]) + (f", ... ({len(names)} in all)" if len(names) > 24 else "")
    return "  ".join(part for part in (near and f"did you mean '{near}'?", names and f"{heading}: {shown}") if part)


def _distance(a: str, b: str) -> float:
    """Return the Damerau–Levenshtein distance of two words.

    It counts inserted, deleted, changed and swapped letters (optimal string alignment).
    """
    lower_a, lower_b = a.lower(), b.lower()
    previous: list[float] = []
    row = [float(j) for j in range(len(b) + 1)]
    for i, x in enumerate(lower_a):
        before, previous, row = previous, row, [i + 1.0]
        for j, y in enumerate(lower_b):
            change = 1.0 if x != y else 0.0 if a[i] == b[j] else 0.1
            row.append(min(previous[j] + change, previous[j + 1] + 1, row[j] + 1))
            if i and j and x == lower_b[j - 1] and y == lower_a[i - 1]:
                row[-1] = min(row[-1], before[j - 1] + 1)
    return row[-1]
