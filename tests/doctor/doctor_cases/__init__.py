"""Small models from seeds, healthy or with one planted mistake, to measure the doctor on."""
