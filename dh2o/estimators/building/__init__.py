"""What happens around an algorithm's ``build``: requests read, data made ready, the job run."""
