"""Many runs: what each job leaves, search for hyper-parameters with pruning, and many settings in one program."""
