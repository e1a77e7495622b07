"""The study of docs/studies/five-layers.md: what is trained (runs), how it is read (results), and the page."""
