"""The site: how it is built from stored lessons, and what its pages weigh."""
