"""The model: its config, its layer graph of operators and tensors, and what each operator costs a chip."""
