"""The studies of docs/studies/: what is trained or run, how it is read, and the pages."""
